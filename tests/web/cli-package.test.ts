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
  const close = (value: string | number): unknown =>
    typeof value === 'number' ? expect.closeTo(value, 4 - Math.ceil(Math.log10(Math.abs(value)))) : value;
  return plain(csv).map((row) => row.map(close));
}

/** JSON whose numbers are to be compared with what another build says. */
function near(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 3);
  if (Array.isArray(value)) return value.map(near);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, near(one)]));
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

describe('evaluate', () => {
  /** Every 25th cell, on a device with a made-up clock. */
  const target = (): string => {
    const path = join(folder, 'target.csv');
    const scores = plain(native('predict', '--weights', 'weights/nb201', '--device', 'pixel3').out).slice(1);
    const rows = scores.filter((_, i) => i % 25 === 0).map(([arch, score], i) => `${arch},${(20 + 3 * (score as number) + (i % 7) / 10).toFixed(4)}`);
    writeFileSync(path, ['arch,latency_ms', ...rows].join('\n'));
    return path;
  };

  test.each([
    ['bayes', 'random'],
    ['finetune', 'random'],
    ['combined', 'params'],
  ])('%s, %s: as the native one', (method, sampler) => {
    const ask = ['evaluate', '--weights', 'weights/nb201', '--target', target(), '--samples', '15', '--seeds', '2', '--method', method, '--sampler', sampler, '--json'];
    const answer = packaged(...ask);
    expect(answer).toMatchObject({ status: 0, err: '' });
    type Result = Record<string, unknown>;
    const { seconds, ...mine } = JSON.parse(answer.out) as Result;
    const { seconds: _, targets: __, weights: ___, ...theirs } = JSON.parse(native(...ask).out) as Result;
    expect(mine).toEqual(near(theirs));
    expect(seconds).toEqual({ transfer: expect.any(Number) as number, predict_1000: expect.any(Number) as number });
  });

  test('what is learned most of is chosen the same way again, and is no worse', () => {
    const ask = ['evaluate', '--space', 'nb201', '--target', target(), '--samples', '15', '--seeds', '2', '--method', 'bayes', '--json', '--sampler'];
    const [first, again, random] = ['informative', 'informative', 'random'].map((sampler) => JSON.parse(packaged(...ask, sampler).out) as { spearman: { mean: number }; seconds: unknown });
    expect({ ...first, seconds: 0 }).toEqual({ ...again, seconds: 0 });
    expect(first!.spearman.mean).not.toBe(random!.spearman.mean);
    expect(first!.spearman.mean).toBeGreaterThan(random!.spearman.mean - 0.02);
  });

  test('prints a table, and says when there is too little', () => {
    const text = readFileSync(join(kRoot, kMeasurements), 'utf8');
    const answer = piped(text, 'evaluate', '--space', 'nb201', '--samples', '10', '--seeds', '2', '--method', 'closed-form');
    expect(answer.out).toMatch(/^figure,mean,std\nspearman,0\.\d{4},0\.\d{4}\nkendall,/);
    expect(answer.out).toMatch(/coverage90,\d\.\d{4}/);
    expect(piped(text, 'evaluate', '--space', 'nb201')).toMatchObject({ status: 1, out: '', err: expect.stringContaining('found 20 architectures; 20 samples need at least two more') as string });
  });
});

