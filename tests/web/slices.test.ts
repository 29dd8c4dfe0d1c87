import { afterEach, describe, expect, test, vi } from 'vitest';

import { Owned } from '../../web/api/owned.js';
import { drive, kSliceMilliseconds, type Steps } from '../../web/api/slices.js';
import type { TransferProgress } from '../../web/api/types.js';

function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Work of `count` steps; `log` hears of its end, however it ends. */
function* work(count: number, milliseconds: number, log: string[] = []): Steps<string> {
  try {
    for (let i = 1; i <= count; ++i) {
      spin(milliseconds);
      yield { done: i / count };
    }
    return 'result';
  } finally {
    log.push('freed');
  }
}

describe('drive', () => {
  test('runs work to its end and reports every step', async () => {
    const seen: TransferProgress[] = [];
    const result = await drive('predict', () => work(4, 0), { onProgress: (progress) => seen.push(progress) });
    expect(result).toBe('result');
    expect(seen.map(({ done }) => done)).toEqual([0.25, 0.5, 0.75, 1]);
    expect(seen.at(-1)).toEqual({ phase: 'predict', done: 1, epoch: 0, epochs: 0, loss: 0, seconds_left: 0 });
  });

  test('foresees the time that is left', async () => {
    const left: number[] = [];
    await drive('predict', () => work(40, 5), { onProgress: ({ seconds_left }) => left.push(seconds_left) });
    expect(left[0]).toBeNaN();
    // Half of 200 ms.
    expect(left[19]).toBeGreaterThan(0.05);
    expect(left[19]).toBeLessThan(0.4);
  });

  test('gives the event loop its turns', async () => {
    let turns = 0;
    const count = () => {
      ++turns;
      timer = setTimeout(count, 0);
    };
    let timer = setTimeout(count, 0);
    await drive('predict', () => work(60, 4));
    clearTimeout(timer);
    // 240 ms of work, a turn every 8 ms or so.
    expect(turns).toBeGreaterThan(240 / kSliceMilliseconds / 3);
  });

  test('an abort ends it within a slice and frees what it holds', async () => {
    const controller = new AbortController();
    const log: string[] = [];
    setTimeout(() => {
      log.push('aborted');
      aborted = performance.now();
      controller.abort();
    }, 40);
    let aborted = 0;
    const running = drive('transfer', () => work(1e6, 1, log), { signal: controller.signal });
    await expect(running).rejects.toMatchObject({ code: 'cancelled', message: 'transfer: cancelled by the caller' });
    expect(performance.now() - aborted).toBeLessThan(100);
    expect(log).toEqual(['aborted', 'freed']);
  });

  test('what fails within is freed too, and is one of our errors', async () => {
    const log: string[] = [];
    const failing = drive('transfer', function* () {
      yield* work(2, 0, log);
      throw new RangeError('memory access out of bounds');
    });
    await expect(failing).rejects.toMatchObject({
      name: 'LatencastError',
      code: 'internal',
      message: 'memory access out of bounds',
    });
    expect(log).toEqual(['freed']);
  });

  test('a callback that throws ends the work', async () => {
    const log: string[] = [];
    const running = drive('predict', () => work(5, 0, log), {
      onProgress: () => {
        throw new Error('the view is gone');
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'internal', message: 'the view is gone' });
    expect(log).toEqual(['freed']);
  });
});

describe('Owned', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test('frees once', () => {
    const freed: number[] = [];
    const owned = new Owned(42, (held) => freed.push(held), 'thing');
    expect(owned.value).toBe(42);
    owned.dispose();
    owned.dispose();
    expect(freed).toEqual([42]);
    expect(() => owned.value).toThrow('thing: used after dispose()');
  });

  test('has a name for disposal where the runtime has none', async () => {
    const { dispose: _, prototype: __, ...known } = Object.getOwnPropertyDescriptors(Symbol);
    const create = Symbol;
    vi.stubGlobal('Symbol', Object.defineProperties((name?: string) => create(name), known));
    vi.resetModules();
    const { kDispose } = await import('../../web/api/owned.js');
    expect(typeof kDispose).toBe('symbol');
    expect(kDispose).toBe(Symbol.for('latencast.dispose'));
  });
});
