/** The package's command line as built, and the measurement kits it makes. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import fc from 'fast-check';
import { strFromU8, unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine } from '../../web/api/types.js';
import { summarise, visitOrder, visitPlan } from '../../web/app/measure/schedule.js';
import type { KitManifest } from '../../web/kit/kit.js';
import { kProtocol } from '../../web/kit/protocol.js';
import { kRuntimes } from '../../web/kit/runtimes.js';
import { api } from './helpers.js';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kProgram = join(kRoot, 'dist/cli/main.js');
const kScripts = join(kRoot, 'web/kit/scripts');
const kFolder = 'latencast-kit/';

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latencast-kit-'));
  engine = await api.createEngine({ kind: 'local' });
});
afterAll(() => {
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function latencast(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, [kProgram, ...args], { cwd: kRoot, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

function python(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync('python3', args, { cwd: kRoot, encoding: 'utf8', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

interface Kit {
  readonly said: { readonly architectures: readonly string[]; readonly bytes: number };
  readonly bytes: Uint8Array;
  /** Without the folder. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly manifest: KitManifest;
}

function kit(...args: string[]): Kit {
  const out = join(folder, `${args.join('-').replace(/[^\w-]/g, '')}.zip`);
  const run = latencast('kit', ...args, '--out', out, '--json');
  expect(run, run.err).toMatchObject({ status: 0 });
  const bytes = new Uint8Array(readFileSync(out));
  const all = Object.entries(unzipSync(bytes)).map(([name, data]) => {
    expect(name.startsWith(kFolder)).toBe(true);
    return [name.slice(kFolder.length), data] as const;
  });
  const files = Object.fromEntries(all);
  const manifest = JSON.parse(strFromU8(files['manifest.json']!)) as KitManifest;
  return { said: JSON.parse(run.out) as Kit['said'], bytes, files, manifest };
}

/** Every network of a kit is what the manifest says, and has the work of its architecture. */
async function checkNetworks({ manifest, files }: Kit): Promise<void> {
  const { space, networks } = manifest;
  const facts = await engine.facts(
    space,
    networks.map(({ arch }) => arch),
  );
  for (const [i, one] of networks.entries()) {
    expect(one.file).toBe(`${space}-${one.arch}.onnx`);
    const bytes = files[one.file]!;
    expect(bytes.length).toBe(one.bytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(one.sha256);
    const model = await engine.openModel(bytes);
    expect(model.info).toMatchObject({ format: 'ONNX', macs: one.macs, params: one.params });
    expect(model.info.inputs).toMatchObject([one.input]);
    expect(model.info.outputs).toMatchObject([one.output]);
    expect([one.macs, one.params]).toEqual([facts[i]!.macs, facts[i]!.params]);
    model.dispose();
  }
}

describe('a kit', () => {
  test('holds the chosen networks, what they are, and every script as it is here', async () => {
    const made = kit('--samples', '5');
    const { manifest, files, said } = made;
    expect(manifest).toMatchObject({ format: 'latencast-kit', version: 1, space: 'nb201', sampler: 'informative', protocol: kProtocol });
    const base = await engine.load(new Uint8Array(readFileSync(join(kRoot, 'weights/nb201.latencast'))));
    expect(manifest.networks.map(({ arch }) => arch)).toEqual((await base.next({ count: 5 })).architectures);
    expect(said.architectures).toEqual(manifest.networks.map(({ arch }) => arch));
    expect(said.bytes).toBe(made.bytes.length);
    await checkNetworks(made);

    const scripts = readdirSync(kScripts).filter((name) => /\.(py|sh)$/.test(name));
    expect(Object.keys(files).sort()).toEqual(
      [...manifest.networks.map(({ file }) => file), 'manifest.json', 'README.txt', ...scripts].sort(),
    );
    for (const name of scripts) expect(strFromU8(files[name]!)).toBe(readFileSync(join(kScripts, name), 'utf8'));
    const readme = strFromU8(files['README.txt']!);
    for (const { title, needs, start } of kRuntimes) for (const part of [title, needs, start]) expect(readme).toContain(part);
    expect(readme.match(/UNTESTED/g)).toHaveLength(2);
    // Weights repeat, so that kits of large networks are small.
    expect(made.bytes.length).toBeLessThan(0.4 * manifest.networks.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test('is the same for the same question', () => {
    const ask = ['--space', 'nb201', '--samples', '2', '--sampler', 'random', '--seed', '3', '--runtime', 'ncnn'];
    const first = kit(...ask);
    expect(kit(...ask).bytes).toEqual(first.bytes);
    expect(kit(...ask.map((word) => (word === '3' ? '4' : word))).said.architectures).not.toEqual(first.said.architectures);
  });

  test('of given architectures and some runtimes holds no more than these', async () => {
    const made = kit('--runtime', 'tensorrt,litert', '--pixels', '16', '--classes', '120', '421211', '421211', '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|');
    expect(made.manifest.networks).toMatchObject([
      { arch: '421211', input: { shape: [1, 3, 16, 16] }, output: { shape: [1, 120] } },
      { arch: '300000', input: { shape: [1, 3, 16, 16] }, output: { shape: [1, 120] } },
    ]);
    expect(made.manifest).not.toHaveProperty('sampler');
    expect(Object.keys(made.files).filter((name) => !name.endsWith('.onnx')).sort()).toEqual(
      ['README.txt', 'manifest.json', 'onnx_graph.py', 'protocol.py', 'run_litert.py', 'run_tensorrt.sh', 'to_tflite.py'].sort(),
    );
    expect(strFromU8(made.files['README.txt']!)).not.toContain('OpenVINO');
  });

  test('of a large space is small', async () => {
    const made = kit('--space', 'fbnet', '--samples', '2', '--runtime', 'onnxruntime');
    await checkNetworks(made);
    expect(made.bytes.length / made.manifest.networks.length).toBeLessThan(1e6);
  });
});

describe('the scripts', () => {
  test('are Python 3.8, and shell', () => {
    const check = 'import ast, sys\nfor path in sys.argv[1:]: ast.parse(open(path, encoding="utf-8").read(), path, feature_version=(3, 8))';
    const files = (ending: string): string[] => readdirSync(kScripts).flatMap((name) => (name.endsWith(ending) ? join(kScripts, name) : []));
    expect(files('.py').length).toBeGreaterThan(5);
    const checked = python('-c', check, ...files('.py'));
    expect(checked.err).toBe('');
    expect(checked.status).toBe(0);
    for (const script of files('.sh')) {
      const shell = spawnSync('sh', ['-n', script], { encoding: 'utf8' });
      expect([shell.status, shell.stderr]).toEqual([0, '']);
    }
  });

  test('measure as the protocol says', () => {
    const run = python('tests/web/protocol_test.py');
    expect(run, run.err).toMatchObject({ status: 0 });
    expect(run.err).toMatch(/Ran \d\d tests/);
  });

  test('make of rounds what the page makes of them', () => {
    const code = [
      'import json, sys',
      `sys.path.insert(0, ${JSON.stringify(kScripts)})`,
      'import protocol',
      'def plain(values): return [None if value != value else value for value in values]',
      'answers = []',
      'asked = json.load(sys.stdin)',
      'for rounds in asked["cases"]:',
      '    summary = protocol.Summary([[float("nan") if ms is None else ms for ms in one] for one in rounds], asked["protocol"])',
      '    answers.append([plain(summary.latency_ms), plain(summary.error), summary.drift, summary.counts])',
      'orders = [protocol.visit_order(count, number) for count, number in asked["orders"]]',
      'plans = [protocol.visit_plan(run, tick, asked["protocol"]) for run, tick in asked["plans"]]',
      'print(json.dumps([answers, orders, plans]))',
    ].join('\n');
    const positive = fc.double({ min: 0.01, max: 100, noNaN: true });
    const shape = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }));
    const rounds = shape.chain(([networks, count]) =>
      fc.array(fc.array(fc.oneof({ weight: 9, arbitrary: positive }, fc.constant(null)), { minLength: networks, maxLength: networks }), {
        minLength: count,
        maxLength: count,
      }),
    );
    const cases = fc.sample(rounds, { numRuns: 50, seed: 1 });
    const orders = fc.sample(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.nat(40)), { numRuns: 30, seed: 1 });
    const plans = fc.sample(fc.tuple(positive, fc.constantFrom(1e-6, 0.005, 0.1)), { numRuns: 30, seed: 1 });
    const run = spawnSync('python3', ['-c', code], { input: JSON.stringify({ cases, orders, plans, protocol: kProtocol }), encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const [answers, foundOrders, foundPlans] = JSON.parse(run.stdout) as [unknown[][][], number[][], number[][]];
    const near = (values: readonly number[]) => values.map((value) => (Number.isNaN(value) ? null : expect.closeTo(value, 9)));
    for (const [i, one] of cases.entries()) {
      const { latency_ms, error, drift, counts } = summarise(one.map((round) => round.map((ms) => ms ?? Number.NaN)));
      expect(answers[i], JSON.stringify(one)).toEqual([near(latency_ms), near(error), near(drift), counts]);
    }
    expect(foundOrders).toEqual(orders.map(([count, round]) => visitOrder(count, round)));
    expect(foundPlans).toEqual(plans.map(([ms, tick]) => Object.values(visitPlan(ms, tick))));
  });
});

describe('the command line', () => {
  test.each<[string, string[], RegExp]>([
    ['no command', [], /no command found; expected kit, transfer, predict, search, table, evaluate, kernels/],
    ['an unknown command', ['measure'], /the command "measure" found/],
    ['an unknown option', ['kit', '--sample', '3'], /kit: found the option --sample; did you mean --samples/],
    ['an option that is missing', ['kit'], /kit: --out is missing; it is zip to write/],
    ['an unknown space', ['kit', '--space', 'darts', '--out', 'x.zip'], /--space: "darts" found; expected one of nb201, fbnet, ofa/],
    ['a number that is none', ['kit', '--samples', 'many', '--out', 'x.zip'], /--samples: "many" found; expected a whole number of at least 1/],
    ['a number that is too small', ['kit', '--samples', '0', '--out', 'x.zip'], /--samples: "0" found/],
    ['an unknown runtime', ['kit', '--runtime', 'onnxruntime,tvm', '--out', 'x.zip'], /--runtime: "tvm" found; expected one of onnxruntime/],
    ['a seed of what draws nothing', ['kit', '--seed', '1', '--out', 'x.zip'], /--seed: nothing is drawn/],
    ['words that belong nowhere', ['transfer', '--out', 'x', 'more'], /transfer: /],
    ['neither weights nor space', ['transfer', '--out', 'x'], /transfer: --space or --weights is missing/],
    ['no limit', ['search', '--space', 'nb201'], /search: --limit is missing/],
    ['a shape that is none', ['kernels', '--model', 'tests/golden/raspi4-20.csv', '--input', 'x=3by4'], /--input: "x=3by4" found; expected NAME=1x3x224x224/],
  ])('ends with 2 for %s', (_, args, message) => {
    const run = latencast(...args);
    expect([run.status, run.out]).toEqual([2, '']);
    expect(run.err).toMatch(/^latencast: /);
    expect(run.err).toMatch(message);
  });

  test.each<[string, string[], RegExp]>([
    ['a file that is not there', ['predict', '--weights', 'nowhere'], /nowhere\.latencast: ENOENT/],
    ['a file that is no predictor', ['predict', '--weights', 'package.json.latencast'], /package\.json\.latencast: /],
    ['a folder that cannot be written', ['kit', '--samples', '1', '--runtime', 'ncnn', '--out', '/nowhere/x.zip'], /\/nowhere\/x\.zip: ENOENT/],
    ['an architecture of another space', ['kit', '--out', join(tmpdir(), 'x.zip'), '42121'.repeat(3)], /kit: architecture 1: /],
    ['a model that is none', ['kernels', '--model', 'tests/golden/raspi4-20.csv'], /latencast: /],
  ])('ends with 1 for %s', (_, args, message) => {
    const run = latencast(...args);
    expect([run.status, run.out]).toEqual([1, '']);
    expect(run.err).toMatch(message);
    expect(run.err).not.toMatch(/^\s+at /m);
  });

  test('helps', () => {
    expect(latencast('--help')).toMatchObject({ status: 0, err: '' });
    for (const command of ['kit', 'transfer', 'predict', 'search', 'kernels']) {
      const { status, out } = latencast(command, '--help');
      expect(status).toBe(0);
      expect(out).toContain(`Usage: latencast ${command} [options]`);
      expect(latencast('--help').out).toContain(`  ${command}`);
    }
  });
});
