import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, readMeasurements, type Doubt, type Engine, type SpaceId } from '../../web/api/index.js';
import { budgetSummary, front, quality, rows } from '../../web/app/derive.js';
import { sheetMarks } from '../../web/app/doubts.js';
import { inOrder, paretoFront } from '../../web/app/front.js';
import { correlation, decimal, duration, percent, significant, signedPercent } from '../../web/app/format.js';
import { kindOf, knownDevices, knownText, knownTitle } from '../../web/app/known.js';
import { kSpaceIds, kSpaces } from '../../web/app/spaces/index.js';
import { kNb201, kOperations, liveEdges } from '../../web/app/spaces/nb201.js';
import { kStrips } from '../../web/app/spaces/strip.js';
import { extendTable, readSpaceTable, rowOf, type SpaceTable } from '../../web/app/spaces/table.js';
import {
  canShow,
  initialState,
  isDue,
  isOutdated,
  kDevices,
  kQualities,
  kTabs,
  mine,
  originalText,
  qualityOf,
  readAddress,
  reduce,
  sheetOf,
  spaceOf,
  viewOf,
  trustedOf,
  writeAddress,
  type Check,
  type Mark,
  type Result,
  type SpacePlace,
  type State,
} from '../../web/app/state.js';

const kRoot = join(import.meta.dirname, '../..');

function bytesOf(name: string): ArrayBuffer {
  const bytes = readFileSync(join(kRoot, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function loadTable(space: SpaceId): SpaceTable {
  return readSpaceTable(space, bytesOf(`web/app/public/examples/${space}/space.bin`));
}

test('decimals are those of Intl, which the page does without', () => {
  const numbers = fc.double({ min: 0, max: 1e8, noNaN: true });
  fc.assert(
    fc.property(numbers, fc.nat(6), fc.nat(6), (number, one, other) => {
      const [least = 0, most = 0] = [one, other].sort((a, b) => a - b);
      const value = Number(number.toFixed(most));
      const format = new Intl.NumberFormat('en', { minimumFractionDigits: least, maximumFractionDigits: most });
      expect(decimal(value, most, least)).toBe(format.format(value));
    }),
  );
});

// Few different values, so that many are equal.
const someNumbers = fc.array(fc.oneof(fc.integer({ min: -3, max: 12 }), fc.double({ min: 0.001, max: 1e6, noNaN: true })), { minLength: 1, maxLength: 80 });

test('a place in the order is what sorting would put there', () => {
  fc.assert(
    fc.property(someNumbers, fc.nat(100), (numbers, place) => {
      const values = Float64Array.from(numbers);
      expect(inOrder(values, place)).toBe(values.slice().sort()[place] ?? Number.NaN);
      expect([...values]).toEqual(numbers);
    }),
  );
});

test('the front is what remains of all rows by latency where each has to beat every faster one', () => {
  const pairs = fc.array(fc.tuple(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ min: 0.001, max: 1e4, noNaN: true }), fc.constant(Number.NaN)), fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.NaN)), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(pairs, (rows) => {
      const latency_ms = Float64Array.from(rows, ([ms]) => ms);
      const values = Float64Array.from(rows, ([, value]) => value);
      const shown = Uint8Array.from(rows, ([, , kept]) => Number(kept));
      const order = [...rows.keys()].filter((i) => latency_ms[i]! > 0 && !Number.isNaN(values[i]) && shown[i] === 1);
      order.sort((a, b) => latency_ms[a]! - latency_ms[b]! || values[b]! - values[a]!);
      const expected = order.filter((i, place) => order.slice(0, place).every((other) => values[other]! < values[i]!));
      expect(paretoFront(latency_ms, values, shown)).toEqual(expected);
    }),
  );
});

