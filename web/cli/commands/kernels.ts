import { dirname, resolve } from 'node:path';

import {
  LatencastError,
  type AdaptOptions,
  type Decomposition,
  type Engine,
  type Fleet,
  type KernelEstimate,
  type KernelTiming,
  type Model,
  type ModelInfo,
  type ModelMeasurement,
  type Platform,
  type Timed,
} from '../../api/index.js';
import { columnsOf, kCommon, known, print, printJson, progress, readBytes, readColumns, readFleet, readPool, readPoolPlatform, readTable, say, withEngine } from '../files.js';
import { command, UsageError } from '../options.js';

/** The family of runtimes that fuse nothing. */
const kUnfused = 'none';
/** In place of the names of all platforms. */
const kAll = 'all';

export const kernels = command({
  name: 'kernels',
  summary: 'a model as a runtime executes it, kernel by kernel, and what it takes on known platforms or on your own',
  options: {
    model: { type: 'text', required: true, help: 'ONNX, ncnn .param or JSON graph; -: standard input' },
    runtime: { type: 'text', help: 'whose fusions apply: none (if left out), onnxruntime, tflite, ncnn, openvino or tensorrt' },
    platform: { type: 'texts', commas: true, help: 'known platforms, or all: of one milliseconds by kernel, as its runtime fuses; of several a table' },
    timings: { type: 'text', help: 'CSV with the columns kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms, or a file of the profiler (weights/profiler): adds milliseconds on the platform whose kernels were timed; -: standard input' },
    inside: { type: 'flag', help: 'with --timings: the kernels were timed inside networks (weights/profiler), not each alone; best without --runtime' },
    measurements: {
      type: 'text',
      help: 'CSV with the columns model (a path as seen from the CSV) and latency_ms: adds milliseconds on the platform measured; with --timings they say how kernels add up there; -: standard input',
    },
    processor: { type: 'text', help: 'with --measurements alone: what the models ran on, gpu or an instruction set (arm64, x86, ...); nearer estimates' },
    threads: { type: 'number', whole: true, least: 1, help: 'with --measurements alone: on how many threads; nearer estimates' },
    batch: { type: 'number', whole: true, least: 1, fallback: 1, help: 'for a first dimension that the file leaves open' },
    input: { type: 'texts', help: 'shape of an input, NAME=1x3x224x224' },
    json: kCommon.json,
  },
  run: ({ model: path, runtime, platform, timings, inside, measurements, processor, threads, batch, input, json }) =>
    withEngine(async (engine) => {
      if (platform.length > 0 && (runtime ?? measurements ?? timings) !== undefined) {
        throw new UsageError('--platform: it has a runtime and measurements of its own; expected none of --runtime, --measurements and --timings with it');
      }
      if (inside && timings === undefined) {
        throw new UsageError('--inside: found no --timings; expected the kernels that were timed inside networks');
      }
      if (timings === '-' && measurements === '-') {
        throw new UsageError('--timings, --measurements: found - for both; expected the standard input for one of them');
      }
      if ((processor ?? threads) !== undefined && (measurements === undefined || timings !== undefined)) {
        const found = measurements === undefined ? 'no --measurements' : '--timings as well';
        throw new UsageError(`--processor, --threads: found ${found}; expected them with whole models that were measured, and no kernels`);
      }
      const family = runtime === undefined ? undefined : known('--runtime:', runtime, (await engine.runtimeFamilies()).map(({ id }) => id));
      const model = await engine.openModel(readBytes(path), { batch, inputs: Object.fromEntries(input.map(shapeOf)) });
      let on: Estimator | undefined;
      if (timings !== undefined) {
        on = await adaptedByKernels(engine, timings, { measurements, family, timed: inside ? 'inside' : 'alone' });
      } else if (measurements !== undefined) {
        on = await adapted(engine, await readFleet(engine), measurements, { family, processor, threads });
      } else if (platform.length > 0) {
        const [fleet, pool] = [await readFleet(engine), await readPool(engine)];
        const ids = [...fleet.platforms, ...pool.platforms].map(({ id }) => id);
        const asked = platform.includes(kAll) ? ids : platform.map((id) => known('--platform:', id, ids));
        if (asked.length > 1) return compare(engine, fleet, model, asked, json);
        on = await platformOf(engine, fleet, asked[0]!);
      }
      const found = await model.decompose(on?.family ?? family ?? kUnfused);
      const estimate = await on?.estimate(model);
      if (json) printJson({ ...model.info, ...found, ...(estimate && { estimate: { ...estimate, kernel_ms: [...estimate.kernel_ms] } }) });
      else print(table(model.info, found, estimate));
    }),
});

