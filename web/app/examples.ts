/** The files beside the page: tables of the spaces, built-in examples and accuracies. */

import type { Accuracy, Measurement, Method, SpaceId } from '../api/index.js';
import { readMeasurements, writeMeasurements } from '../api/measurements.js';
import { withUnit } from './format.js';
import { readSpaceTable, rowOf, type SpaceTable } from './spaces/table.js';
import {
  nameOf,
  spaceOf,
  type Accuracies,
  type Check,
  type DeviceId,
  type Example,
  type LeaveOneOutResult,
  type Mark,
  type Result,
} from './state.js';

/** `examples/<space>/<device>.json`, as `make-examples.mjs` writes it. */
interface ExampleFile {
  readonly origin: string;
  /** Whether `<device>.truth.bin` holds the measured latency of the whole space. */
  readonly truth: boolean;
  readonly measurements: readonly Measurement[];
  readonly method: Method;
  readonly nearest?: NonNullable<Result['nearest']>;
  readonly review?: NonNullable<Result['review']>;
  readonly leave_one_out: LeaveOneOutResult;
  readonly accuracy: Accuracy & { readonly count: number };
}

/** `weights/index.json`: the predictor and the encoders of each space. */
export type WeightsIndex = Readonly<Partial<Record<SpaceId, { readonly file?: string; readonly encoder?: string }>>> & {
  /** What is known of platforms from whole models. */
  readonly fleet?: { readonly file: string };
};

export async function loadWeightsIndex(): Promise<WeightsIndex> {
  return (await (await get('weights/index.json')).json()) as WeightsIndex;
}

export async function loadTable(space: SpaceId): Promise<SpaceTable> {
  return readSpaceTable(space, await (await get(`examples/${space}/space.bin`)).arrayBuffer());
}

/** Fetches beside the table, not after it. */
export async function loadExample(id: DeviceId, space: Promise<SpaceTable>): Promise<Example> {
  const folder = `examples/${spaceOf(id)}`;
  const name = nameOf(id);
  const [table, file, latency_ms, reach] = await Promise.all([
    space,
    get(`${folder}/${name}.json`).then((response) => response.json() as Promise<ExampleFile>),
    getLatencies(`${folder}/${name}.estimates.bin`, space),
    getReach(`${folder}/${name}.bounds.bin`, space),
  ]);
  const truth = file.truth ? { truth_ms: await getLatencies(`${folder}/${name}.truth.bin`, space) } : {};
  const readings = file.measurements.map((each) => ({ ...each, index: rowOf(table, each.architecture) }));
  const text = writeMeasurements(readings);
  const marks = readings.map((r, i): Mark => ({
    line: i + 1,
    kind: 'good',
    reading: withUnit(r.latency_ms, 'ms'),
    index: r.index,
    fixes: [],
  }));
  const lines = readMeasurements(text).lines.map((line, i) => ({ ...line, ...file.measurements[i] }));
  const check: Check = { text, unit: 'auto', marks, readings, quantity: 'latency', lines, notes: [] };
  const { method, nearest, review, leave_one_out: leaveOneOut, accuracy, origin } = file;
  return {
    text,
    check,
    origin,
    ...truth,
    result: {
      source: 'precomputed',
      method,
      quantity: 'latency',
      latency_ms,
      // The intervals are as wide to both sides, by their logarithms.
      low: latency_ms.map((ms, i) => ms * Math.exp(-(reach[i] ?? Number.NaN))),
      high: latency_ms.map((ms, i) => ms * Math.exp(reach[i] ?? Number.NaN)),
      readings,
      trusted: [],
      ...(nearest ? { nearest } : {}),
      ...(review ? { review } : {}),
      leaveOneOut,
      accuracy,
    },
  };
}

/** `nb201.accuracy.bin`: hundredths of a percent (u16, little endian), one data set after the other, official order. */
export async function loadAccuracies(space: Promise<SpaceTable>): Promise<Accuracies> {
  const name = 'weights/nb201.accuracy.bin';
  const [bytes, table] = await Promise.all([get(name).then((response) => response.arrayBuffer()), space]);
  const rows = table.shipped;
  if (bytes.byteLength !== 6 * rows) throw new Error(`${name} has ${bytes.byteLength} bytes, expected ${6 * rows}`);
  const set = (which: number): Float64Array =>
    Float64Array.from(new Uint16Array(bytes, 2 * which * rows, rows), (hundredths) => hundredths / 100);
  return { cifar10: set(0), cifar100: set(1), imagenet16: set(2) };
}

async function get(name: string): Promise<Response> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status} ${response.statusText}`);
  return response;
}

/** One float32 per row, little endian. */
async function getLatencies(name: string, space: Promise<SpaceTable>): Promise<Float64Array> {
  return Float64Array.from(new Float32Array(await getRows(name, space, Float32Array.BYTES_PER_ELEMENT)));
}

/** Ten-thousandths, one uint16 per row, little endian. */
async function getReach(name: string, space: Promise<SpaceTable>): Promise<Float64Array> {
  return Float64Array.from(new Uint16Array(await getRows(name, space, Uint16Array.BYTES_PER_ELEMENT)), (value) => value / 1e4);
}

async function getRows(name: string, space: Promise<SpaceTable>, each: number): Promise<ArrayBuffer> {
  const [bytes, { shipped }] = await Promise.all([get(name).then((response) => response.arrayBuffer()), space]);
  if (bytes.byteLength !== shipped * each) throw new Error(`${name} has ${bytes.byteLength} bytes, expected ${shipped * each}`);
  return bytes;
}