test('the text of an example is there before its estimates with what is said of these, and no draft of the user', () => {
  const id = 'nb201/raspi4';
  const quality = { quantity: 'latency', readings: [{ latency_ms: 10.5 }] } as const;
  const told = reduce(initialState(), { type: 'notebook', id, notebook: { text: '421211, 10.5 ms\n', origin: 'here', quality } });
  expect(qualityOf(told)).toBe(quality);
  expect(qualityOf(reduce(told, { type: 'text', text: '421211, 11.5 ms\n' }))).toBe(undefined);
  expect(sheetOf(told, id).text).toBe('421211, 10.5 ms\n');
  expect(originalText(told, id)).toBe(sheetOf(told, id).text);
  const edited = reduce(initialState(), { type: 'text', text: '000000, 1 ms' });
  expect(sheetOf(reduce(edited, { type: 'notebook', id: edited.device, notebook: { text: 'x', origin: 'here', quality } })).text).toBe('000000, 1 ms');
});

describe('tables of the spaces', () => {
  let engine: Engine;
  beforeAll(async () => {
    const wasm = new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm/latencast.wasm')));
    engine = await createEngine({ kind: 'local', wasm });
  });
  afterAll(() => engine.dispose());

  test.each(kSpaceIds)('%s: the pool, with what the engine says of it', async (space) => {
    const table = loadTable(space);
    const pool = await engine.pool(space);
    expect(table.architectures.slice(0, pool.length)).toEqual(pool);
    expect(table.architectures).toHaveLength(kSpaces[space].listed ? pool.length : pool.length + 20);
    const facts = await engine.facts(space, table.architectures);
    facts.forEach((fact, row) => {
      expect(table.macs[row]).toBe(fact.macs);
      expect(table.params[row]).toBe(fact.params);
      expect(kSpaces[space].long(table.architectures[row] ?? '')).toBe(fact.text);
    });
  });

  test.each(kSpaceIds)('%s: every way to write an architecture is understood, alone and with a latency', async (space) => {
    const { architectures } = loadTable(space);
    for (const row of [0, 17, 4999]) {
      const architecture = architectures[row] ?? '';
      const texts = kSpaces[space].writings(architecture, row).map(({ text }) => text);
      const parsed = await engine.parse(space, texts);
      expect(parsed.map((each) => each.ok && each.architecture)).toEqual(texts.map(() => architecture));
      for (const text of texts) {
        const [line] = readMeasurements(`${text}, 12.4 ms`).lines;
        expect(line).toMatchObject({ status: 'ok', architecture_text: text, latency: 12.4 });
      }
    }
  });

  test("a live edge that computes is live in the engine's graph too", async () => {
    const { architectures } = loadTable('nb201');
    const facts = await engine.facts('nb201', architectures);
    facts.forEach(({ graph }, index) => {
      const digits = architectures[index] ?? '';
      const live = liveEdges(digits);
      Array.from(digits, Number).forEach((op, edge) => {
        // Skips are bypassed in the graph, so their nodes say nothing.
        if (op === 1) return;
        expect([digits, edge, live[edge]]).toEqual([digits, edge, graph.live[edge + 1]]);
        expect(graph.op[edge + 1]).toBe(kOperations[op]?.name);
      });
    });
  });

  test.each(['fbnet', 'ofa'] as const)("%s: the strip shows the blocks of the engine's graph", async (space) => {
    const some = loadTable(space).architectures.slice(0, 50);
    const facts = await engine.facts(space, some);
    facts.forEach(({ graph }, i) => {
      const used = kStrips[space].blocks(some[i] ?? '').filter(({ name }) => name !== 'unused');
      const inner = graph.op.slice(1, -1);
      expect(used.map(({ name }) => name)).toEqual(inner);
    });
  });

  test('refuses a file that is cut short', () => {
    const bytes = bytesOf('web/app/public/examples/nb201/space.bin');
    expect(() => readSpaceTable('nb201', new ArrayBuffer(2))).toThrow('2 bytes announce 0 rows and hold 0');
    expect(() => readSpaceTable('nb201', bytes.slice(0, -7))).toThrow('announce 15625 rows and hold 15624');
  });

  test('grows at its end, once for each architecture', () => {
    const table = loadTable('nb201');
    const known = table.architectures[3] ?? '';
    const row = { architecture: 'new', macs: 5, params: 6 };
    const grown = extendTable(table, [row, { ...row, architecture: known }, row]);
    expect(grown.architectures).toEqual([...table.architectures, 'new']);
    expect([grown.macs.at(-1), grown.params.at(-1), grown.indexOf.get('new')]).toEqual([5, 6, 15625]);
    expect(grown.macs[3]).toBe(table.macs[3]);
    expect(grown.shipped).toBe(15625);
    expect(extendTable(grown, [row])).toBe(grown);
  });
});

