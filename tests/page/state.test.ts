import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../web/api/index.js';
import { rows, textMatcher } from '../../web/app/derive.js';
import { correlation, duration, percent, significant, signedPercent } from '../../web/app/format.js';
import { archString, kOperations, liveEdges, readSpaceTable, type SpaceTable } from '../../web/app/space.js';
import { initialState, kDevices, kTabs, readAddress, reduce, writeAddress, type State } from '../../web/app/state.js';

const kRoot = join(import.meta.dirname, '../..');

function loadSpace(): SpaceTable {
  const bytes = readFileSync(join(kRoot, 'web/app/public/examples/nb201.space.bin'));
  return readSpaceTable(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
}

describe('table of the space', () => {
  let engine: Engine;
  beforeAll(async () => {
    const wasm = new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm/latencast.wasm')));
    engine = await createEngine({ kind: 'local', wasm });
  });
  afterAll(() => engine.dispose());

  test('says what the engine says of all 15,625 architectures', async () => {
    const space = loadSpace();
    expect(space.digits).toEqual(await engine.enumerate('nb201'));
    const facts = await engine.facts('nb201', space.digits);
    facts.forEach((fact, index) => {
      const digits = space.digits[index] ?? '';
      expect(space.macs[index]).toBe(fact.macs);
      expect(space.params[index]).toBe(fact.params);
      expect(archString(digits)).toBe(fact.text);
    });
  });

  test("a live edge that computes is live in the engine's graph too", async () => {
    const space = loadSpace();
    const facts = await engine.facts('nb201', space.digits);
    facts.forEach(({ graph }, index) => {
      const digits = space.digits[index] ?? '';
      const live = liveEdges(digits);
      Array.from(digits, Number).forEach((op, edge) => {
        // Skips are bypassed in the graph, so their nodes say nothing.
        if (op === 1) return;
        expect([digits, edge, live[edge]]).toEqual([digits, edge, graph.live[edge + 1]]);
        expect(graph.op[edge + 1]).toBe(kOperations[op]?.name);
      });
    });
  });

  test('refuses a file of another length', () => {
    expect(() => readSpaceTable(new ArrayBuffer(10))).toThrow('10 bytes, expected 218750');
  });
});

describe('address', () => {
  const count = fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }))
    .map(([min, max]) => ({ min, max }));
  const view = fc.record({
    device: fc.constantFrom(...kDevices),
    tab: fc.constantFrom(...kTabs),
    selected: fc.integer({ min: 0, max: 15624 }),
    sort: fc.record({ key: fc.constantFrom('index', 'estimate', 'macs'), descending: fc.boolean() }),
    query: fc.string(),
    counts: fc.array(count, { minLength: 5, maxLength: 5 }),
    budget_ms: fc.option(fc.double({ min: 0.001, max: 1e4, noNaN: true }), { nil: undefined }),
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(view, ({ budget_ms, ...rest }) => {
        const state = { ...initialState(), ...rest, ...(budget_ms === undefined ? {} : { budget_ms }) } as State;
        expect(readAddress(`#${writeAddress(state)}`)).toEqual({ ...rest, budget_ms });
      }),
    );
  });

  test('whatever it says, a state comes of it', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (fragment) => void writeAddress(reduce(initialState(), { type: 'address', address: readAddress(fragment) })),
      ),
    );
  });
});

describe('notebook', () => {
  test('a text that a file replaced comes back', () => {
    const written = reduce({ ...initialState(), device: 'mine' }, { type: 'text', text: 'mine' });
    const replaced = reduce(written, { type: 'replace-text', text: 'theirs', filename: 'a.csv' });
    expect(replaced.sheets.mine.text).toBe('theirs');
    expect(reduce(replaced, { type: 'undo-replace' }).sheets.mine.text).toBe('mine');
  });

  test('each device keeps its own text', () => {
    let state = reduce({ ...initialState(), device: 'mine' }, { type: 'text', text: 'a' });
    state = reduce(reduce(state, { type: 'device', device: 'eyeriss' }), { type: 'text', text: 'b' });
    expect(reduce(state, { type: 'device', device: 'mine' }).sheets.mine.text).toBe('a');
    expect(state.sheets.eyeriss.text).toBe('b');
  });

  test('a fix changes its line only', () => {
    const state = reduce({ ...initialState(), device: 'mine' }, { type: 'text', text: 'a\nb\nc' });
    const fixed = reduce(state, { type: 'fix', fix: { label: '', line: 2, text: 'B' } });
    expect(fixed.sheets.mine.text).toBe('a\nB\nc');
  });
});

describe('table order', () => {
  test('unknown measurements come last in both directions', () => {
    const space = loadSpace();
    const reading = { index: 7, architecture: space.digits[7] ?? '', latency_ms: 5 };
    const result = { source: 'transfer', latency_ms: new Float64Array(15625).fill(1), readings: [reading] } as const;
    const state: State = { ...initialState(), space, device: 'mine', results: { mine: result } };
    for (const descending of [true, false]) {
      expect(rows({ ...state, sort: { key: 'measured', descending } })[0]).toBe(7);
    }
  });

  test('the search knows digits, patterns, indices and arch strings', () => {
    expect(textMatcher('4212')('421211', 0)).toBe(true);
    expect(textMatcher('4?1?11')('421211', 0)).toBe(true);
    expect(textMatcher('13714')('333123', 13714)).toBe(true);
    expect(textMatcher('13714')('333123', 1371)).toBe(false);
    expect(textMatcher('avg_pool_3x3~0')('421211', 0)).toBe(true);
    expect(textMatcher('AVG_pool_3x3~2')('421211', 0)).toBe(false);
  });
});

test('numbers have three significant digits and no exponent', () => {
  expect([12.345, 0.011283, 1234.5, 9.996, 0, Number.NaN].map(significant)).toEqual([
    '12.3',
    '0.0113',
    '1,230',
    '10.0',
    '0',
    '–',
  ]);
  expect([0.0573, 0.5, 0.004].map(percent)).toEqual(['5.73 %', '50.0 %', '0.40 %']);
  expect([0.041, -0.2, 4000].map(signedPercent)).toEqual(['+4.1 %', '−20.0 %', '> +999 %']);
  expect(correlation(0.95678)).toBe('0.957');
  expect([0.2, 59, 80].map(duration)).toEqual(['1 s', '59 s', '1 min 20 s']);
});
