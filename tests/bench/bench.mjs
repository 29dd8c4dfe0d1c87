// npm run bench: speed and size, as JSON and as a Markdown table. Times are medians; compare ratios, not machines.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serve } from '../../.ci/serve.mjs';
import { setup } from '../../.ci/setup.mjs';
import { buildModule, buildPage, cmakeBuild, root, runTool, script } from '../../.ci/steps.mjs';
import { withWeights } from './big-model.mjs';

const kRepetitions = 5;
const kSpaces = ['nb201', 'fbnet'];
/** Seconds of the reference program, PyTorch 1.13 with OpenBLAS, native, one thread of another machine (a 2-core Xeon). */
const kReference = {
  nb201: { predict: [2.7, 3.6], transfer: [4.5, 4.5] },
  fbnet: { predict: [4.9, 6.2], transfer: [12.4, 12.4] },
};

const weights = (space) => join(root, 'weights', `${space}.latencast`);

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
    .filter((name) => /\.(html|css|js)$/.test(name) && !/uPlot|networks-/i.test(name))
    .map((name) => gzipSize(join(app, name)));
  const served = (pattern) =>
    sum(readdirSync(join(app, 'assets')).flatMap((name) => (pattern.test(name) ? [gzipSize(join(app, 'assets', name))] : [])));
  const built = (name) => gzipSize(join(module, `${name}.wasm`)) + gzipSize(join(module, `${name}.mjs`));
  return {
    module_served_gzip: served(/^(latencast-(?!models|tables|rest).*\.wasm|module-.*\.js)$/),
    module_gzip: built('latencast'),
    rest_gzip: gzipSize(join(module, 'latencast-rest.wasm')),
    models_module_gzip: built('latencast-models'),
    tables_module_gzip: built('latencast-tables'),
    networks_gzip: served(/^networks-.*\.js$/),
    fleet_gzip: gzipSize(join(root, 'weights', 'ncnn.fleet.latencast')),
    weights_gzip: Object.fromEntries(kSpaces.map((space) => [space, gzipSize(weights(space))])),
    page_without_charts_gzip: sum(page),
  };
}