/** An address of a space. */
function placeOf(fragment: string): SpacePlace {
  const address = readAddress(fragment);
  if (address.mode !== 'space') throw new Error(`${fragment} is no address of a space`);
  return address;
}

describe('known devices', () => {
  const weights = (space: string): string[] => {
    const bytes = readFileSync(join(kRoot, 'weights', `${space}.latencast`));
    const found = /"devices":(\[[^\]]*\])/.exec(bytes.toString('latin1'))?.[1];
    return (JSON.parse(found ?? '[]') as string[]).filter((name) => !name.startsWith('simulated_'));
  };

  test.each(kSpaceIds)('%s: those of the weights, each with a title and 20 latencies', (space) => {
    expect([...knownDevices(space)].sort()).toEqual(weights(space).sort());
    for (const device of knownDevices(space)) {
      expect(knownTitle(device)).not.toBe(device);
      expect(kindOf(device)).toBeDefined();
      const { lines } = readMeasurements(knownText(space, device) ?? '');
      expect(lines.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 'ok'));
    }
    const titles = knownDevices(space).map(knownTitle);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('address', () => {
  const view = fc.constantFrom(...kDevices).chain((device) => {
    const { countables } = kSpaces[spaceOf(device)];
    const filters = countables.map(({ most }) =>
      fc.record({ min: fc.integer({ min: 0, max: most }), max: fc.integer({ min: 0, max: most }) }),
    );
    return fc.record({
      mode: fc.constant('space' as const),
      device: fc.constant(device),
      tab: fc.constantFrom(...kTabs),
      view: fc.record(
        {
          selected: fc.integer({ min: 0, max: 15624 }),
          sort: fc.record({ key: fc.constantFrom('index', 'estimate', 'quality'), descending: fc.boolean() }),
          query: fc.string(),
          counts: fc.tuple(...filters),
          budget_ms: fc.double({ min: 0.001, max: 1e4, noNaN: true }),
          wanted: fc.stringMatching(/^[0-8]{22}$/),
          quality: fc.constantFrom(...kQualities.filter((id) => canShow(spaceOf(device), id))),
        },
        { requiredKeys: ['selected', 'sort', 'query', 'counts', 'quality'] },
      ),
    });
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(view, (address) => {
        const start = initialState();
        const { device, tab } = address;
        const state = { ...start, device, tab, views: { ...start.views, [spaceOf(device)]: address.view } } as State;
        // Which row it is will be seen when it is there.
        const selected = address.view.wanted === undefined ? address.view.selected : 0;
        expect(readAddress(`#${writeAddress(state)}`)).toEqual({ ...address, view: { ...address.view, selected } });
      }),
    );
  });

  test('an architecture that was added is named, not numbered', () => {
    const table = extendTable(loadTable('fbnet'), [{ architecture: '7'.repeat(22), macs: 1, params: 1 }]);
    const state: State = { ...initialState(), device: 'fbnet/raspi4', tables: { fbnet: table } };
    const shown = (index: number): string => writeAddress(reduce(state, { type: 'select', index }));
    expect(shown(5019)).toBe('space=fbnet&cell=5019');
    expect(shown(5020)).toBe(`space=fbnet&arch=${'7'.repeat(22)}`);
    const { view } = placeOf(shown(5020));
    expect(view.wanted).toBe('7'.repeat(22));
    // Whatever is selected after that takes its place.
    const later = reduce(reduce(state, { type: 'address', address: readAddress(shown(5020)) }), { type: 'select', index: 3 });
    expect(writeAddress(later)).toBe('space=fbnet&cell=3');
  });

  test('whatever it says, a state comes of it', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (fragment) => void writeAddress(reduce(initialState(), { type: 'address', address: readAddress(fragment) })),
      ),
    );
  });

  test('accuracies of another space are not asked for', () => {
    expect(placeOf('#space=fbnet&against=cifar100').view.quality).toBe('macs');
    expect(placeOf('#space=nb201&against=cifar100').view.quality).toBe('cifar100');
    expect(placeOf('#space=mars&device=eyeriss').device).toBe('nb201/eyeriss');
    expect(placeOf('#space=ofa').device).toBe('ofa/titan_rtx_1');
  });
});

