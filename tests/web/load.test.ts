import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { api, expectFailure, kKinds } from './helpers.js';

const kWasm = new URL('../../build-wasm/wasm/latencast.wasm', import.meta.url);

describe('loading', () => {
  let server: Server;
  let address: string;
  let answer: RequestListener;

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  afterEach(() => vi.unstubAllGlobals());

  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i);

  test('fetches bytes and tells how far it is', async () => {
    answer = (_, response) => {
      response.setHeader('content-length', bytes.length);
      response.write(bytes.subarray(0, 100_000));
      setTimeout(() => response.end(bytes.subarray(100_000)), 20);
    };
    const seen: number[][] = [];
    const got = await api.fetchBytes(address, { onProgress: (...progress) => seen.push(progress) });
    expect(Buffer.from(got).equals(bytes)).toBe(true);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
    expect(Buffer.from(await api.fetchBytes(new URL(address))).equals(bytes)).toBe(true);
  });

  test('does not guess a size that nobody announced', async () => {
    answer = (_, response) => void response.end(bytes, () => {});
    const seen: number[][] = [];
    answer = (_, response) => {
      response.write(bytes);
      response.end();
    };
    await api.fetchBytes(address, { onProgress: (...progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual([bytes.length, NaN]);
  });

  test('says which file is missing', async () => {
    answer = (_, response) => {
      response.statusCode = 404;
      response.end('nothing here');
    };
    await expectFailure(api.fetchBytes(address), 'load', /\/file: the server answered 404 Not Found; expected the file/);
  });

  test('says that nobody answers, or that the answer breaks off', async () => {
    await expectFailure(api.fetchBytes('http://127.0.0.1:1/file'), 'load', /127\.0\.0\.1:1\/file: could not be fetched/);
    answer = (_, response) => {
      response.setHeader('content-length', bytes.length);
      response.write(bytes.subarray(0, 1000), () => response.destroy());
    };
    await expectFailure(api.fetchBytes(address), 'load', /could not be fetched/);
    await expectFailure(api.fetchBytes(new URL('none.bin', kWasm)), 'load', /none\.bin: could not be fetched.*ENOENT/);
  });

  test('stops when it is told to', async () => {
    answer = (_, response) => void response.write(bytes);
    const controller = new AbortController();
    const fetching = api.fetchBytes(address, { signal: controller.signal, onProgress: () => controller.abort() });
    await expectFailure(fetching, 'cancelled', /cancelled/);
    await expectFailure(api.fetchBytes(address, { signal: AbortSignal.abort() }), 'cancelled', /cancelled/);
  });

  describe.each(kKinds)('an engine: %s', (kind) => {
    test('starts from bytes, from an address, and from its own folder', async () => {
      const wasm = new Uint8Array(readFileSync(kWasm));
      answer = (_, response) => void response.end(wasm);
      for (const source of [wasm, address, new URL(address), kWasm, undefined]) {
        const engine = await api.createEngine({ kind, ...(source && { wasm: source }) });
        expect(await engine.parse('nb201', ['421211'])).toHaveLength(1);
        engine.dispose();
      }
    });

    test('says that its file is missing', async () => {
      answer = (_, response) => {
        response.statusCode = 404;
        response.end();
      };
      await expectFailure(api.createEngine({ kind, wasm: address }), 'load', /\/file: the server answered 404/);
    });

    test('says that a page came in place of its file', async () => {
      answer = (_, response) => void response.end('<!doctype html><title>Not here</title>');
      const message = /\/file: starts with "<!doctype ht"; expected a WebAssembly module/;
      await expectFailure(api.createEngine({ kind, wasm: address }), 'load', message);
    });

    test('says that its file is damaged', async () => {
      const wasm = new Uint8Array(readFileSync(kWasm)).subarray(0, 5000);
      await expectFailure(api.createEngine({ kind, wasm }), 'load', /did not start/);
    });
  });

  test('a browser without SIMD is told so', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    await expectFailure(api.createEngine({ kind: 'local' }), 'load', /cannot run WebAssembly with SIMD; expected Chrome/);
    vi.restoreAllMocks();
    vi.stubGlobal('WebAssembly', undefined);
    await expectFailure(api.createEngine({ kind: 'local' }), 'load', /cannot run WebAssembly with SIMD/);
  });
});