function nativeTimes() {
  const program = join(root, 'build', 'latencast');
  return kSpaces.map((space) => {
    const printed = execFileSync(program, ['bench', '--weights', weights(space), '--repetitions', String(kRepetitions), '--json']);
    return JSON.parse(printed.toString('utf8'));
  });
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
    const times = await page.evaluate(([spaces, repetitions]) => globalThis.measure(spaces, repetitions), [kSpaces, kRepetitions]);
    return { version: browser.version(), ...times, model: await modelTimes(page) };
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** ResNet-50 as PyTorch exports it, with weights: 102 MB. */
async function modelTimes(page) {
  const folder = mkdtempSync(join(tmpdir(), 'latencast-'));
  try {
    const { parts } = withWeights(readFileSync(join(root, 'tests', 'golden', 'models', 'resnet50.onnx')));
    const path = join(folder, 'resnet50.onnx');
    writeFileSync(path, Buffer.concat(parts));
    await page.setInputFiles('#model', path);
    return await page.evaluate((repetitions) => globalThis.measureModel(repetitions), kRepetitions);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const significant = (value) => Number(value.toPrecision(3));
const kilobytes = (bytes) => `${significant(bytes / 1000)} kB`;

/** How many times as fast as the reference, which took between two times. */
function ratio([fast, slow], seconds) {
  return fast === slow ? significant(fast / seconds) : `${significant(fast / seconds)} to ${significant(slow / seconds)}`;
}

function table(header, rows) {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Each piece of work in Chromium and natively: time, what the products carried out, and their share of the best product's rate. */
function speed({ chromium, native }) {
  return native.flatMap((own) => {
    const times = chromium.predictors[own.space];
    const count = own.architectures.toLocaleString('en');
    const work = [
      [`${own.space}: ${count} architectures`, 'predict', own.peak_gflops, chromium.gemm_gflops],
      // A transfer computes in double precision, of which a vector holds half as many.
      [`${own.space}: fine-tuning on 20 measurements`, 'transfer', own.peak_gflops_double, chromium.gemm_gflops / 2],
    ];
    return work.map(([title, kind, nativePeak, chromiumPeak]) => {
      const gflop = own[`${kind}_gflop`];
      const inChromium = median(times[`${kind}_seconds`]);
      const share = (seconds, peak) => `${significant((100 * gflop) / seconds / peak)} %`;
      return [
        title,
        `${significant(gflop)} GFLOP`,
        `${significant(inChromium)} s`,
        share(inChromium, chromiumPeak),
        ratio(kReference[own.space][kind], inChromium),
        `${significant(own[`${kind}_seconds`])} s`,
        share(own[`${kind}_seconds`], nativePeak),
      ];
    });
  });
}

function markdown(result) {
  const { date, machine, chromium, native, size } = result;
  const header = ['', 'carried out', 'Chromium, one worker', 'share of peak', 'times the reference', 'native, one thread', 'share of peak'];
  const rows = [
    ['engine ready, Chromium', `${significant(chromium.engine_seconds)} s`],
    ...kSpaces.map((space) => [`${space}: weights fetched and checked, Chromium`, `${significant(chromium.predictors[space].load_seconds)} s`]),
    ...kSpaces.flatMap((space) => [
      [
        `${space}: transfer from 20 in closed form and all intervals, Chromium`,
        `${significant(median(chromium.predictors[space].closed_form_seconds))} s`,
      ],
      [
        `${space}: one more measurement, Chromium`,
        `${significant(median(chromium.predictors[space].added_seconds))} s`,
      ],
    ]),
    [
      `ResNet-50 as ONNX, ${kilobytes(chromium.model.bytes)}: module fetched, opened, estimated on a platform, Chromium`,
      `${significant(chromium.model.first_seconds)} s`,
    ],
    ['the same again', `${significant(median(chromium.model.again_seconds))} s`],
    ['the page could do nothing else meanwhile for at most', `${significant(chromium.model.longest_pause_ms)} ms`],
    [`the same model on all ${chromium.model.platforms} platforms`, `${significant(chromium.model.everywhere_seconds)} s`],
    ['matrix product at its best, Chromium (peak)', `${significant(chromium.gemm_gflops)} GFLOP/s`],
    ['the same, native', `${significant(native[0].peak_gflops)} GFLOP/s`],
    ...native.map((own) => [
      `${own.space}: predictions one architecture at a time`,
      `${significant(own.predict_alone_gflop)} GFLOP, ${significant(own.predict_alone_gflop / own.predict_gflop)} times as many`,
    ]),
    ['module and glue, gzip', kilobytes(size.module_gzip)],
    ['the same as the page serves them, glue and its loader minified', kilobytes(size.module_served_gzip)],
    ['the rest of it: network, encoders, samplers, search, gzip', kilobytes(size.rest_gzip)],
    ['module of models and glue, gzip', kilobytes(size.models_module_gzip)],
    ['module of tables and glue, gzip', kilobytes(size.tables_module_gzip)],
    ['networks known by name, gzip', kilobytes(size.networks_gzip)],
    ['platforms, gzip', kilobytes(size.fleet_gzip)],
    ...kSpaces.map((space) => [`${space}: weights, gzip`, kilobytes(size.weights_gzip[space])]),
    ['page without charts, gzip', kilobytes(size.page_without_charts_gzip)],
  ];
  const title = `${date}, ${machine}, Chromium ${chromium.version}`;
  return `${title}\n\n${table(header, speed(result))}\n\n${table(['', ''], rows)}`;
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
  };
  console.log(JSON.stringify(result, null, 2));
  console.log(`\n${markdown(result)}`);
});
