// npm run bench: speed and size, as JSON and as a Markdown table. Times are medians; compare ratios, not machines.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serve } from '../../.ci/serve.mjs';
import { setup } from '../../.ci/setup.mjs';
import { buildModule, buildPage, cmakeBuild, root, runTool, script } from '../../.ci/steps.mjs';

const kRepetitions = 5;
const kArchitectures = 15625;
const kWeights = join(root, 'weights', 'nb201.latencast');

const gzipSize = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
const sum = (values) => values.reduce((total, value) => total + value, 0);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Bytes after gzip of what a visitor fetches. */
function sizes() {
  const module = join(root, 'build-wasm', 'wasm');
  const app = join(root, 'dist', 'app');
  const page = readdirSync(app, { recursive: true })
    .filter((name) => /\.(html|css|js)$/.test(name) && !/uPlot/i.test(name))
    .map((name) => gzipSize(join(app, name)));
  const served = readdirSync(join(app, 'assets')).filter((name) => /^(latencast-.*\.wasm|module-.*\.js)$/.test(name));
  return {
    module_served_gzip: sum(served.map((name) => gzipSize(join(app, 'assets', name)))),
    module_gzip: gzipSize(join(module, 'latencast.wasm')) + gzipSize(join(module, 'latencast.mjs')),
    weights_gzip: gzipSize(kWeights),
    page_without_charts_gzip: sum(page),
  };
}

/**
 * Floating-point operations to score one cell of NAS-Bench-201 if nothing were shared between nodes or cells, from
 * the shapes in the weights file: two for every weight and row it meets. The engine does fewer: it says how many.
 */
function nominalFlops() {
  const bytes = readFileSync(kWeights);
  const header = JSON.parse(bytes.subarray(56, 56 + bytes.readUInt32LE(12)).toString('utf8'));
  const rows = { initial: 8, stage1: 8, stage2: 8, refine: 6, summary: 1, head: 1, score: 1 };
  const products = header.tensors.filter(({ name }) => name.endsWith('.w'));
  return sum(products.map(({ name, shape }) => 2 * rows[name.split('.')[0]] * shape[0] * shape[1]));
}

function nativeTimes() {
  const program = join(root, 'build', 'latencast');
  const printed = execFileSync(program, ['bench', '--weights', kWeights, '--repetitions', String(kRepetitions), '--json']);
  return JSON.parse(printed.toString('utf8'));
}

async function browserTimes() {
  runTool('vite', ['build', '--config', 'tests/bench/vite.config.ts', '--logLevel', 'warn']);
  const { chromium } = await import('playwright-core');
  const server = await serve({ folder: join(root, 'dist', 'bench') });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(server.address);
    await page.waitForFunction(() => 'measure' in globalThis);
    const times = await page.evaluate((repetitions) => globalThis.measure(repetitions), kRepetitions);
    return { version: browser.version(), ...times };
  } finally {
    await browser.close();
    await server.stop();
  }
}

const significant = (value) => Number(value.toPrecision(3));
const kilobytes = (bytes) => `${significant(bytes / 1000)} kB`;

function markdown({ date, machine, chromium, native, size, work }) {
  const predict = median(chromium.predict_all_seconds);
  const achieved = native.predict_all_gflop / predict;
  const rows = [
    ['all 15,625 architectures, Chromium, one worker', `${significant(predict)} s`],
    ['transfer from 20 measurements, Chromium, one worker', `${significant(median(chromium.transfer_seconds))} s`],
    ['engine and weights ready, Chromium', `${significant(chromium.ready_seconds)} s`],
    ['all 15,625 architectures, native, one thread', `${significant(native.predict_all_seconds)} s`],
    ['transfer from 20 measurements, native, one thread', `${significant(native.transfer_seconds)} s`],
    ['matrix product at its best, Chromium (peak)', `${significant(chromium.gemm_gflops)} GFLOP/s`],
    [
      'peak : achieved on all 15,625, counting the products carried out',
      `${significant(chromium.gemm_gflops / achieved)} : 1 (${significant(native.predict_all_gflop)} GFLOP)`,
    ],
    [
      'the same network without shared work',
      `${significant(work.predict_all_gflop)} GFLOP, ${significant(work.predict_all_gflop / native.predict_all_gflop)} times as many`,
    ],
    ['module and glue, gzip', kilobytes(size.module_gzip)],
    ['the same as the page serves them, glue and its loader minified', kilobytes(size.module_served_gzip)],
    ['weights, gzip', kilobytes(size.weights_gzip)],
    ['page without charts, gzip', kilobytes(size.page_without_charts_gzip)],
  ];
  return [
    `| ${date}, ${machine}, Chromium ${chromium.version} | |`,
    '|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');
}

await script(async () => {
  setup('test');
  buildModule();
  cmakeBuild('native', 'latencast');
  buildPage();
  const result = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} threads`,
    size: sizes(),
    native: nativeTimes(),
    chromium: await browserTimes(),
    work: { predict_all_gflop: (nominalFlops() * kArchitectures) / 1e9 },
  };
  console.log(JSON.stringify(result, null, 2));
  console.log(`\n${markdown(result)}`);
});
