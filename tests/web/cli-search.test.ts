/** `latencast search`, as a user calls it: `npm test` builds the engine before these run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kEngine = join(kRoot, 'build/latencast');
const kMeasurements = 'tests/golden/raspi4-20.csv';

let folder: string;
beforeAll(() => {
  expect(existsSync(kEngine), 'build/latencast is missing; `npm test` builds it').toBe(true);
  folder = mkdtempSync(join(tmpdir(), 'latencast-search-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function latencast(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(kEngine, args, { cwd: kRoot, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

/** Every cell of NAS-Bench-201, by its digits. */
const kCells = Array.from({ length: 15625 }, (_, i) => i.toString(5).padStart(6, '0'));

/** Invented: what each operation is worth, less for cells that end in the same digits. */
const worth = (cell: string): number =>
  50 + [...cell].reduce((sum, digit, edge) => sum + [0, 2, 3, 4, 1][Number(digit)]! * (1 + edge / 10), 0) - (parseInt(cell, 5) % 7) / 10;

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.join('\n') + '\n');
  return path;
}

interface Found {
  readonly limit_ms: number;
  readonly best: { readonly arch: string; readonly latency_ms: number; readonly quality: number } | null;
}

test('the best of a listed space is the best of all that is predicted within the limit', () => {
  const worths = file('worth.csv', ['arch,worth', ...kCells.map((cell) => `${cell},${worth(cell)}`)]);
  const ask = ['search', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--limit', '0.001,12,25'];
  const run = latencast(...ask, '--accuracy', worths, '--column', 'worth', '--json');
  expect(run.err).toBe('');
  const found = JSON.parse(run.out) as Found[];
  const adapted = join(folder, 'adapted');
  latencast('transfer', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--out', adapted);
  const predicted = latencast('predict', '--weights', adapted)
    .out.trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  expect(found.map(({ limit_ms }) => limit_ms)).toEqual([0.001, 12, 25]);
  expect(found[0]!.best).toBeNull();
  for (const { limit_ms, best } of found.slice(1)) {
    const within = predicted.filter(([, latency]) => Number(latency) <= limit_ms);
    expect(best!.quality).toBeCloseTo(Math.max(...within.map(([arch]) => worth(arch!))), 4);
    expect(within.map(([arch]) => arch)).toContain(best!.arch);
    expect(worth(best!.arch)).toBeCloseTo(best!.quality, 4);
  }
  // The same as lines.
  const lines = latencast(...ask, '--accuracy', worths, '--column', 'worth').out.trim().split('\n');
  expect(lines[0]).toBe('limit_ms,arch,latency_ms,quality');
  expect(lines[1]).toBe('0.001,,,');
  expect(lines[2]).toContain(`12,${found[1]!.best!.arch},`);
});

test('refuses what it cannot do', () => {
  expect(latencast('search').err).toContain('--weights or --table');
  const run = latencast('search', '--weights', 'weights/nb201', '--measurements', kMeasurements, '--limit', '5,-1');
  expect(run.status).toBe(1);
  expect(run.err).toContain('limit 2 is -1');
});

test('the published table: limits of real measurements are met, within the budget', () => {
  const sources = ['1080ti_1', '1080ti_32', '1080ti_256', 'silver_4114', 'silver_4210r', 'samsung_a50', 'pixel3', 'essential_ph_1', 'samsung_s7'];
  const targets = ['titan_rtx_256', 'gold_6226', 'fpga', 'pixel2', 'raspi4', 'eyeriss'];
  const published = ['302120', '320122', '203123', '130121', '032142', '303133', '333132', '333133'];
  const cells = [...new Set([...kCells.filter((_, i) => i % 40 === 0), ...published])];
  // Latencies about the table's limits: those of the five devices are between 4 and 25 ms.
  const latency = (cell: string, device: number): number =>
    1 + [...cell].reduce((sum, digit) => sum + [0.05, 0.1, 1, 2 + (device % 3), 0.5][Number(digit)]!, 0);
  const devices = [...sources, ...targets];
  const data = join(folder, 'data');
  mkdirSync(join(data, 'nb201'), { recursive: true });
  file('data/nb201/latency_ms.csv', [`arch,${devices.join(',')}`, ...cells.map((cell) => [cell, ...devices.map((_, d) => latency(cell, d))].join(','))]);
  file('data/nb201/accuracy.csv', ['arch,test_acc_cifar100', ...cells.map((cell) => `${cell},${worth(cell)}`)]);
  const ask = ['search', '--table', 'help', '--data', data, '--cache', join(folder, 'cache'), '--steps', '40', '--seeds', '1'];
  const rows = JSON.parse(latencast(...ask, '--json').out) as {
    device: string;
    limit_ms: number;
    published_latency_ms: number;
    published_accuracy: number;
    accuracy_possible: number;
    measurements: number;
    first_seed?: { architecture: string; accuracy: number; latency_ms: number };
  }[];
  // 15 constraints, the latencies that HELP reached under them, 10 points on Pixel 2.
  expect(rows).toHaveLength(40);
  for (const row of rows) {
    const possible = cells.filter((cell) => latency(cell, devices.indexOf(row.device)) <= row.limit_ms).map(worth);
    expect(row.accuracy_possible).toBeCloseTo(Math.max(0, ...possible), 4);
    expect(row.measurements).toBeLessThanOrEqual(20);
    if (!row.first_seed) continue;
    expect(row.first_seed.latency_ms).toBeLessThanOrEqual(row.limit_ms);
    expect(row.first_seed.latency_ms).toBeCloseTo(latency(row.first_seed.architecture, devices.indexOf(row.device)), 4);
    expect(row.first_seed.accuracy).toBeCloseTo(worth(row.first_seed.architecture), 4);
  }
  expect(rows.filter(({ first_seed }) => first_seed).length).toBeGreaterThan(35);
  expect(rows[0]!.published_latency_ms).toBeCloseTo(latency('302120', devices.indexOf('titan_rtx_256')), 4);
  expect(rows[0]!.published_accuracy).toBeCloseTo(worth('302120'), 4);
  const lines = latencast(...ask).out.trim().split('\n');
  expect(lines).toHaveLength(42);
  expect(lines[2]).toContain('| titan_rtx_256 | 18.00 | HELP, same constraint');
});