test('devices are put side by side one by one, however late the page is painted', () => {
  const first = ['nb201/raspi4', 'nb201/eyeriss'] as const;
  const choose = (state: State, device: (typeof first)[number] | 'nb201/fpga', chosen: boolean): State => reduce(state, { type: 'beside', device, chosen, first });
  const both = choose(choose(initialState(), 'nb201/fpga', true), 'nb201/raspi4', false);
  expect(viewOf(both).beside).toEqual(['eyeriss', 'fpga']);
});

describe('notebook', () => {
  test('a text that a file replaced comes back', () => {
    const written = reduce({ ...initialState(), device: 'nb201/mine' }, { type: 'text', text: 'mine' });
    const replaced = reduce(written, { type: 'replace-text', text: 'theirs', filename: 'a.csv' });
    expect(replaced.sheets['nb201/mine']?.text).toBe('theirs');
    expect(reduce(replaced, { type: 'undo-replace' }).sheets['nb201/mine']?.text).toBe('mine');
  });

  test('each device keeps its own text', () => {
    let state = reduce({ ...initialState(), device: 'nb201/mine' }, { type: 'text', text: 'a' });
    state = reduce(reduce(state, { type: 'device', device: 'nb201/eyeriss' }), { type: 'text', text: 'b' });
    expect(reduce(state, { type: 'device', device: 'nb201/mine' }).sheets['nb201/mine']?.text).toBe('a');
    expect(state.sheets['nb201/eyeriss']?.text).toBe('b');
  });

  test('a fix changes its line only', () => {
    const state = reduce({ ...initialState(), device: 'nb201/mine' }, { type: 'text', text: 'a\nb\nc' });
    const fixed = reduce(state, { type: 'fix', fix: { label: '', line: 2, text: 'B' } });
    expect(fixed.sheets['nb201/mine']?.text).toBe('a\nB\nc');
  });
});

/** A state with estimates of a space, as after a transfer. */
function estimated(table: SpaceTable, latency_ms: Float64Array, readings: Result['readings'] = []): State {
  const device = mine(table.space);
  const results: State['results'] = { [device]: { source: 'transfer', method: 'finetune', quantity: 'latency', latency_ms, readings, trusted: [] } satisfies Result };
  return { ...initialState(), device, tables: { [table.space]: table }, results };
}

