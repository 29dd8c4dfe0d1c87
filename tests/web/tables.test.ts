import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine, Measurement, OwnTable, TablePredictor } from '../../web/api/types.js';
import { api, expectFailure, kKinds } from './helpers.js';

const example = (name: string): string =>
  readFileSync(new URL(`../../web/app/public/examples/table/transformers.${name}`, import.meta.url), 'utf8');
const kExample = JSON.parse(example('json')) as { readonly ignored: string[]; readonly measurements: Measurement[] };
const kCsv = example('csv');
/** Latencies that no estimate has seen, by name. */
const kTruth = new Map(
  kCsv
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(','))
    .flatMap((fields): [string, number][] => (fields.at(-1) ? [[fields[0]!, Number(fields.at(-1))]] : [])),
);

const kSmall = [
  { name: 'a, the first', layers: 2, kind: 'conv', top1: 70, 'latency_ms:gpu': 1.1 },
  { name: 'b "quoted"', layers: 4, kind: 'pool', top1: 74, 'latency_ms:gpu': 1.9 },
  { name: 'c', layers: 8, kind: 'conv', top1: 71, 'latency_ms:gpu': 4.2 },
  { name: 'd\nof two lines', layers: 16, kind: 'pool', top1: null, 'latency_ms:gpu': 8.1 },
];

