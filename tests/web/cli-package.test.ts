/** The package's command line does what the native one does, from the same files. `npm test` builds both before. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kNative = join(kRoot, 'build/latencast');
const kPackage = join(kRoot, 'dist/cli/main.js');
const kMeasurements = 'tests/golden/raspi4-20.csv';
const kAsked = ['421211', '000000', '333333', '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|'];

let folder: string;
beforeAll(() => {
  expect(existsSync(kNative), 'build/latencast is missing; `npm test` builds it').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'latencast-package-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(program: string, args: readonly string[], input?: string): Run {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: kRoot, encoding: 'utf8', maxBuffer: 1 << 26, ...(input !== undefined && { input }) });
  return { status, out: stdout, err: stderr };
}

const native = (...args: string[]): Run => run(kNative, args);
const packaged = (...args: string[]): Run => run(process.execPath, [kPackage, ...args]);
const piped = (input: string, ...args: string[]): Run => run(process.execPath, [kPackage, ...args], input);

/** Rows of a CSV, its fractions as numbers. */
function plain(csv: string): (string | number)[][] {
  const value = (field: string): string | number => (/^-?\d+\.\d+(e[+-]?\d+)?$/.test(field) ? Number(field) : field);
  return csv
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(value));
}

/** The same, to be compared with what another build says. */
function rows(csv: string): unknown[][] {
  const near = (value: string | number): unknown =>
    typeof value === 'number' ? expect.closeTo(value, 4 - Math.ceil(Math.log10(Math.abs(value)))) : value;
  return plain(csv).map((row) => row.map(near));
}

describe('transfer and predict', () => {
  test.each(['closed-form', 'combined'])('%s: as the native one', (method) => {
    const [theirs, mine] = [join(folder, `native-${method}`), join(folder, `packaged-${method}`)];
    const ask = ['--weights', 'weights/nb201', '--measurements', kMeasurements, '--device', 'Pi', '--method', method];
    const said = native('transfer', ...ask, '--out', theirs);
    const answer = packaged('transfer', ...ask, '--out', mine, '--json');
    expect([said.status, answer.status], answer.err).toEqual([0, 0]);
    expect(answer.err.replaceAll(mine, theirs)).toBe(said.err);
    expect(JSON.parse(answer.out)).toMatchObject({ out: `${mine}.latencast`, space: 'nb201', device: 'Pi', measurements: 20, method });

    const estimates = packaged('predict', '--weights', mine, ...kAsked);
    expect(plain(estimates.out)).toEqual(rows(native('predict', '--weights', theirs, ...kAsked).out));
    expect(estimates.out).toMatch(/^arch,latency_ms,low_ms,high_ms\n421211,/);
    // Each reads what the other wrote.
    expect(plain(packaged('predict', '--weights', theirs, ...kAsked).out)).toEqual(rows(native('predict', '--weights', mine, ...kAsked).out));
    const listed = JSON.parse(packaged('predict', '--weights', mine, '--json', '421211').out) as Record<string, unknown>[];
    expect(listed).toEqual([{ arch: '421211', latency_ms: plain(estimates.out)[1]![1], low_ms: plain(estimates.out)[1]![2], high_ms: plain(estimates.out)[1]![3] }]);
  });

  test('from standard input, by the shipped weights, all of the space', () => {
    const out = join(folder, 'piped');
    const text = readFileSync(join(kRoot, kMeasurements), 'utf8');
    expect(piped(text, 'transfer', '--space', 'nb201', '--out', out)).toMatchObject({ status: 0, out: '' });
    const all = packaged('predict', '--weights', out).out.trim().split('\n');
    expect(all).toHaveLength(15_626);
    const some = piped('421211\n\n 000000\n', 'predict', '--weights', out, '-').out.trim().split('\n');
    expect(some).toHaveLength(3);
    expect(all).toEqual(expect.arrayContaining(some));
  });

  test('a pre-trained predictor scores known devices', () => {
    const ask = ['predict', '--weights', 'weights/nb201.latencast', '--device', 'pixel3', ...kAsked];
    expect(plain(packaged(...ask).out)).toEqual(rows(native(...ask).out));
    expect(packaged('predict', '--weights', 'weights/nb201', '--device', 'toaster', '421211')).toMatchObject({ status: 1, out: '' });
  });

  test('lines that cannot be read are named, and nothing is written', () => {
    const bad = join(folder, 'bad.csv');
    writeFileSync(bad, 'arch,latency_ms\n421211,12.4\n421211,-1\n99,x\n');
    const answer = packaged('transfer', '--space', 'nb201', '--measurements', bad, '--out', join(folder, 'never'));
    expect(answer).toMatchObject({ status: 1, out: '' });
    expect(answer.err).toContain(`${bad}, line 3: "-1" is not positive`);
    expect(answer.err).toContain(`${bad}, line 4: `);
    expect(existsSync(join(folder, 'never.latencast'))).toBe(false);
    expect(piped('# nothing\n', 'transfer', '--space', 'nb201', '--out', 'x')).toMatchObject({ status: 1 });
  });

  test('weights of another space than the one said are refused', () => {
    const answer = packaged('transfer', '--space', 'fbnet', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--out', 'x');
    expect(answer).toMatchObject({ status: 2 });
    expect(answer.err).toContain('is a predictor of nb201; --space says fbnet');
  });
});

test('search: as the native one, by multiply-adds and by a column of a file', () => {
  const ask = ['search', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--limit', '5,20,60'];
  expect(plain(packaged(...ask).out)).toEqual(rows(native(...ask).out));
  const quality = join(folder, 'quality.csv');
  const listed = Array.from({ length: 300 }, (_, i) => `${i * 50},${((i * 37) % 101) / 2}`);
  writeFileSync(quality, ['arch,merit', ...listed].join('\n'));
  const byFile = [...ask, '--accuracy', quality, '--column', 'merit', '--json'];
  const near = (value: unknown): unknown =>
    typeof value === 'number' ? expect.closeTo(value, 3) : Array.isArray(value) ? value.map(near) : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, near(one)])) : value;
  expect(JSON.parse(packaged(...byFile).out)).toEqual(near(JSON.parse(native(...byFile).out)));
  const wrong = packaged(...ask, '--accuracy', quality, '--column', 'beauty');
  expect(wrong).toMatchObject({ status: 1 });
  expect(wrong.err).toContain('the columns are arch, merit; expected one named beauty');
});

test('kernels: as the native one', () => {
  const model = join(folder, 'model.onnx');
  expect(native('export', '--space', 'nb201', '--arch', '421211', '--out', model)).toMatchObject({ status: 0 });
  for (const runtime of ['none', 'onnxruntime']) {
    const ask = ['kernels', '--model', model, '--runtime', runtime];
    expect(packaged(...ask).out).toBe(native(...ask).out);
    const found = JSON.parse(packaged(...ask, '--json').out) as { kernels: { key: string; macs: number }[]; macs: number };
    const theirs = JSON.parse(native(...ask, '--json').out) as { kernels: { key: string; macs: number }[]; macs: number };
    expect(found.macs).toBe(theirs.macs);
    expect(found.kernels.map(({ key, macs }) => [key, macs])).toEqual(theirs.kernels.map(({ key, macs }) => [key, macs]));
  }
});
