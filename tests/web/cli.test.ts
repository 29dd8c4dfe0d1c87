/** The native command line, as a user calls it: `npm test` builds it before these run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kEngine = join(kRoot, 'build/latencast');
const kMeasurements = join(kRoot, 'tests/golden/raspi4-20.csv');

let folder: string;
beforeAll(() => {
  expect(existsSync(kEngine), 'build/latencast is missing; `npm test` builds it').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'latencast-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function latencast(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(kEngine, args, { cwd: kRoot, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

/** A file in the test's folder. */
function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n') + '\n');
  return path;
}

/** raspi4's true latencies of every `step`-th cell, by official index. */
function truthRows(step: number): string[] {
  const bytes = readFileSync(join(kRoot, 'web/app/public/examples/nb201/raspi4.truth.bin'));
  const truth = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const rows: string[] = [];
  for (let index = 0; index < truth.length; index += step) rows.push(`${index},${truth[index]},ignored`);
  return rows;
}

/** Devices of the evaluation task ND, sources first. */
const kDevices = [
  ...['1080ti_1', '1080ti_32', '1080ti_256', 'silver_4114', 'silver_4210r', 'samsung_a50', 'pixel3', 'essential_ph_1'],
  ...['samsung_s7', 'titan_rtx_256', 'gold_6226', 'fpga', 'pixel2', 'raspi4', 'eyeriss', 'not_in_the_task'],
];

/** A folder of data with invented latencies for the task ND. */
function taskData(): string {
  const rows = truthRows(120).map((row) => {
    const [index, latency] = row.split(',');
    return [index, ...kDevices.map((_, d) => (Number(latency) + 1 + d * (Number(index) % 7)).toFixed(4))].join(',');
  });
  mkdirSync(join(folder, 'data/nb201'), { recursive: true });
  file('data/nb201/latency_ms.csv', [`arch,${kDevices.join(',')}`, ...rows]);
  return join(folder, 'data');
}

interface Figure {
  readonly mean: number;
  readonly std: number;
}