describe.each(kKinds)('tables, %s engine', (kind) => {
  let engine: Engine;
  let table: OwnTable;

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
    table = await engine.openTable(kCsv, { ignored: kExample.ignored });
  });
  afterAll(() => engine.dispose());

  test('twenty measurements tell the other rows', async () => {
    using mine = await table.transfer(kExample.measurements, { device: 'Raspberry Pi 4' });
    expect(mine.info).toMatchObject({ target: 'Raspberry Pi 4', quantity: 'latency', method: 'closed-form' });
    expect(mine.info.measurements).toEqual(kExample.measurements);
    const measured = new Set(kExample.measurements.map(({ architecture }) => architecture));
    const others = [...kTruth.keys()].filter((name) => !measured.has(name));
    const { low, latency_ms, high } = await mine.intervals(others);
    const truth = Float64Array.from(others, (name) => kTruth.get(name)!);
    const { spearman, mdape } = await engine.accuracy(latency_ms, truth);
    expect(spearman).toBeGreaterThan(0.9);
    expect(mdape).toBeLessThan(0.1);
    const held = truth.filter((ms, i) => low[i]! <= ms && ms <= high[i]!).length / truth.length;
    expect(held).toBeGreaterThan(0.75);
    const review = await mine.review();
    expect(review.left_out.latency_ms).toHaveLength(20);
    expect(review.expected_spearman).toBeGreaterThan(0.8);
    expect(review.likenesses.map(({ device }) => device).sort()).toEqual(['TITAN Xp', 'Xeon']);
  });

  test('any coverage, all rows or some', async () => {
    using mine = await table.transfer(kExample.measurements);
    const all = await mine.intervals();
    const wide = await mine.intervals(['t3', 't700'], 0.99);
    expect(all.latency_ms).toHaveLength(table.info.names.length);
    expect(wide.latency_ms).toEqual(Float64Array.of(all.latency_ms[2]!, all.latency_ms[699]!));
    expect(wide.low[0]).toBeLessThan(all.low[2]!);
    expect(wide.high[1]).toBeGreaterThan(all.high[699]!);
    await expectFailure(mine.intervals(undefined, 1), 'argument', /coverage 1\.0+; expected one between 0 and 1/);
    await expectFailure(mine.intervals(['t1', 'x']), 'architecture', /found "x"; expected the name of one of the table's 750 rows, such as "t1"/);
  });

  test('without measurements it is what is believed of every device; the first to measure are chosen from that', async () => {
    using none = await table.transfer([]);
    const { low, high } = await none.intervals();
    using mine = await table.transfer(kExample.measurements);
    const after = await mine.intervals();
    const width = (i: number, of: { low: Float64Array; high: Float64Array }) => of.high[i]! / of.low[i]!;
    expect(width(5, { low, high })).toBeGreaterThan(2 * width(5, after));
    const first = await none.next({ count: 5 });
    expect(new Set(first.architectures).size).toBe(5);
    expect(first.worth).toBeGreaterThan((await mine.next({ count: 5 })).worth);
    const measured = new Set(kExample.measurements.map(({ architecture }) => architecture));
    expect((await mine.next({ count: 30 })).architectures.filter((name) => measured.has(name))).toEqual([]);
    await expectFailure(mine.next({ count: 0 }), 'argument', /asked for 0; expected at least 1/);
  });

  test('a slip is named and set aside, unless it is trusted', async () => {
    const slipped = kExample.measurements.map((each, i) => (i === 7 ? { ...each, latency_ms: 3 * each.latency_ms } : each));
    using mine = await table.transfer(slipped);
    const aside = async (of: TablePredictor): Promise<number[]> =>
      (await of.review()).doubts.flatMap(({ measurements, set_aside }) => (set_aside ? measurements : []));
    expect(await aside(mine)).toContain(7);
    using trusting = await table.transfer(slipped, { trusted: [7] });
    expect(await aside(trusting)).not.toContain(7);
    await expectFailure(table.transfer(slipped, { trusted: [20] }), 'argument', /expected below 20/);
    await expectFailure(table.transfer([{ architecture: 't1', latency_ms: -1 }]), 'measurement', /-1/);
  });

  test('a stated error makes a measurement count for less', async () => {
    const longer = kExample.measurements.map((each, i) => (i === 7 ? { ...each, latency_ms: 1.3 * each.latency_ms } : each));
    const stated = longer.map((each, i) => (i === 7 ? { ...each, relative_error: 3 } : each));
    const all = await Promise.all(
      [kExample.measurements, longer, stated].map(async (measurements) => {
        using mine = await table.transfer(measurements);
        return (await mine.intervals()).latency_ms;
      }),
    );
    const off = (found: Float64Array) => Math.max(...found.map((ms, i) => Math.abs(Math.log(ms / all[0]![i]!))));
    expect(off(all[2]!)).toBeLessThan(off(all[1]!));
    using mine = await table.transfer(stated);
    expect(mine.info.measurements[7]).toMatchObject({ relative_error: 3 });
  });

  test('rows are objects as well, with names of any kind', async () => {
    using small = await engine.openTable(kSmall, { qualities: ['top1'] });
    expect(small.info).toEqual({
      names: kSmall.map(({ name }) => name),
      columns: [
        { heading: 'name', kind: 'name' },
        { heading: 'layers', kind: 'numbers' },
        { heading: 'kind', kind: 'words' },
        { heading: 'top1', kind: 'quality' },
        { heading: 'latency_ms:gpu', kind: 'device' },
      ],
      devices: ['gpu'],
      qualities: ['top1'],
    });
    expect(await small.values('layers')).toEqual(Float64Array.of(2, 4, 8, 16));
    expect(await small.values('top1')).toEqual(Float64Array.of(70, 74, 71, NaN));
    expect(await small.values('latency_ms:gpu')).toEqual(Float64Array.of(1.1, 1.9, 4.2, 8.1));
    expect(await small.words('kind')).toEqual(['conv', 'pool', 'conv', 'pool']);
    await expectFailure(small.values('kind'), 'argument', /holds no numbers/);
    await expectFailure(small.words('layers'), 'argument', /holds no words/);
    await expectFailure(small.values('speed'), 'argument', /no column "speed"; expected one of name, layers, kind, top1, latency_ms:gpu/);
    expect(await small.parse([' c ', 'd\nof two lines', 'e'])).toEqual([
      { ok: true, architecture: 'c', index: 2 },
      { ok: true, architecture: 'd\nof two lines', index: 3 },
      { ok: false, message: expect.stringMatching(/found "e"; expected the name of one of the table's 4 rows/) as unknown },
    ]);
    using mine = await small.transfer([
      { architecture: 'a, the first', latency_ms: 5 },
      { architecture: 'd\nof two lines', latency_ms: 40 },
    ]);
    const { best, front } = await mine.search([1, 30, 1e6]);
    expect(best.map((each) => each?.architecture)).toEqual([undefined, 'b "quoted"', 'b "quoted"']);
    expect(front.map(({ architecture, quality }) => [architecture, quality])).toEqual([
      ['a, the first', 70],
      ['b "quoted"', 74],
    ]);
    const byLayers = await mine.search([1e6], { quality: Float64Array.of(1, 2, 3, NaN) });
    expect(byLayers.best[0]?.architecture).toBe('c');
    await expectFailure(mine.search([10], { quality: Float64Array.of(1) }), 'argument', /found 1 qualities; expected one for each of the table's 4 rows/);
    using plain = await engine.openTable(kSmall.map(({ name, layers }) => ({ name, layers })));
    using unmeasured = await plain.transfer([]);
    await expectFailure(unmeasured.search([10]), 'argument', /no column of qualities/);
    await expectFailure(engine.openTable([]), 'argument', /found 0 rows/);
  });

  test('a sketch says how columns are read and names every problem by its line', async () => {
    const text = 'id,layers,gpu,note\nx,1,5,one\ny,two,-4,two\nz,3,6,three\nx,4,7\n';
    expect(await engine.sketchTable(text, { devices: ['gpu'], ignored: ['note'] })).toEqual({
      rows: 3,
      columns: [
        { heading: 'id', kind: 'name' },
        { heading: 'layers', kind: 'unusable' },
        { heading: 'gpu', kind: 'device' },
        { heading: 'note', kind: 'ignored' },
      ],
      problems: [
        { line: 3, message: expect.stringMatching(/^table line 3, column layers: found "two"; expected a number/) as unknown },
        { line: 3, message: expect.stringMatching(/^table line 3, column gpu: found -4; expected a finite, positive/) as unknown },
        { line: 5, message: expect.stringMatching(/^table line 5: found 3 fields; expected 4/) as unknown },
      ],
    });
    const { problems } = await engine.sketchTable('name,layers\nx,1\ny,1\n');
    expect(problems).toEqual([{ line: 0, message: expect.stringMatching(/expected one more that describes/) as unknown }]);
    await expectFailure(engine.openTable(text, { path: 'mine.csv' }), 'argument', /^mine\.csv line 5: found 3 fields; expected 4/);
    await expectFailure(engine.sketchTable(text, { devices: 3 } as never), 'argument', /devices is 3; expected an array of texts/);
    await expectFailure(engine.openTable(text, { columns: [] } as never), 'argument', /option columns is unknown; expected path, name, devices/);
  });

  test('what is disposed is gone, and nothing else', async () => {
    const before = await engine.liveHandles();
    const small = await engine.openTable(kSmall, { qualities: ['top1'] });
    const mine = await small.transfer([]);
    small.dispose();
    // What it was made from lives as long as it does.
    expect((await mine.intervals()).latency_ms).toHaveLength(4);
    await expectFailure(small.transfer([]), 'disposed', /table: used after dispose/);
    mine.dispose();
    await expectFailure(mine.review(), 'disposed', /predictor: used after dispose/);
    await expect.poll(() => engine.liveHandles()).toBe(before);
  });
});

test('both engines say the same', async () => {
  const said = await Promise.all(
    kKinds.map(async (kind) => {
      using engine = await api.createEngine({ kind });
      const table = await engine.openTable(kCsv, { ignored: kExample.ignored });
      const mine = await table.transfer(kExample.measurements);
      return [await mine.intervals(), await mine.review(), await mine.next({ count: 3 })];
    }),
  );
  expect(said[1]).toEqual(said[0]);
});