describe('estimates as a file', () => {
  const python = (program: string, path: string): Run => run('python3', ['-c', program, path]);
  const snippets = [...readFileSync(join(kRoot, 'web/cli/README.md'), 'utf8').matchAll(/```python\n(.*?)```/gs)].map(([, code]) => code!);
  const predict = (...args: string[]): Run => packaged('predict', '--space', 'nb201', '--measurements', kMeasurements, ...args);

  test('CSV, read by the reader of the README where there is Python', (context) => {
    const path = join(folder, 'all.csv');
    expect(predict('--out', path)).toMatchObject({ status: 0, out: '', err: expect.stringContaining(`${path}: 15625 estimates`) as string });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(15_627);
    const [, row] = plain(predict('421211').out);
    const answer = python(snippets[0]!, path);
    if (answer.status === null) return context.skip();
    expect(answer.err).toBe('');
    expect(answer.out.trim()).toBe(`(${row!.slice(1).join(', ')})`);
  });

  test('.npz and .npy, read by NumPy where it is installed', (context) => {
    const [all, alone] = [join(folder, 'all.npz'), join(folder, 'all.npy')];
    for (const path of [all, alone]) expect(predict('--out', path).status).toBe(0);
    const table = plain(predict().out).slice(1);
    const below = table.filter(([, , , high]) => Number(high) < 10).length;
    const answer = python(snippets[1]!, all);
    if (answer.status === null || answer.err.includes('No module named')) return context.skip();
    expect(answer.err).toBe('');
    const [value, count] = answer.out.trim().split(' ').map(Number);
    expect(value).toBeCloseTo(Number(table.find(([arch]) => arch === '421211')![1]), 6);
    expect(count).toBe(below);
    const array = JSON.parse(python('import sys, numpy; a = numpy.load(sys.argv[1]); print([len(a), float(a[0]), float(a[-1])])', alone).out) as number[];
    expect(array).toEqual([15_625, expect.closeTo(Number(table[0]![1]), 6), expect.closeTo(Number(table.at(-1)![1]), 6)]);
  });

  test('energies keep their name', () => {
    const text = readFileSync(join(kRoot, kMeasurements), 'utf8').replace('latency_ms', 'energy_mj');
    const answer = piped(text, 'predict', '--space', 'nb201', '--measurements', '-', '421211');
    expect(answer.out).toMatch(/^arch,energy_mj,low_mj,high_mj\n421211,/);
    const out = join(folder, 'energy');
    expect(JSON.parse(piped(text, 'transfer', '--space', 'nb201', '--out', out, '--json').out)).toMatchObject({ quantity: 'energy' });
    expect(packaged('predict', '--weights', out, '421211').out).toBe(answer.out);
  });
});

