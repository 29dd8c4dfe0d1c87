/** `latencast table` of the package, beside the native one. `npm test` builds both before. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kNative = join(kRoot, 'build/latencast');
const kPackage = join(kRoot, 'dist/cli/main.js');
const kExample = join(kRoot, 'web/app/public/examples/table/transformers');

let folder: string;
let measured: string;
beforeAll(() => {
  expect(existsSync(kNative), 'build/latencast is missing; `npm test` builds it').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'latencast-table-'));
  measured = join(folder, 'measured.csv');
  const { measurements } = JSON.parse(readFileSync(`${kExample}.json`, 'utf8')) as { measurements: { architecture: string; latency_ms: number }[] };
  writeFileSync(measured, ['name,latency_ms', ...measurements.map((each) => `${each.architecture},${each.latency_ms}`), ''].join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: kRoot, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, out: stdout, err: stderr };
}
const packaged = (...args: string[]) => run(process.execPath, kPackage, 'table', ...args);

interface Said {
  readonly estimates: readonly { readonly name: string; readonly latency_ms: number; readonly low_ms: number; readonly high_ms: number }[];
  readonly next: { readonly worth: number; readonly architectures?: readonly string[]; readonly names?: readonly string[] };
  readonly review: { readonly expected_spearman: number; readonly doubts: readonly unknown[] };
  readonly best: readonly { readonly limit_ms: number; readonly best: { readonly name?: string; readonly architecture?: string } | null }[];
}

test('says what the native one says', () => {
  const asked = ['--table', `${kExample}.csv`, '--measurements', measured, '--ignore', 'raspberry_pi_ms', '--quality', 'decoder_ffn', '--limit', '1,4000', '--next', '3', '--json'];
  const [mine, other] = [packaged(...asked), run(kNative, 'table', ...asked)];
  expect(mine).toMatchObject({ status: 0, err: '' });
  const [found, expected] = [mine, other].map(({ out }) => JSON.parse(out) as Said) as [Said, Said];
  expect(found.estimates).toHaveLength(750);
  found.estimates.forEach((row, i) => {
    const { name, latency_ms, low_ms, high_ms } = expected.estimates[i]!;
    expect(row.name).toBe(name);
    for (const [a, b] of [[row.latency_ms, latency_ms], [row.low_ms, low_ms], [row.high_ms, high_ms]] as const) expect(Math.abs(a / b - 1)).toBeLessThan(1e-3);
  });
  expect(found.next.architectures).toEqual(expected.next.names);
  expect(found.review.expected_spearman).toBeCloseTo(expected.review.expected_spearman, 4);
  expect(found.review.doubts).toHaveLength(expected.review.doubts.length);
  expect(found.best.map(({ limit_ms, best }) => [limit_ms, best?.architecture])).toEqual(expected.best.map(({ limit_ms, best }) => [limit_ms, best?.name]));
});

test('prints the estimates as CSV, and what is odd beside them', () => {
  const { status, out, err } = packaged('--table', `${kExample}.csv`, '--measurements', measured, '--ignore', 'raspberry_pi_ms', '--trust', '3');
  expect(status).toBe(0);
  const [heading, first, ...rest] = out.trim().split('\n');
  expect(heading).toBe('name,latency_ms,low_ms,high_ms');
  expect(first).toMatch(/^t1,\d+(\.\d+)?,\d+(\.\d+)?,\d+(\.\d+)?$/);
  expect(rest).toHaveLength(749);
  expect(err).toMatch(/from 20 measurements: expected rank correlation 0\.\d{3}, median error \d+\.\d %\n/);
  expect(err).toMatch(/measurement 2 is .* \(set aside\)/);
});

test('without measurements it says what is believed of every device', () => {
  const { status, out } = packaged('--table', `${kExample}.csv`, '--ignore', 'raspberry_pi_ms', '--json');
  expect(status).toBe(0);
  const { estimates } = JSON.parse(out) as Said;
  expect(estimates[0]!.high_ms / estimates[0]!.low_ms).toBeGreaterThan(5);
});

test('what is wrong is said with its place, and how it ended', () => {
  const bad = join(folder, 'bad.csv');
  writeFileSync(bad, 'name,layers\nx,1\ny,2\nx,3\n');
  expect(packaged('--table', bad)).toMatchObject({ status: 1, err: expect.stringMatching(/bad\.csv line 4, column name: found the name "x" of line 2 again/) as unknown });
  writeFileSync(bad, 'name,layers\nx,1\ny,2\n');
  const unknown = join(folder, 'unknown.csv');
  writeFileSync(unknown, 'name,latency_ms\nx,1\nw,2\n');
  expect(packaged('--table', bad, '--measurements', unknown)).toMatchObject({ status: 1, err: expect.stringMatching(/unknown\.csv, line 3: found "w"; expected the name of one of the table's 2 rows/) as unknown });
  expect(packaged('--table', bad, '--limit', '3')).toMatchObject({ status: 2, err: expect.stringMatching(/--limit: what is best takes --quality/) as unknown });
  expect(packaged()).toMatchObject({ status: 2, err: expect.stringMatching(/--table is missing/) as unknown });
});