/** NAME=1x3x224x224 */
function shapeOf(text: string): [string, number[]] {
  const match = /^(.+)=(\d+(?:x\d+)*)$/.exec(text);
  if (!match?.[1] || !match[2]) throw new UsageError(`--input: ${JSON.stringify(text)} found; expected NAME=1x3x224x224`);
  return [match[1], match[2].split('x').map(Number)];
}

/** Whatever says how long a model takes, kernel by kernel. */
interface Estimator {
  readonly family: string;
  estimate(model: Model): Promise<KernelEstimate>;
  dispose(): void;
}

/** Of the fleet, which was asked for whole models, or of the pool, which was asked for kernels. */
async function platformOf(engine: Engine, fleet: Fleet, id: string): Promise<Estimator> {
  return fleet.platforms.some((one) => one.id === id) ? fleet.platform(id) : readPoolPlatform(engine, id);
}

/** Prints a row for each platform, fastest first. */
async function compare(engine: Engine, fleet: Fleet, model: Model, platforms: readonly string[], json: boolean): Promise<void> {
  const working = progress('compare');
  const rows: { platform: string; latency_ms: number; low_ms: number; high_ms: number }[] = [];
  try {
    for (const platform of platforms) {
      const on = await platformOf(engine, fleet, platform);
      const { latency_ms, low_ms, high_ms } = await on.estimate(model);
      on.dispose();
      rows.push({ platform, latency_ms, low_ms, high_ms });
      working.at(rows.length / platforms.length);
    }
  } finally {
    working.end();
  }
  rows.sort((a, b) => a.latency_ms - b.latency_ms);
  if (json) return printJson(rows);
  const lines = rows.map((row) => [row.platform, ...[row.latency_ms, row.low_ms, row.high_ms].map((ms) => Number(ms.toPrecision(6)))].join(','));
  print(`platform,latency_ms,low_ms,high_ms\n${lines.join('\n')}\n`);
}

/** Whole models that were measured, by a table of files and milliseconds, and the place of each in it. */
async function measuredModels(engine: Engine, path: string): Promise<readonly { readonly place: string; readonly measurement: ModelMeasurement }[]> {
  const folder = path === '-' ? '.' : dirname(path);
  const measured: { place: string; measurement: ModelMeasurement }[] = [];
  for (const { place, model, latency_ms } of readColumns(path, ['model', 'latency_ms'] as const)) {
    if (latency_ms === '') continue;
    const value = Number(latency_ms);
    if (!(value > 0 && value < Infinity)) throw new LatencastError('measurement', `${place}: the latency is ${JSON.stringify(latency_ms)}; expected a positive number of milliseconds`);
    try {
      measured.push({ place, measurement: { model: await engine.openModel(readBytes(resolve(folder, model))), latency_ms: value } });
    } catch (caught) {
      if (caught instanceof LatencastError) throw new LatencastError(caught.code, `${place}: ${caught.message}`, { cause: caught });
      throw caught;
    }
  }
  return measured;
}

/** The platform that models of a table were measured on; what it says of itself is told on the standard error. */
async function adapted(engine: Engine, fleet: Fleet, path: string, told: { readonly [K in keyof AdaptOptions]: AdaptOptions[K] | undefined }): Promise<Platform> {
  const measured = await measuredModels(engine, path);
  const models = measured.map(({ measurement }) => measurement);
  const platform = await fleet.adapt(models, Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)));
  const { likenesses, set_aside, expected_error } = await platform.review();
  say(`from ${measured.length} models: median error ${(100 * expected_error).toFixed(1)} % to expect; most like ${likenesses.map((one) => one.platform).slice(0, 3).join(', ')}`);
  for (const [i, aside] of set_aside.entries()) if (aside) say(`${measured[i]!.place}: far longer than all others let expect (set aside)`);
  return platform;
}

const kColumns = ['kernel', 'n', 'h', 'w', 'cin', 'cout', 'kh', 'kw', 'stride', 'groups'] as const;
/** By their keys, as the profiler writes them. */
const kKey = 'arch';

/** Rows of kernels with a latency, as text: the kernel in columns of its own or, as the profiler writes it, in one. */
function readTimings(path: string): { readonly place: string; readonly kernel: string; readonly latency_ms: string }[] {
  const table = readTable(path);
  const rows = table.columns.includes(kKey)
    ? columnsOf(table, [kKey, 'latency_ms'] as const).map(({ [kKey]: kernel, ...row }) => ({ ...row, kernel }))
    : columnsOf(table, [...kColumns, 'latency_ms'] as const).map(({ place, latency_ms, ...row }) => ({ place, latency_ms, kernel: kColumns.map((column) => row[column]).join(',') }));
  return rows.filter(({ latency_ms }) => latency_ms !== '');
}