describe('measurements in closed form', () => {
  const device = 'nb201/mine';
  const table = loadTable('nb201');

  /** A sheet as read, its result, and what the engine doubts of it. */
  function doubted(text: string, doubts: Doubt[]): State {
    const lines = readMeasurements(text).lines.flatMap((line): Check['lines'] =>
      line.status === 'ok' ? [{ ...line, architecture: line.architecture_text ?? '', latency_ms: line.latency ?? 0 }] : [],
    );
    const readings = lines.map(({ architecture = '', latency_ms = 0 }) => ({ index: rowOf(table, architecture), architecture, latency_ms }));
    const marks = lines.map(({ line }): Mark => ({ line, kind: 'good', reading: '', fixes: [] }));
    const check: Check = { text, unit: 'auto', marks, readings, quantity: 'latency', lines, notes: [] };
    const review = { doubts, noise: 0.02, timer_unit_ms: 0, likenesses: [], expected_spearman: 0.9, expected_error: 0.1 };
    const before = estimated(table, new Float64Array(15625).fill(1), readings);
    const result: Result = { ...(before.results[device] as Result), method: 'closed-form', review };
    return {
      ...before,
      engine: { status: 'ready' },
      weights: { nb201: { status: 'ready', closedForm: true } },
      sheets: { [device]: { text, unit: 'auto', check } } as State['sheets'],
      results: { [device]: result } as State['results'],
      saved: { [device]: true } as State['saved'],
    };
  }

  const text = 'arch,latency_ms\n421211,10.5\n333333,90100\n111111,7.2\n';
  const slip: Doubt = {
    kind: 'unit',
    measurements: [1],
    message: 'measurement 2 is 9.01e+04 ms; all others let expect 80 to 99 ms: another unit, by a factor of 1e+03?',
    factor: 1000,
    set_aside: true,
  };

  test('a doubt stands at its line, in plain numbers, with what can be done', () => {
    const [good, bad] = sheetMarks(doubted(text, [slip]));
    expect(good).toMatchObject({ line: 2, kind: 'good' });
    expect(bad).toMatchObject({
      line: 3,
      kind: 'bad',
      message: '90,100 ms; all others let expect 80 to 99 ms: another unit, by a factor of 1,000? Set aside: it does not count.',
    });
    expect(bad?.remedies?.map(({ label }) => label)).toEqual(['Change to 90.1 ms', 'Use it anyway', 'Leave it out']);
  });

  test('estimates of an engine that has stopped are due again, and stay in sight', () => {
    const state = doubted(text, []);
    const lost = reduce(state, { type: 'engine-lost' });
    expect(isDue(lost)).toBe(false);
    expect(lost.results).toBe(state.results);
    const back = reduce(reduce(lost, { type: 'engine', engine: { status: 'ready' } }), {
      type: 'weights',
      space: 'nb201',
      weights: { status: 'ready', closedForm: true },
    });
    expect([isDue(state), isDue(back)]).toEqual([false, true]);
  });

  test('estimates are outdated where none follow the change, because too little is left or it could not be used', () => {
    const state = doubted(text, []);
    const typed = reduce(state, { type: 'text', text: '421211,10.5' });
    const check = (readings: Check['readings']): Check => ({ ...state.sheets[device]!.check!, text: '421211,10.5', readings });
    const read = (readings: Check['readings']): State => reduce(typed, { type: 'checked', device, check: check(readings) });
    const all = state.results[device]!.readings;
    expect([state, typed].map(isOutdated)).toEqual([false, false]);
    expect(isOutdated(read(all.slice(1)))).toBe(true);
    expect(isOutdated(read(all))).toBe(false);
    // Enough of them, which the next estimates follow, unless these cannot be made.
    const others = all.map((reading) => ({ ...reading, latency_ms: 5 }));
    const due = read(others);
    expect([isDue(due), isOutdated(due)]).toEqual([true, false]);
    expect(isOutdated(reduce(due, { type: 'unusable', check: due.sheets[device]!.check! }))).toBe(true);
    expect(isOutdated(reduce(due, { type: 'unusable', check: check(others) }))).toBe(false);
  });

  test('every remedy changes what the estimates are due for, and rewritten text comes back', () => {
    const state = doubted(text, [slip]);
    expect(isDue(state)).toBe(false);
    const [change, trust, leave] = (sheetMarks(state)[1]?.remedies ?? []).map(({ action }) => reduce(state, action));
    expect(change?.sheets[device]?.text).toBe(text.replace('90100', '90.1 ms'));
    expect(leave?.sheets[device]?.text).toBe(text.replace('333333', '# 333333'));
    for (const changed of [change, leave]) {
      expect(reduce(changed!, { type: 'undo-replace' }).sheets[device]?.text).toBe(text);
    }
    expect(isDue(trust!)).toBe(true);
    expect(trustedOf(trust!.sheets[device]!)).toEqual([1]);
    const { results } = doubted(text, []);
    const counted = { ...trust!, results: { [device]: { ...results[device]!, trusted: [1] } } as State['results'] };
    expect(isDue(counted)).toBe(false);
    const [again] = sheetMarks(counted)[1]?.remedies ?? [];
    expect(again?.label).toBe('Judge it again');
    expect(isDue(reduce(counted, again!.action))).toBe(true);
  });

  test('several lines are named once, at the first; JSON offers no comments', () => {
    const same: Doubt = { kind: 'duplicate', measurements: [0, 2], message: 'measurements 1, 3 are of one architecture', factor: 2, set_aside: false };
    const marks = sheetMarks(doubted(text, [same]));
    expect(marks.map(({ kind, message }) => [kind, message])).toEqual([
      ['note', 'Lines 2, 4 are of one architecture.'],
      ['good', undefined],
      ['note', undefined],
    ]);
    expect(marks[0]?.remedies?.map(({ label }) => label)).toEqual(['Leave line 2 out', 'Leave line 4 out']);
    const json = '{"421211": 10.5, "333333": 90100, "111111": 7.2}';
    expect(sheetMarks(doubted(json, [slip])).map(({ remedies }) => remedies?.map(({ label }) => label))).toEqual([
      undefined,
      ['Use it anyway'],
      undefined,
    ]);
  });

  test('estimates are due once there are three measurements, and not where fine-tuning was chosen', () => {
    const state = doubted(text, []);
    const { [device]: _, ...none } = state.results;
    expect(isDue({ ...state, results: none as State['results'] })).toBe(true);
    expect(isDue({ ...state, results: none as State['results'], method: 'finetune' })).toBe(false);
    expect(isDue({ ...doubted('421211,10.5\n333333,90\n', []), results: none as State['results'] })).toBe(false);
    expect(isDue({ ...state, results: none as State['results'], weights: { nb201: { status: 'ready', closedForm: false } } })).toBe(false);
  });

  test('what is proposed comes at the end of the text, to be filled in', () => {
    const state = reduce(doubted('421211, 10.5 ms', []), { type: 'append', architectures: ['000000', '444444'] });
    const read = readMeasurements(state.sheets[device]?.text ?? '').lines;
    expect(read.map(({ status, reason }) => reason ?? status)).toEqual(['ok', 'no latency yet', 'no latency yet']);
  });
});