describe('latencast evaluate', () => {
  test('scores the shipped weights on a device they never saw, and says everything as JSON', () => {
    const target = file('target.csv', ['arch,latency_ms,note', ...truthRows(25)]);
    const ask = ['evaluate', '--weights', 'weights/nb201', '--target', target, '--samples', '20', '--seeds', '3', '--json'];
    const run = latencast(...ask, '--method', 'finetune');
    expect(run.err).toBe('');
    const result = JSON.parse(run.out) as Record<string, Figure> & Record<string, unknown>;
    for (const figure of ['spearman', 'kendall', 'mdape', 'within5', 'within10']) {
      expect(result[figure]).toEqual({ mean: expect.any(Number), std: expect.any(Number) });
      expect(Math.abs((result[figure] as Figure).mean)).toBeLessThanOrEqual(1);
    }
    // A transfer that learnt nothing, or from the wrong lines, stays far below.
    expect((result['spearman'] as Figure).mean).toBeGreaterThan(0.85);
    expect(result).toMatchObject({ method: 'finetune', sampler: 'random', samples: 20, seeds: 3, architectures_scored: 605 });
    expect(result['seconds']).toEqual({ transfer: expect.any(Number), predict_1000: expect.any(Number) });
    expect(result['coverage90']).toEqual({ mean: null, std: null });
    // The default method is the best there is, and the same question has the same answer.
    const { seconds: _, ...first } = JSON.parse(latencast(...ask, '--method', 'combined').out) as Record<string, unknown>;
    const { seconds: __, ...again } = JSON.parse(latencast(...ask).out) as Record<string, unknown>;
    expect(again).toEqual(first);
    expect(first).toMatchObject({ method: 'combined', sampler: 'random', samples: 20, seeds: 3, architectures_scored: 605 });
    expect((first['spearman'] as Figure).mean).toBeGreaterThan(0.85);
    expect((first['coverage90'] as Figure).mean).toBeGreaterThan(0.7);
    expect((first['coverage90'] as Figure).mean).toBeLessThan(1);
    // What is measured may be chosen by what the closed form learns most of.
    const chosen = JSON.parse(latencast(...ask, '--sampler', 'informative').out) as Record<string, Figure>;
    expect(chosen['spearman']!.mean).toBeGreaterThan(0.85);
    expect(chosen['spearman']).not.toEqual(first['spearman']);
  });

  test('pre-trains a task once, keeps the result, and offers every method', () => {
    const data = taskData();
    const cache = join(folder, 'cache');
    const ask = ['evaluate', '--task', 'ND', '--data', data, '--cache', cache, '--seeds', '2', '--json'];
    const first = latencast(...ask, '--steps', '20', '--method', 'finetune');
    expect(first.err).toContain('step 20 of 20');
    expect(readdirSync(join(cache, 'pretrained'))).toHaveLength(1);
    expect(Object.keys(JSON.parse(first.out).targets)).toHaveLength(6);
    for (const method of ['bayes', 'combined', 'finetune-published', 'best-source', 'source-ridge', 'flops', 'params', 'ridge']) {
      const run = latencast(...ask, '--steps', '20', '--method', method);
      expect(run.err, method).not.toContain('step');
      expect(JSON.parse(run.out)).toMatchObject({ task: 'ND', method });
    }
    // Other settings are another predictor.
    latencast(...ask, '--steps', '30', '--method', 'finetune');
    expect(readdirSync(join(cache, 'pretrained'))).toHaveLength(2);
  });

  test('answers for several methods and sample counts at once, and goes on where it stopped', () => {
    const cache = join(folder, 'resumed');
    const ask = ['evaluate', '--task', 'ND', '--data', taskData(), '--cache', cache, '--seeds', '2', '--json'];
    const both = latencast(...ask, '--method', 'flops,source-ridge', '--samples', '5,20');
    const results = JSON.parse(both.out) as Record<string, unknown>[];
    expect(results.map(({ method, samples }) => [method, samples])).toEqual([
      ['flops', 5],
      ['flops', 20],
      ['source-ridge', 5],
      ['source-ridge', 20],
    ]);
    const kept = readdirSync(join(cache, 'results'));
    expect(kept).toHaveLength(8);

    // What is kept is used as it is, what is missing is done again with the same result.
    const one = ask.concat('--method', 'flops', '--samples', '5');
    expect(JSON.parse(latencast(...one).out)).toEqual(results[0]);
    const records = kept.map((name) => join(cache, 'results', name));
    const record = records.find((path) => {
      const { evaluation, seed } = JSON.parse(readFileSync(path, 'utf8')).key;
      return evaluation.method === 'flops' && evaluation.samples === 5 && seed === 1;
    }) as string;
    const changed = JSON.parse(readFileSync(record, 'utf8'));
    for (const target of Object.values<Record<string, number>>(changed.figures.targets)) target['spearman'] = -1;
    writeFileSync(record, JSON.stringify(changed));
    expect(JSON.parse(latencast(...one).out).spearman_by_seed[1]).toBe(-1);
    const seconds = { transfer: expect.any(Number), predict_1000: expect.any(Number) };
    expect(JSON.parse(latencast(...one, '--fresh').out)).toEqual({ ...results[0], seconds });
    writeFileSync(record, '{"half');
    expect(JSON.parse(latencast(...one).out)).toEqual({ ...results[0], seconds });
  });

  test('scores fewer architectures where asked', () => {
    const ask = ['evaluate', '--task', 'ND', '--data', taskData(), '--cache', join(folder, 'few'), '--json'];
    const run = latencast(...ask, '--method', 'flops', '--score-at-most', '30', '--sampler', 'latency-oracle');
    expect(JSON.parse(run.out)).toMatchObject({ architectures_scored: 30, sampler: 'latency-oracle' });
  });

  test.each([
    [['arch,latency_ms', '421211,abc'], /line 2, column latency_ms: found "abc"/],
    [['arch,latency_ms', '421211,3', '99,1,2'], /line 3: found 3 fields; expected 2/],
    [['arch,latency_ms', '421219,3'], /line 2: nb201: found "421219"/],
    [['arch,latency_ms', '421211,-3'], /line 2: found latency -3 ms/],
    [['cell,latency_ms', '421211,3'], /expected one called arch/],
    [['arch,latency_ms', '421211,3'], /has 1 architectures; 20 samples need at least two more/],
  ])('names what is wrong with a target: %j', (lines, message) => {
    const run = latencast('evaluate', '--weights', 'weights/nb201', '--target', file('bad.csv', lines), '--json');
    expect(run.status).not.toBe(0);
    expect(run.err).toMatch(message);
    expect(run.out).toBe('');
  });
});

