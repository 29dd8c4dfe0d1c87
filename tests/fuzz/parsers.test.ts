/** A short run of every target; `parsers.mjs` is for the long ones. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { checkMeasurements, readMeasurements } from '../../web/api/measurements.js';
import { initialState } from '../../web/app/state.js';
import { kItems, kOneItem, readStored, writeStored } from '../../web/app/storage.js';
import { targets, type Target } from './parsers.js';

const kRoot = new URL('../..', import.meta.url).pathname;
const kNames = ['measurements', 'checked', 'json', 'tool logs', 'architectures', 'tables', 'share links', 'storage', 'models', 'model inputs', 'skim'];

describe('almost right inputs are read or refused', () => {
  let found: Awaited<ReturnType<typeof targets>>;
  beforeAll(async () => {
    found = await targets(kRoot);
  });
  afterAll(() => found.engine.dispose());

  test('each has a test', () => {
    expect(found.all.map(({ name }) => name)).toEqual(kNames);
  });

  // The same ones every time: what is new is for the long runs to find.
  test.each(kNames)('%s', async (name) => {
    const target = found.all.find((each) => each.name === name) as Target;
    await target.run(name.startsWith('model') || name === 'skim' ? 300 : 2000, 1);
    expect(await found.engine.liveHandles()).toBe(0);
  });
});

describe('found by long runs', () => {
  const store = (items: Readonly<Record<string, string>>): void => {
    const stored = new Map(Object.entries(items));
    const getItem = (name: string): string | null => stored.get(name) ?? null;
    vi.stubGlobal('localStorage', { getItem, setItem: (name: string, text: string) => stored.set(name, text), removeItem: (name: string) => stored.delete(name) });
  };
  afterEach(() => vi.unstubAllGlobals());

  test('a stored list of what is no text', () => {
    store({
      [`${kItems}/sheets/nb201/raspi4`]: JSON.stringify({ text: '421211,1', trusted: ['421211', { toString: null }, 3] }),
      [`${kItems}/models`]: JSON.stringify({ text: '', trusted: [{ toString: null }] }),
    });
    const state = readStored(initialState());
    expect(state.sheets['nb201/raspi4']).toMatchObject({ text: '421211,1', trusted: ['421211'] });
    expect(state.model.trusted).toEqual([]);
  });

  test('latencies that are none any more once they are milliseconds', async () => {
    const { engine } = await targets(kRoot);
    const checked = await checkMeasurements(engine, 'nb201', readMeasurements('421211, 1.8e305 s\n000000, 1e-322 ns\n333333, 2 s\n'));
    expect(checked.lines.map(({ reason }) => reason)).toEqual([
      '"1.8e305 s" is too large in s; expected a latency such as 12.4 ms',
      '"1e-322 ns" is too small in ns; expected a latency such as 12.4 ms',
      undefined,
    ]);
    expect(checked.measurements).toEqual([{ architecture: '333333', latency_ms: 2000 }]);
    engine.dispose();
  });

  test('a damaged item does not keep the page from keeping what is entered', () => {
    store({ [`${kItems}/name`]: '"nam', [kOneItem]: '{"name":' });
    const state = readStored(initialState());
    expect(writeStored({ ...state, name: 'mine' })).toBe(true);
    expect(readStored(initialState()).name).toBe('mine');
  });
});