describe('table order', () => {
  test('unknown measurements come last in both directions', () => {
    const table = loadTable('nb201');
    const reading = { index: 7, architecture: table.architectures[7] ?? '', latency_ms: 5 };
    let state = estimated(table, new Float64Array(15625).fill(1), [reading]);
    for (let times = 0; times < 2; times++) {
      state = reduce(state, { type: 'sort', key: 'measured' });
      expect(rows(state)[0]).toBe(7);
    }
  });

  test('the search knows digits, patterns, indices and long forms', () => {
    expect(kNb201.matcher('4212')('421211', 0)).toBe(true);
    expect(kNb201.matcher('4?1?11')('421211', 0)).toBe(true);
    expect(kNb201.matcher('13714')('333123', 13714)).toBe(true);
    expect(kNb201.matcher('13714')('333123', 1371)).toBe(false);
    expect(kNb201.matcher('avg_pool_3x3~0')('421211', 0)).toBe(true);
    expect(kNb201.matcher('AVG_pool_3x3~2')('421211', 0)).toBe(false);
    expect(kSpaces.fbnet.matcher('78?8')('7818488874147327324245', 0)).toBe(true);
    expect(kSpaces.fbnet.matcher('skip_skip')('7818488874147327324245', 0)).toBe(true);
    expect(kSpaces.fbnet.matcher('skip_skip')('7818408074147327324245', 0)).toBe(false);
    expect(kSpaces.ofa.matcher('-204')('75557757573753735353-64466343363336346436-22223-204', 0)).toBe(true);
    expect(kSpaces.ofa.matcher('-160')('75557757573753735353-64466343363336346436-22223-204', 0)).toBe(false);
  });

  test('filters count the blocks that are used', () => {
    const [k3, k7, e6, blocks] = kSpaces.ofa.countables.map(({ count }) =>
      count('75337733773377337733-66336633663366336633-22222-204'),
    );
    expect([k3, k7, e6, blocks]).toEqual([0, 9, 10, 10]);
  });
});

