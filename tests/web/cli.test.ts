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
  const bytes = readFileSync(join(kRoot, 'web/app/public/examples/raspi4.truth.bin'));
  const truth = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const rows: string[] = [];
  for (let index = 0; index < truth.length; index += step) rows.push(`${index},${truth[index]},ignored`);
  return rows;
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
    // The default method is the best there is, and the same question has the same answer.
    const { seconds: _, ...again } = JSON.parse(latencast(...ask).out) as Record<string, unknown>;
    const { seconds: __, ...first } = result;
    expect(again).toEqual(first);
  });

  test('pre-trains a task once, keeps the result, and offers every method', () => {
    const devices = [
      ...['1080ti_1', '1080ti_32', '1080ti_256', 'silver_4114', 'silver_4210r', 'samsung_a50', 'pixel3', 'essential_ph_1'],
      ...['samsung_s7', 'titan_rtx_256', 'gold_6226', 'fpga', 'pixel2', 'raspi4', 'eyeriss', 'not_in_the_task'],
    ];
    const rows = truthRows(200).map((row) => {
      const [index, latency] = row.split(',');
      return [index, ...devices.map((_, d) => (Number(latency) + 1 + d * (Number(index) % 7)).toFixed(4))].join(',');
    });
    mkdirSync(join(folder, 'data/nb201'), { recursive: true });
    file('data/nb201/latency_ms.csv', [`arch,${devices.join(',')}`, ...rows]);
    const cache = join(folder, 'cache');
    const ask = ['evaluate', '--task', 'ND', '--data', join(folder, 'data'), '--cache', cache, '--seeds', '2', '--json'];
    const first = latencast(...ask, '--epochs', '1');
    expect(first.err).toContain('epoch 1 of 1');
    expect(readdirSync(join(cache, 'pretrained'))).toHaveLength(1);
    expect(Object.keys(JSON.parse(first.out).targets)).toHaveLength(6);
    for (const method of ['finetune-published', 'best-source', 'flops', 'params', 'ridge']) {
      const run = latencast(...ask, '--epochs', '1', '--method', method);
      expect(run.err, method).toBe('');
      expect(JSON.parse(run.out)).toMatchObject({ task: 'ND', method });
    }
    // Other settings are another predictor.
    latencast(...ask, '--epochs', '2');
    expect(readdirSync(join(cache, 'pretrained'))).toHaveLength(2);
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

describe('latencast transfer and predict', () => {
  test('adapt to a device, keep the predictor, estimate with it', () => {
    const out = join(folder, 'mine');
    const run = latencast('transfer', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--out', out, '--seed', '3');
    expect(run.status).toBe(0);
    expect(run.err).toMatch(/started from \w+ \(rank correlation 0\.\d+ on the measurements\)/);
    const golden = readFileSync(join(kRoot, 'tests/golden/latency_ms.csv'), 'utf8').trim().split('\n').slice(1);
    const predicted = latencast('predict', '--weights', out, ...golden.map((row) => row.split(',')[0] as string));
    const rows = predicted.out.trim().split('\n');
    expect(rows.shift()).toBe('arch,latency_ms');
    rows.forEach((row, i) => {
      const [architecture, ms] = row.split(',');
      const [expected, goldenMs] = (golden[i] as string).split(',');
      expect(architecture).toBe(expected);
      expect(Number(ms) / Number(goldenMs)).toBeCloseTo(1, 4);
    });
    expect(latencast('predict', '--weights', out).out.trim().split('\n')).toHaveLength(15_626);
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