describe('latencast ablate and report', () => {
  test('vary one thing at a time, and write what is known into the tables of a document', () => {
    const data = taskData();
    const shared = ['--data', data, '--cache', join(folder, 'ablations'), '--seeds', '2'];
    const budget = ['--tasks', 'ND', '--ablation-samples', '16', '--ablation-steps', '20', '--ablation-scores', '40'];
    const run = latencast('ablate', ...shared, ...budget, '--table', 'gnn', '--json');
    const [table] = JSON.parse(run.out);
    expect(table.table).toBe('gnn');
    expect(table.rows.map(({ row }: { row: string }) => row)).toEqual(['dgf', 'gat', 'ensemble']);
    const difference = table.rows[0].tasks[0].spearman.mean - table.rows[2].tasks[0].spearman.mean;
    expect(table.rows[0].difference.mean).toBeCloseTo(difference, 12);
    expect(table.rows[2]).toMatchObject({ default: true, difference: { mean: 0, std: 0 } });

    const evaluated = latencast('evaluate', '--task', 'ND', ...shared, '--method', 'flops', '--json');
    const tables = ['gnn', 'transfer', 'baselines-20', 'targets', 'device-kinds'];
    const markers = tables.flatMap((name) => [`<!-- table: ${name} -->`, 'what was here before', '<!-- end -->', '']);
    const document = file('results.md', ['# By hand', '', ...markers, 'The end.']);
    expect(latencast('report', ...shared, ...budget, '--out', document)).toMatchObject({ status: 0, err: '' });
    const text = readFileSync(document, 'utf8');
    expect(text).toMatch(/^# By hand\n\n<!-- table: gnn -->\n/);
    expect(text).toMatch(/<!-- end -->\n\nThe end\.\n$/);
    expect(text).not.toContain('what was here before');
    const shown = (figure: Figure): string =>
      [figure.mean, figure.std].map((value) => value.toFixed(3).replace(/^(-?)0\./, '$1.')).join(' ± ');
    expect(text).toContain(`| dgf | ${shown(table.rows[0].tasks[0].spearman)} |`);
    expect(text).toContain(`| **ensemble** | ${shown(table.rows[2].tasks[0].spearman)} |  |`);
    expect(text).toContain(shown(JSON.parse(evaluated.out).spearman));
    // Nothing was done for the other table but its default, which is the same experiment.
    expect(text).toMatch(/\| as published \| - \| - \|/);
    expect(text).toContain(`| **default** | ${shown(table.rows[2].tasks[0].spearman)} |`);
    expect(text).toContain('| ND | eyeriss | FPGA, ASIC | - |');
    expect(text).toContain('| ND | pixel2 | phone | - |');
    expect(text).toContain('| operation, random, 16-d |');
    // Data of other tasks is not there.
    expect(text).toMatch(/\| NA \|( - \|)+\n/);
    expect(text).toMatch(/Measured \d{4}-\d\d-\d\d on .+: `latencast ablate --data DIR --table gnn --ablation-samples 16 --ablation-steps 20 --ablation-scores 40 --seeds 2`\./);
    // Written again, it is the same.
    latencast('report', ...shared, ...budget, '--out', document);
    expect(readFileSync(document, 'utf8')).toBe(text);
  });

  test.each([
    [['<!-- table: nothing -->', '<!-- end -->'], /found a marker for table "nothing"/],
    [['<!-- table: k -->', 'text'], /table "k": found no line <!-- end -->/],
  ])('a document with wrong markers is named and left alone: %j', (lines, message) => {
    const document = file('wrong.md', lines);
    const before = readFileSync(document, 'utf8');
    const run = latencast('report', '--data', taskData(), '--tasks', 'ND', '--out', document);
    expect(run.status).toBe(1);
    expect(run.err).toMatch(message);
    expect(readFileSync(document, 'utf8')).toBe(before);
  });

  test('an unknown table or task is refused', () => {
    expect(latencast('ablate', '--data', 'x', '--table', 'colour').err).toMatch(/colour not in/);
    expect(latencast('ablate', '--data', 'x', '--tasks', 'N9').err).toMatch(/N9/);
  });
});

describe('latencast transfer and predict', () => {
  test.each([
    ['closed-form', ['--trust', '2'], /expected rank correlation 0\.\d+, median error/, 'closed_form.csv', 'arch,latency_ms,low_ms,high_ms'],
    ['finetune', ['--seed', '3'], /started from \w+ \(rank correlation 0\.\d+ on the measurements\)/, 'latency_ms.csv', 'arch,latency_ms'],
  ])('%s: adapt to a device, keep the predictor, estimate with it', (method, more, said, file, header) => {
    const out = join(folder, method);
    const ask = ['transfer', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--out', out];
    const run = latencast(...ask, '--method', method, ...more);
    expect(run.status).toBe(0);
    expect(run.err).toMatch(said);
    const golden = readFileSync(join(kRoot, 'tests/golden', file), 'utf8').trim().split('\n').slice(1);
    const predicted = latencast('predict', '--weights', out, ...golden.map((row) => row.split(',')[0] as string));
    const rows = predicted.out.trim().split('\n');
    expect(rows.shift()).toBe(header);
    rows.forEach((row, i) => {
      const [architecture, ms, low, high] = row.split(',');
      const [expected, goldenMs] = (golden[i] as string).split(',');
      expect(architecture).toBe(expected);
      expect(Number(ms) / Number(goldenMs)).toBeCloseTo(1, 4);
      if (method === 'finetune') return;
      expect(Number(low)).toBeLessThan(Number(ms));
      expect(Number(high)).toBeGreaterThan(Number(ms));
    });
    expect(latencast('predict', '--weights', out).out.trim().split('\n')).toHaveLength(15_626);
    expect(latencast('explain', '--weights', out, '421211').out).toMatch(/latency +\d/);
  });

  test('energies come in and go out as millijoules', () => {
    const energies = readFileSync(kMeasurements, 'utf8').trim().split('\n');
    const measurements = file('energies.csv', [(energies[0] as string).replace('latency_ms', 'energy_mj'), ...energies.slice(1)]);
    for (const [method, header] of [['combined', 'arch,energy_mj,low_mj,high_mj'], ['finetune', 'arch,energy_mj']] as const) {
      const out = join(folder, `energy-${method}`);
      const ask = ['transfer', '--weights', 'weights/nb201', '--measurements', measurements, '--out', out, '--method', method, '--epochs', '1'];
      expect(latencast(...ask).err).toMatch(/found .*latency_ms/);
      expect(latencast(...ask, '--quantity', 'energy').status).toBe(0);
      expect(latencast('predict', '--weights', out, '421211').out.split('\n')[0]).toBe(header);
    }
  });

  test('a measurement that looks wrong is named, and used where it is trusted', () => {
    const [header, ...rows] = readFileSync(kMeasurements, 'utf8').trim().split('\n') as [string, ...string[]];
    const slipped = rows.map((row, i) => {
      const fields = row.split(',');
      if (i === 4) fields[header.split(',').indexOf('latency_ms')] = String(1000 * Number(fields[header.split(',').indexOf('latency_ms')]));
      return fields.join(',');
    });
    const measurements = file('slipped.csv', [header, ...slipped]);
    const ask = ['transfer', '--weights', 'weights/nb201', '--measurements', measurements, '--out', join(folder, 'slipped')];
    expect(latencast(...ask).err).toMatch(/measurement 5 is .* another unit, by a factor of 1000\? \(set aside\)/);
    expect(latencast(...ask, '--trust', '5').err).not.toContain('set aside');
    expect(latencast(...ask, '--trust', '0').err).toMatch(/--trust/);
    expect(latencast(...ask, '--trust', '21').err).toMatch(/found the trusted measurement 20 \(from 0\); expected below 20/);
  });

  test.each([
    [['predict', '--weights', 'weights/none', '421211'], /weights\/none\.latencast: cannot be read/],
    [['predict', '--weights', 'weights/nb201', '421211'], /gives only ranks/],
    [['predict', '--weights', 'weights/nb201', '--device', 'toaster', '421211'], /found device "toaster"; expected one of/],
    [['predict', '--weights', 'weights/nb201', '--device', 'pixel3', '12'.repeat(9)], /expected six digits/],
    [['pretrain', '--data', kMeasurements, '--without', 'nobody', '--out', '/dev/null'], /--without names a device/],
    [['frobnicate'], /subcommand|arguments/i],
  ])('%j fails with a reason', (args, message) => {
    const run = latencast(...args);
    expect(run.status).not.toBe(0);
    expect(run.err + run.out).toMatch(message);
  });

  test('a damaged weights file is named and refused', () => {
    const bytes = readFileSync(join(kRoot, 'weights/nb201.latencast'));
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    const path = join(folder, 'damaged.latencast');
    writeFileSync(path, bytes);
    const run = latencast('predict', '--weights', path, '--device', 'pixel3', '421211');
    expect(run.status).toBe(1);
    expect(run.err).toContain(`${path}: `);
  });
});