describe('Pareto front', () => {
  const table = loadTable('nb201');
  const latencies = fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 50, maxLength: 50 });

  test('holds exactly the architectures that none beats', () => {
    fc.assert(
      fc.property(latencies, (some) => {
        // Others have no estimate, as rows just added.
        const latency_ms = new Float64Array(15625).fill(Number.NaN);
        latency_ms.set(some);
        const state = estimated(table, latency_ms);
        const against = quality(state)?.values ?? new Float64Array();
        const beaten = (i: number): boolean =>
          some.some((ms, j) => {
            const [own, other] = [against[i] ?? 0, against[j] ?? 0];
            return ms <= (some[i] ?? 0) && other >= own && (ms < (some[i] ?? 0) || other > own);
          });
        const expected = some.map((_, i) => i).filter((i) => !beaten(i));
        // Of equals in both, one stands for all.
        const value = (i: number): string => `${latency_ms[i]} ${against[i]}`;
        expect(new Set(front(state).map(value))).toEqual(new Set(expected.map(value)));
      }),
      { numRuns: 30 },
    );
  });

  test('gives the best within a limit', () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 0.05, max: 110, noNaN: true }), (some, budget_ms) => {
        const latency_ms = new Float64Array(15625).fill(Number.NaN);
        latency_ms.set(some);
        const state = reduce(estimated(table, latency_ms), { type: 'budget', budget_ms });
        const summary = budgetSummary(state);
        const fit = some.flatMap((ms, i) => (ms <= budget_ms ? [i] : []));
        const most = Math.max(...fit.map((i) => table.macs[i] ?? 0));
        expect(summary).toMatchObject({ within: fit.length, estimated: 50 });
        expect(summary?.best === undefined ? -Infinity : table.macs[summary.best]).toBe(most);
      }),
      { numRuns: 30 },
    );
  });

  test('is of the accuracy that is chosen, or of numbers of the user', () => {
    const latency_ms = Float64Array.from({ length: 15625 }, (_, i) => 1 + i);
    const cifar100 = new Float64Array(15625).fill(10);
    cifar100[100] = 70;
    const accuracies = { cifar10: new Float64Array(15625), cifar100, imagenet16: new Float64Array(15625) };
    const state = { ...estimated(table, latency_ms), accuracies };
    expect(front(reduce(state, { type: 'quality', quality: 'cifar100' }))).toEqual([0, 100]);
    const values = new Map([7, 3, 9].map((row) => [table.architectures[row] ?? '', row]));
    const own = reduce(state, { type: 'own-quality', space: 'nb201', own: { filename: 'mine.csv', values } });
    expect(front(own)).toEqual([3, 7, 9]);
  });
});

describe('what to measure', () => {
  test('is written into the notebook, whose text it replaces, and read back as lines to fill in', () => {
    const device = 'nb201/mine';
    let state = reduce({ ...initialState(), device }, { type: 'text', text: 'earlier' });
    const { settings } = state.plans.nb201;
    state = reduce(state, { type: 'device', device: 'nb201/eyeriss' });
    state = reduce(state, { type: 'chosen', space: 'nb201', chosen: { settings, architectures: ['421211', '000412'] } });
    state = reduce(state, { type: 'use-plan' });
    expect(state.device).toBe(device);
    expect(state.sheets[device]?.text).toBe('arch,latency_ms\n421211,\n000412,\n');
    expect(state.sheets[device]?.replaced?.text).toBe('earlier');
    const read = readMeasurements(state.sheets[device]?.text ?? '').lines;
    expect(read.map(({ reason }) => reason)).toEqual(['header', 'no latency yet', 'no latency yet']);
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
