/** What goes wrong outside: nothing hangs, errors say what happened, and the same work can be done again. */
import { execFile } from 'node:child_process';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { api, expectFailure, expectSame, goldenMeasurements, sleep, weights } from './helpers.js';

afterEach(() => vi.restoreAllMocks());

describe('a worker that dies', () => {
  test('during a transfer: everything that waits is told, and another engine does the same work', async () => {
    // The package starts its thread from the same class; what it posts to tells which thread is its own.
    const threads = new Set<Worker>();
    const { postMessage } = Worker.prototype;
    vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
      threads.add(this);
      postMessage.apply(this, args);
    });
    const measurements = goldenMeasurements();
    const engine = await api.createEngine({ kind: 'worker' });
    const base = await engine.load(weights());
    let begun!: () => void;
    const started = new Promise<void>((resolve) => (begun = resolve));
    const transfer = base.transfer(measurements, { method: 'finetune', onProgress: () => begun() });
    await started;
    const listed = engine.enumerate('nb201');
    expect(threads.size).toBe(1);
    for (const thread of threads) void thread.terminate();
    await expectFailure(transfer, 'load', /worker: stopped \(exit code 1\)/);
    await expectFailure(listed, 'load', /worker: stopped/);
    await expectFailure(base.predictAll(), 'load', /worker: stopped/);
    await expectFailure(engine.spaces(), 'load', /worker: stopped/);
    base.dispose();
    engine.dispose();

    const [again, local] = [await api.createEngine({ kind: 'worker' }), await api.createEngine({ kind: 'local' })];
    const estimates = async (one: typeof engine) => (await (await one.load(weights())).transfer(measurements)).predict(['421211', '000000']);
    expectSame(await estimates(again), await estimates(local));
    again.dispose();
    local.dispose();
  });
});

describe('memory', () => {
  test('that runs out is said, costs nothing that was there, and may come back', async () => {
    const engine = await api.createEngine({ kind: 'local' });
    const base = await engine.load(weights());
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('Maximum memory size exceeded');
    });
    const held: (typeof base)[] = [];
    const fill = async () => {
      for (;;) held.push(await engine.load(weights()));
    };
    await expectFailure(fill(), 'internal', /out of memory/);
    expect(grow).toHaveBeenCalled();
    expect(await engine.liveHandles()).toBe(1 + held.length);
    expect(await engine.parse('nb201', ['421211'])).toEqual([{ ok: true, architecture: '421211', index: expect.any(Number) as number }]);
    grow.mockRestore();
    const mine = await base.transfer(goldenMeasurements());
    expect(await mine.predict(['421211'])).toHaveLength(1);
    for (const one of [base, mine, ...held]) one.dispose();
    expect(await engine.liveHandles()).toBe(0);
    engine.dispose();
  });

  test('stays flat over many rounds of opening, transferring and disposing', async () => {
    const bench = fileURLToPath(new URL('../bench/cycles.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', bench, '--cycles', '30']);
    expect(stdout).toMatch(/^30 cycles: \d+ MB resident, 0 alive/m);
  });
});

describe('a file', () => {
  async function served<T>(answer: RequestListener, use: (address: string) => Promise<T>): Promise<T> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/nb201.latencast`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('that arrives drop by drop arrives', async () => {
    const bytes = weights();
    const drop = Math.ceil(bytes.length / 20);
    const drip = async (response: ServerResponse): Promise<void> => {
      response.setHeader('content-length', bytes.length);
      for (let at = 0; at < bytes.length; at += drop) {
        response.write(bytes.subarray(at, at + drop));
        await sleep(10);
      }
      response.end();
    };
    const dripping: RequestListener = (_, response) => void drip(response);
    const shares: number[] = [];
    const onProgress = (received: number, total: number) => void shares.push(received / total);
    expectSame(await served(dripping, (address) => api.fetchBytes(address, { onProgress })), bytes);
    expect(shares.length).toBeGreaterThan(5);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  test('that never ends can be given up, and the server sees it', async () => {
    let closed!: () => void;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const endless: RequestListener = (_, response) => {
      response.write(weights().subarray(0, 1000));
      response.on('close', closed);
    };
    await served(endless, async (address) => {
      await expectFailure(api.fetchBytes(address, { signal: AbortSignal.timeout(100) }), 'cancelled', /nb201\.latencast: cancelled/);
      await gone;
    });
  });

  // Without its length nobody but the file itself can tell that it is cut.
  test.each([0, 1, 40, 5000, 100_000, -1])('cut short after %i bytes is refused, and whole it is taken by the same engine', async (kept) => {
    const bytes = weights();
    const cut: RequestListener = (_, response) => {
      response.write(bytes.subarray(0, kept < 0 ? bytes.length + kept : kept));
      response.end();
    };
    const engine = await api.createEngine({ kind: 'local' });
    const got = await served(cut, (address) => api.fetchBytes(address));
    await expectFailure(engine.load(got), 'checkpoint', /cut short|found|expected/);
    const base = await engine.load(bytes);
    base.dispose();
    expect(await engine.liveHandles()).toBe(0);
    engine.dispose();
  });
});
