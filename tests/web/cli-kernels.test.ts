/** `latencast kernels`, as a user calls it: `npm test` builds the engine before these run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kMobilenet = 'tests/golden/models/mobilenet_v2.onnx';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latencast-kernels-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function kernels(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(join(kRoot, 'build/latencast'), ['kernels', ...args], { cwd: kRoot, encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

interface Found {
  readonly macs: number;
  readonly params: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly kernels: readonly { readonly kernel: string; readonly key: string; readonly macs: number }[];
}

test('a network is printed kernel by kernel, with its totals', () => {
  const run = kernels('--model', kMobilenet, '--runtime', 'ncnn');
  expect(run.err).toBe('');
  expect(run.out).toContain('input image: 1x3x224x224');
  expect(run.out).toMatch(/ 1 {2}conv,1,224,224,3,32,3,3,2,1 +10838\.0 +928 .* Conv\+BatchNormalization\+Clip\n/);
  expect(run.out).toContain('64 kernels of 152 operators: 300.774 M multiply-adds, 3.505 M parameters');
});

test('JSON has the same kernels, for the batch that is asked for', () => {
  const one = JSON.parse(kernels('--model', kMobilenet, '--runtime', 'ncnn', '--json').out) as Found;
  const four = JSON.parse(kernels('--model', kMobilenet, '--runtime', 'ncnn', '--batch', '4', '--json').out) as Found;
  expect(one.kernels).toHaveLength(64);
  expect(four.inputs).toEqual({ image: [4, 3, 224, 224] });
  expect(four.macs).toBe(4 * one.macs);
  expect(four.params).toBe(one.params);
  expect(four.kernels.map(({ kernel }) => kernel)).toEqual(one.kernels.map(({ kernel }) => kernel));
  expect(one.kernels.reduce((sum, { macs }) => sum + macs, 0)).toBe(one.macs);
});

test('an open input takes the shape that is given, and what cannot be read is refused by name', () => {
  const path = join(folder, 'open.json');
  writeFileSync(path, '{"inputs": {"x:0": [null, 3, null, null]}, "nodes": [{"op": "Whirl"}, {"op": "Relu"}]}');
  const open = kernels('--model', path);
  expect(open.status).toBe(1);
  expect(open.err).toContain("input 'x:0' has the shape 1x3x?x?");
  const given = kernels('--model', path, '--input', 'x:0=2x3x5x7');
  expect(given.out).toContain('unknown: Whirl, 1 times: 50.0 % of the bytes moved');
  for (const wrong of ['x:0', 'x:0=', 'x:0=2x', 'x:0=2x0', 'x:0=2,3'])
    expect(kernels('--model', path, '--input', wrong).err).toContain(`--input: '${wrong}' found; NAME=1x3x224x224 expected`);
  expect(kernels('--model', 'package.json').err).toContain('model: JSON graph: has no "nodes"');
});

test('evaluate adapts to a platform that the fleet does not hold, and says how well', () => {
  // About the ratios of a processor without a GPU; the platform is a thousand times slower than any.
  const ratios = { mobilenet_v2: 1, mobilenet_v3_large: 0.86, mnasnet1_0: 0.98, resnet18: 2.9, resnet50: 8.2, squeezenet1_1: 0.9, efficientnet_b0: 1.7 };
  const path = join(folder, 'models.csv');
  const rows = Object.entries(ratios).map(([name, ratio]) => `${join(kRoot, 'tests/golden/models', name)}.onnx,${1000 * ratio}`);
  writeFileSync(path, ['model,latency_ms', ...rows, 'never-measured.onnx,'].join('\n'));
  const args = ['evaluate', '--models', path, '--samples', '3', '--seeds', '2', '--json'];
  const result = JSON.parse(kernels(...args).out) as Record<string, { mean: number; std: number }> & { models_scored: number };
  expect(result.models_scored).toBe(rows.length - 3);
  const flops = JSON.parse(kernels(...args, '--method', 'flops').out) as typeof result;
  expect(result['mdape']!.mean).toBeLessThan(0.3);
  expect(result['mdape']!.mean).toBeLessThan(flops['mdape']!.mean);
  expect(flops['coverage90']!.mean).toBeNull();
  for (const figure of ['spearman', 'kendall', 'within5', 'within10', 'coverage90']) expect(result[figure]!.mean).toBeLessThanOrEqual(1);
});

test('evaluate wants more models than it may measure, and names a row that cannot be', () => {
  const path = join(folder, 'models.csv');
  const model = join(kRoot, kMobilenet);
  writeFileSync(path, `model,latency_ms\n${model},3\n`);
  expect(kernels('evaluate', '--models', path).err).toContain('has 1 measured models; 10 samples need at least two more');
  writeFileSync(path, `model,latency_ms\n${model},3\n${model},0\n`);
  expect(kernels('evaluate', '--models', path).err).toContain(`${path} line 3: found latency 0 ms`);
  writeFileSync(path, 'model,latency_ms\nnone.onnx,3\n');
  expect(kernels('evaluate', '--models', path).err).toContain(`${path} line 2: ${join(folder, 'none.onnx')}: cannot be read`);
});

test('learning from nothing is refused, and leaves the pool as it is', () => {
  const [measured, pool] = [join(folder, 'nothing'), join(folder, 'pool')];
  for (const each of [measured, pool]) mkdirSync(each);
  writeFileSync(join(pool, 'index.json'), '{"version": 3, "probes": [], "platforms": []}');
  writeFileSync(join(pool, 'mine.latencast'), '');
  const learnt = kernels('learn', '--measured', measured, '--out', pool);
  expect(learnt).toMatchObject({ status: 1, err: `latencast: learn: found no platform in ${measured}; tables of the profiler or a known data set expected\n` });
  expect(existsSync(join(pool, 'mine.latencast'))).toBe(true);
});
