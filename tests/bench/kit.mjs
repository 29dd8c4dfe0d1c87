// How well 20 measurements of a kit predict other networks, by the runtimes of this machine:
//   node tests/bench/kit.mjs --runtime onnxruntime,openvino,ncnn,litert,pytorch --measured 20 --truth 60
// Needs `npm run build` and Python 3; the runtimes are installed by pip into a virtual environment in --folder. Prints Markdown and JSON.
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { kPackages, python, run, unpackKit } from '../web/runtimes.mjs';

const kRoot = resolve(import.meta.dirname, '../..');
const kTruthSeed = 1;

const { values: given } = parseArgs({
  options: {
    runtime: { type: 'string', default: 'onnxruntime,openvino,ncnn,litert' },
    space: { type: 'string', default: 'nb201' },
    measured: { type: 'string', default: '20' },
    truth: { type: 'string', default: '60' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '300' },
    folder: { type: 'string', default: join(kRoot, '.cache/kit') },
    fresh: { type: 'boolean', default: false },
  },
});
const runtimes = given.runtime.split(',');
const unknown = runtimes.find((runtime) => !(runtime in kPackages));
if (unknown !== undefined) throw new Error(`--runtime: ${unknown} found; expected ${Object.keys(kPackages).join(', ')}`);

const { createEngine, checkMeasurements, readMeasurements } = await import(join(kRoot, 'dist/api/index.js'));

mkdirSync(given.folder, { recursive: true });
const engine = await createEngine({ kind: 'local' });
const base = await engine.load(new Uint8Array(readFileSync(join(kRoot, `weights/${given.space}.latencast`))));
const measured = (await base.next({ count: Number(given.measured) })).architectures;
const drawn = await engine.random(given.space, Number(given.truth) + measured.length, kTruthSeed);
const truth = [...new Set(drawn)].filter((one) => !measured.includes(one)).slice(0, Number(given.truth));
const kit = unpackKit(kRoot, given.folder, given.space, [...measured, ...truth]);

const results = [];
for (const runtime of runtimes) {
  let program;
  try {
    program = python(given.folder, runtime);
  } catch (error) {
    console.error(`${runtime}: skipped, its packages could not be installed: ${String(error.message).trim().split('\n').at(-1)}`);
    continue;
  }
  const begun = performance.now();
  const out = join(kit, `measurements-${runtime}-${given.threads}.csv`);
  const args = [`run_${runtime}.py`, '--threads', given.threads, '--seconds', given.seconds, '--out', out, ...(given.fresh ? ['--fresh'] : [])];
  run(program, args, { cwd: kit, stdio: ['ignore', 'pipe', 'inherit'] });
  const text = readFileSync(out, 'utf8');
  const { measurements, lines } = await checkMeasurements(engine, given.space, readMeasurements(text));
  if (lines.some(({ status }) => status === 'error')) throw new Error(`${out}: lines that cannot be read`);
  const readings = new Map(measurements.map((one) => [one.architecture, one.latency_ms]));
  const mine = await base.transfer(measured.map((architecture) => ({ architecture, latency_ms: readings.get(architecture) })));
  const { low, latency_ms, high } = await mine.intervals(truth);
  const actual = Float64Array.from(truth, (one) => readings.get(one));
  const { spearman, mdape } = await engine.accuracy(latency_ms, actual);
  const covered = actual.filter((ms, i) => low[i] <= ms && ms <= high[i]).length / actual.length;
  const errors = text.split('\n').flatMap((line) => (/^(#|arch)|^$/.test(line) ? [] : Number(line.split(',')[2]))).sort((a, b) => a - b);
  const { expected_spearman, expected_error, noise } = await mine.review();
  results.push({
    ...{ runtime: /^# runtime: (.*)$/m.exec(text)[1], threads: Number(given.threads), space: given.space },
    ...{ measured: measured.length, truth: truth.length, spearman, mdape, coverage90: covered },
    ...{ expected_spearman, expected_error, noise, reading_error: errors[Math.floor(0.9 * errors.length)] },
    ...{ rounds: Number(/(\d+) rounds/.exec(text)[1]), slowest_ms: Math.max(...actual), fastest_ms: Math.min(...actual) },
    seconds: (performance.now() - begun) / 1000,
  });
}
engine.dispose();

const percent = (share) => `${(100 * share).toFixed(1)} %`;
console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model.trim()}\n`);
console.log('| runtime | Spearman | median error | in the 90 % interval | error of the readings | fastest and slowest, ms | rounds |\n|---|---|---|---|---|---|---|');
for (const one of results) {
  const range = `${one.fastest_ms.toPrecision(3)} to ${one.slowest_ms.toPrecision(3)}`;
  const figures = [one.spearman.toFixed(3), percent(one.mdape), percent(one.coverage90), percent(one.reading_error), range, one.rounds];
  console.log(`| ${one.runtime}, ${one.threads} thread${one.threads === 1 ? '' : 's'} | ${figures.join(' | ')} |`);
}
console.log(`\n${JSON.stringify(results, undefined, 2)}`);
