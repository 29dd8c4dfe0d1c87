import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { SpaceId } from '../../web/api/types.js';
import { api, encoderFile, expectFailure, kKinds, kMeasurements, shippedFile, weights } from './helpers.js';

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

  describe.each(kKinds)('without the rest of its module, %s', (kind) => {
    test('an engine gives the first estimates of every space, and names what it cannot do', async () => {
      const [first, later] = [new Uint8Array(readFileSync(kWasm)), readFileSync(new URL('latencast-rest.wasm', kWasm))];
      let asked = 0;
      let there = false;
      answer = (_, response) => {
        ++asked;
        response.statusCode = there ? 200 : 404;
        response.end(there ? later : '');
      };
      const engine = await api.createEngine({ kind, wasm: first, restWasm: address });
      for (const space of ['nb201', 'fbnet', 'ofa'] as const) {
        const base = await engine.load(shippedFile(space, 'file')!);
        const drawn = (await engine.random(space, 40)).sort();
        expect((await engine.parse(space, [...drawn, 'none'])).filter(({ ok }) => ok)).toHaveLength(40);
        expect((await engine.facts(space, drawn)).every(({ macs }) => macs >= 0)).toBe(true);
        expect((await engine.pool(space)).length).toBeGreaterThan(4000);
        await expectFailure(engine.parse('nb302' as SpaceId, drawn), 'argument', /nb302/);
        const measured = drawn.slice(0, 20).map((architecture, i) => ({ architecture, latency_ms: 10 + i }));
        await expectFailure(base.transfer([{ architecture: 'none', latency_ms: 1 }]), 'architecture', /measurement 1/);
        const mine = await base.transfer(measured);
        expect(mine.info.method).toBe('closed-form');
        expect((await mine.predict(drawn)).every((ms) => ms > 0)).toBe(true);
        expect((await mine.intervals(drawn)).high.every((ms) => ms > 0)).toBe(true);
        expect((await mine.review()).left_out.latency_ms).toHaveLength(20);
        mine.dispose();
        base.dispose();
      }
      await expectFailure(engine.load(first), 'checkpoint', /./);
      expect(asked).toBe(0);
      const base = await engine.load(weights());
      for (const work of [() => base.save(), () => base.scores('pixel3', ['421211']), () => base.transfer(kMeasurements, { method: 'finetune' }), () => engine.chooseSamples('nb201'), () => engine.loadEncoder(encoderFile())]) {
        await expectFailure(work(), 'load', /\/file: the server answered 404/);
      }
      // It is asked for again, and then once.
      there = true;
      expect(await base.scores('pixel3', ['421211'])).toHaveLength(1);
      const before = asked;
      expect((await base.transfer(kMeasurements, { method: 'finetune', epochs: 1 })).info.method).toBe('finetune');
      expect(asked).toBe(before);
      engine.dispose();
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