/** The platform that kernels of a table were timed on, and whole models of another if there is one, with what it is most like on the standard error. */
async function adaptedByKernels(
  engine: Engine,
  path: string,
  { measurements, family, timed }: { readonly measurements: string | undefined; readonly family: string | undefined; readonly timed: Timed },
): Promise<Estimator> {
  const rows = readTimings(path);
  const timings = rows.map(({ kernel, latency_ms }): KernelTiming => ({ kernel, latency_ms: Number(latency_ms) }));
  for (const [i, { latency_ms }] of timings.entries()) {
    if (latency_ms > 0 && latency_ms < Infinity) continue;
    const { place, latency_ms: text } = rows[i]!;
    throw new LatencastError('measurement', `${place}: the latency is ${JSON.stringify(text)}; expected a positive number of milliseconds`);
  }
  const pool = await readPool(engine);
  const comparable = new Set(pool.platforms.filter((one) => one.timed === timed).map(({ id }) => id));
  const similar = (await pool.similarities(timings)).filter(({ platform }) => comparable.has(platform)).slice(0, pool.enough);
  const platforms = await Promise.all(similar.map(({ platform }) => readPoolPlatform(engine, platform)));
  const models = measurements === undefined ? [] : (await measuredModels(engine, measurements)).map(({ measurement }) => measurement);
  const adapted = await engine.adaptKernels(platforms, timings, { timed, models, ...(family !== undefined && { family }) });
  const alike = adapted.similar.slice(0, 3).map(({ platform, error }) => `${platform} (median error ${(100 * error).toFixed(0)} %)`);
  say(`from ${timings.length} kernels${models.length > 0 ? ` and ${models.length} models` : ''}: most like ${alike.join(', ')}`);
  for (const place of adapted.set_aside) say(`${rows[place]!.place}: fits nothing (set aside)`);
  return adapted;
}

const kMostOperators = 60;

function table(info: ModelInfo, { runtime, kernels, unknown }: Decomposition, estimate: KernelEstimate | undefined): string {
  const moved = (one: Decomposition['kernels'][number]): number => one.bytes_in + one.bytes_weights + one.bytes_out;
  const row = (left: string, key: string, ...rest: readonly string[]): string =>
    `${left.padStart(4)}  ${key.padEnd(44)}${rest.slice(0, -1).map((text) => text.padStart(11)).join('')}  ${rest.at(-1)}`;
  const times = (text: string): string[] => (estimate ? [text] : []);
  const lines = kernels.map((one, i) => {
    const operators = one.nodes.map(({ op }) => op).join('+');
    const shown = operators.length > kMostOperators ? `${operators.slice(0, kMostOperators)}...` : operators;
    const ms = times(estimate?.kernel_ms[i]?.toPrecision(3) ?? '');
    return row(`${i + 1}`, one.key, (one.macs / 1e3).toFixed(1), `${one.params}`, (moved(one) / 1e3).toFixed(1), ...ms, shown);
  });
  const total = kernels.reduce((sum, one) => sum + moved(one), 0);
  return `${[
    `${info.name === '' ? '' : `${info.name}, `}${info.format}, runtime family ${runtime}`,
    ...info.inputs.map(({ name, shape }) => `input ${name}: ${shape.join('x')}`),
    '',
    row('', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups', 'k MACs', 'params', 'kB moved', ...times('ms'), 'operators'),
    ...lines,
    '',
    ...times(estimate ? `${estimate.latency_ms.toPrecision(3)} ms, 90 % between ${estimate.low_ms.toPrecision(3)} and ${estimate.high_ms.toPrecision(3)}` : ''),
    `${kernels.length} kernels of ${info.operators} operators: ${(info.macs / 1e6).toFixed(3)} M multiply-adds, ${(info.params / 1e6).toFixed(3)} M parameters, ${(total / 1e6).toFixed(3)} MB moved`,
    ...unknown.map(
      ({ op, count, traffic_share, macs_beside_share }) =>
        `unknown: ${op}, ${count} times: ${(100 * traffic_share).toFixed(1)} % of the bytes moved; kernels beside it have ${(100 * macs_beside_share).toFixed(1)} % of the multiply-adds`,
    ),
  ].join('\n')}\n`;
}
