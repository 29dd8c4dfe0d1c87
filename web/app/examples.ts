/** The files beside the page: tables of the spaces, built-in examples and accuracies. */

import type { Accuracy, Measurement, Method, SpaceId } from '../api/index.js';
import { readMeasurements, writeMeasurements } from '../api/measurements.js';
import { withUnit } from './format.js';
import firstFile from './public/examples/nb201/raspi4.json';
import { readSpaceTable, rowOf, type SpaceTable } from './spaces/table.js';
import {
  kExamples,
  nameOf,
  spaceOf,
  type Accuracies,
  type Check,
  type DeviceId,
  type Example,
  type LeaveOneOutResult,
  type Mark,
  type Notebook,
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

/** A built-in example on its way; what is on screen first comes first. */
export interface ExampleToCome {
  readonly notebook: Promise<Notebook>;
  readonly example: Promise<Example>;
  /** Asked for once the example is here; undefined where not the whole space was measured. */
  readonly truth_ms: Promise<Float64Array | undefined>;
}

/** Fetches beside the table, not after it. */
export function loadExample(id: DeviceId, space: Promise<SpaceTable>): ExampleToCome {
  const path = `examples/${spaceOf(id)}/${nameOf(id)}`;
  // What most visitors see first does not wait for another file.
  const file = id === kExamples[0]?.id ? Promise.resolve(firstFile as ExampleFile) : get(`${path}.json`).then((response) => response.json() as Promise<ExampleFile>);
  const example = Promise.all([space, file, getLatencies(`${path}.estimates.bin`, space), getReach(`${path}.bounds.bin`, space)]).then(
    (parts) => exampleOf(...parts),
  );
  return {
    notebook: file.then((found) => ({ text: writeMeasurements(found.measurements), origin: found.origin, quality: qualityOf(found) })),
    example,
    truth_ms: Promise.all([file, example]).then(([{ truth }]) => (truth ? getLatencies(`${path}.truth.bin`, space) : undefined)),
  };
}

function qualityOf({ measurements, review, leave_one_out: leaveOneOut }: ExampleFile): Notebook['quality'] {
  return { quantity: 'latency', readings: measurements, leaveOneOut, ...(review ? { review } : {}) };
}

/** `reach`: how far the interval goes to both sides of each estimate, by its logarithm. */
function exampleOf(table: SpaceTable, file: ExampleFile, latency_ms: Float64Array, reach: Float64Array): Example {
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
  const low = new Float64Array(latency_ms.length);
  const high = new Float64Array(latency_ms.length);
  latency_ms.forEach((ms, i) => {
    const factor = Math.exp(reach[i]!);
    low[i] = ms / factor;
    high[i] = ms * factor;
  });
  const { method, nearest, accuracy } = file;
  return {
    check,
    result: {
      ...qualityOf(file),
      source: 'precomputed',
      method,
      latency_ms,
      low,
      high,
      readings,
      trusted: [],
      ...(nearest ? { nearest } : {}),
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
  const set = (which: number): Float64Array => divided(new Uint16Array(bytes, 2 * which * rows, rows), 100);
  return { cifar10: set(0), cifar100: set(1), imagenet16: set(2) };
}

async function get(name: string): Promise<Response> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok) throw new Error(`${name}: the server answered ${response.status} ${response.statusText}`);
  return response;
}

/** One float32 per row, little endian. */
async function getLatencies(name: string, space: Promise<SpaceTable>): Promise<Float64Array> {
  return new Float64Array(new Float32Array(await getRows(name, space, Float32Array.BYTES_PER_ELEMENT)));
}

/** Ten-thousandths, one uint16 per row, little endian. */
async function getReach(name: string, space: Promise<SpaceTable>): Promise<Float64Array> {
  return divided(new Uint16Array(await getRows(name, space, Uint16Array.BYTES_PER_ELEMENT)), 1e4);
}

function divided(values: Uint16Array, by: number): Float64Array {
  return new Float64Array(values).map((value) => value / by);
}

async function getRows(name: string, space: Promise<SpaceTable>, each: number): Promise<ArrayBuffer> {
  const [bytes, { shipped }] = await Promise.all([get(name).then((response) => response.arrayBuffer()), space]);
  if (bytes.byteLength !== shipped * each) throw new Error(`${name} has ${bytes.byteLength} bytes, expected ${shipped * each}`);
  return bytes;
}