describe('kernels in milliseconds', () => {
  const model = 'tests/golden/models/resnet18.onnx';

  test('on a known platform, on several, and on one that was measured', () => {
    const platform = 'nvidia-jetson-nano-gpu';
    const several = plain(packaged('kernels', '--model', model, '--platform', `loongson-3a6000-8t,${platform}`).out);
    expect(several[0]).toEqual(['platform', 'latency_ms', 'low_ms', 'high_ms']);
    expect(several).toHaveLength(3);
    expect(several[1]![1]).toBeLessThan(several[2]![1] as number);
    const figures = several.find(([id]) => id === platform)!.slice(1) as number[];
    const answer = packaged('kernels', '--model', model, '--platform', platform, '--json');
    type Found = { runtime: string; kernels: unknown[]; estimate: { latency_ms: number; low_ms: number; high_ms: number; kernel_ms: number[] } };
    const { runtime, kernels, estimate } = JSON.parse(answer.out) as Found;
    expect(runtime).toBe('ncnn');
    expect([estimate.latency_ms, estimate.low_ms, estimate.high_ms]).toEqual(figures.map((ms) => expect.closeTo(ms, 3) as number));
    expect(estimate.kernel_ms).toHaveLength(kernels.length);
    expect(estimate.kernel_ms.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(estimate.latency_ms, 6);
    expect(packaged('kernels', '--model', model, '--platform', platform).out).toMatch(/ kB moved +ms +operators\n(?:.*\n)*\n\d+\.\d+ ms, 90 % between \d+\.\d+ and \d+\.\d+\n/);

    const measured = join(folder, 'models.csv');
    const models = ['mobilenet_v2', 'squeezenet1_1', 'resnet50'].map((name, i) => `${join(kRoot, 'tests/golden/models', name)}.onnx,${100 * (i + 1)}`);
    writeFileSync(measured, ['model,latency_ms', ...models].join('\n'));
    const mine = packaged('kernels', '--model', model, '--measurements', measured, '--runtime', 'onnxruntime', '--json');
    expect(mine.err).toMatch(/^from 3 models: median error \d+\.\d % to expect; most like /);
    const own = JSON.parse(mine.out) as Found;
    expect(own.runtime).toBe('onnxruntime');
    expect(own.estimate.latency_ms).toBeGreaterThan(50);

    expect(packaged('kernels', '--model', model, '--measurements', measured, '--processor', 'abacus').err).toMatch(/'abacus'; expected one of .*arm64/);
    expect(packaged('kernels', '--model', model, '--threads', '2').err).toContain('found no --measurements');
  });

  test('on a platform of the pool, and on one whose kernels were timed', () => {
    type Found = { runtime: string; estimate: { latency_ms: number } };
    const known = JSON.parse(packaged('kernels', '--model', model, '--platform', 'tensorrt-v100-fp32', '--json').out) as Found;
    expect(known.runtime).toBe('tensorrt');
    const both = plain(packaged('kernels', '--model', model, '--platform', 'tensorrt-v100-fp32,nvidia-jetson-nano-gpu').out);
    expect(both.slice(1).map(([id, ms]) => [id, ms])).toEqual(expect.arrayContaining([['tensorrt-v100-fp32', expect.closeTo(known.estimate.latency_ms, 3) as unknown]]));

    const header = 'kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms';
    const rows = [7, 14, 28, 56].flatMap((side) => [64, 128, 256].map((channels) => `conv,1,${side}.0,${side},${channels},${channels},3,3,1,1,${side * side * channels * channels * 2e-6}`));
    const timed = join(folder, 'kernels.csv');
    writeFileSync(timed, [header, ...rows, 'fc,,,,512,1000,,,,,'].join('\n'));
    const mine = packaged('kernels', '--model', model, '--timings', timed, '--runtime', 'tflite', '--json');
    expect(mine.err).toMatch(/^from 12 kernels: most like \S+ \(median error \d+ %\), /);
    const own = JSON.parse(mine.out) as Found;
    expect(own.runtime).toBe('tflite');
    expect(own.estimate.latency_ms).toBeGreaterThan(100);
    // Held against platforms that were timed in the same way.
    const inside = packaged('kernels', '--model', model, '--timings', timed, '--inside', '--runtime', 'tflite', '--json');
    expect(inside.err).toMatch(/^from 12 kernels: most like \S+-inside \(median error \d+ %\), \S+-inside /);
    expect(mine.err).not.toContain('-inside');
    // The same as the profiler writes it.
    const keyed = join(folder, 'keyed.csv');
    writeFileSync(keyed, ['# id: mine', 'arch,latency_ms,relative_error', ...rows.map((row) => row.replace(/^(.*),(.*)$/, '"$1",$2,0.01'))].join('\n'));
    expect(JSON.parse(packaged('kernels', '--model', model, '--timings', keyed, '--runtime', 'tflite', '--json').out)).toEqual(own);
    // Whole models say how kernels add up: where these take three times the sum, so do others.
    const measured = join(folder, 'slow-models.csv');
    const slow = ['mobilenet_v2', 'squeezenet1_1', 'resnet50'].map((name) => {
      const file = join(kRoot, 'tests/golden/models', `${name}.onnx`);
      const alone = JSON.parse(packaged('kernels', '--model', file, '--timings', timed, '--runtime', 'tflite', '--json').out) as Found;
      return `${file},${3 * alone.estimate.latency_ms}`;
    });
    writeFileSync(measured, ['model,latency_ms', ...slow].join('\n'));
    const informed = packaged('kernels', '--model', model, '--timings', timed, '--measurements', measured, '--runtime', 'tflite', '--json');
    expect(informed.err).toMatch(/^from 12 kernels and 3 models: most like /);
    expect((JSON.parse(informed.out) as Found).estimate.latency_ms / own.estimate.latency_ms).toBeGreaterThan(2);
    writeFileSync(timed, [header, ...rows, 'cow,1,7,7,8,8,3,3,1,1,2'].join('\n'));
    const wrong = packaged('kernels', '--model', model, '--timings', timed);
    expect(wrong).toMatchObject({ status: 1, out: '' });
    expect(wrong.err).toMatch(/found kernel type 'cow'/);
  });

  test.each([
    [['--platform', 'raspberry-pi-5'], 1, /expected one of \d+ names, such as raspberry-pi-5-\S+/],
    [['--runtime', 'tflit'], 1, /did you mean tflite\?/],
    [['--runtime', 'ncnn', '--platform', 'all'], 2, /expected none of --runtime, --measurements and --timings/],
    [['--measurements', kMeasurements], 1, /the columns are arch, latency_ms; expected one named model/],
    [['--timings', kMeasurements], 1, /found kernel type '/],
    [['--timings', '-', '--measurements', '-'], 2, /expected the standard input for one of them/],
    [['--timings', kMeasurements, '--measurements', kMeasurements, '--threads', '2'], 2, /found --timings as well/],
    [['--inside'], 2, /--inside: found no --timings/],
    [['--input', 'x'], 2, /expected NAME=1x3x224x224/],
  ])('%j fails with a reason', (args, status, message) => {
    const answer = packaged('kernels', '--model', model, ...args);
    expect(answer).toMatchObject({ status, out: '' });
    expect(answer.err).toMatch(message);
  });
});

describe('how it is asked', () => {
  test('help and version', () => {
    const overview = packaged('--help');
    expect(overview).toMatchObject({ status: 0, err: '' });
    for (const command of ['predict', 'transfer', 'kit', 'search', 'kernels', 'evaluate']) {
      expect(overview.out).toContain(`  ${command} `);
      const help = packaged(command, '--help');
      expect(help).toMatchObject({ status: 0, err: '' });
      expect(help.out).toMatch(new RegExp(`^latencast ${command}: .*\n\nUsage: latencast ${command} \\[options\\]`));
      expect(help.out).toContain('--json');
    }
    expect(packaged('--version').out.trim()).toBe((JSON.parse(readFileSync(join(kRoot, 'package.json'), 'utf8')) as { version: string }).version);
  });

  test.each([
    [[], /no command found; expected kit, transfer/],
    [['predct'], /the command "predct" found; .*did you mean predict\?/],
    [['predict', '--wieghts', 'x'], /--wieghts; did you mean --weights\?/],
    [['predict', '--space', 'nb210'], /"nb210" found; expected one of nb201, fbnet, ofa; did you mean nb201\?/],
    [['predict', '--weights', 'nb201'], /there is no file nb201\.latencast; --space nb201 takes the shipped ones/],
    [['predict'], /--space or --weights is missing/],
    [['predict', '--space', 'nb201'], /expected --measurements of your device, or --device/],
    [['predict', '--space', 'nb201', '--device', 'pixel3', '--measurements', 'x'], /expected no --measurements/],
    [['predict', '--space', 'nb201', '--device', 'pixel3', '--out', 'x.txt'], /ends in \.csv, \.json, \.npy, \.npz/],
    [['predict', '--space', 'nb201', '--device', 'pixel3', '--out', 'x.npy', '--json'], /expected one of the two/],
    [['transfer', '--space', 'nb201'], /--out is missing/],
    [['transfer', '--space', 'nb201', '--out', 'x', '--epochs', 'many'], /"many" found; expected a whole number of at least 1/],
    [['search', '--space', 'nb201'], /--limit is missing/],
    [['evaluate', '--space', 'nb201', '--sampler', 'radnom'], /did you mean random\?/],
    [['kit', '--space', 'nb201', '--out', 'x.zip', '--runtime', 'onnx'], /expected one of onnxruntime/],
  ])('%j: asked for wrongly, 2', (args, message) => {
    const answer = packaged(...args);
    expect(answer).toMatchObject({ status: 2, out: '' });
    expect(answer.err).toMatch(message);
  });

  test.each([
    [['predict', '--weights', 'weights/none', '421211'], /weights\/none\.latencast: ENOENT/],
    [['predict', '--weights', 'README.md', '421211'], /README\.md/],
    [['predict', '--space', 'nb201', '--device', 'pixel33', '421211'], /expected one of 31 names, such as \S+.*; did you mean pixel3\?/],
    [['predict', '--space', 'nb201', '--device', 'pixel3', '9'.repeat(7)], /expected six digits/],
    [['predict', '--space', 'nb201', '--device', 'pixel3', '--out', '/nowhere/x.csv'], /\/nowhere\/x\.csv: ENOENT/],
    [['search', '--space', 'nb201', '--measurements', 'none.csv', '--limit', '5'], /none\.csv: ENOENT/],
    [['kernels', '--model', 'README.md'], /model/],
  ])('%j: failed, 1', (args, message) => {
    const answer = packaged(...args);
    expect(answer).toMatchObject({ status: 1, out: '' });
    expect(answer.err).toMatch(message);
  });

  test('a reader that has seen enough is no failure', () => {
    const shown = run('bash', ['-c', `set -o pipefail; "${process.execPath}" "${kPackage}" predict --space nb201 --device pixel3 | head -2`]);
    expect(shown).toMatchObject({ status: 0, err: '' });
    expect(shown.out).toMatch(/^arch,score\n[0-4]{6},-?\d+\.\d+\n$/);
  });
});
