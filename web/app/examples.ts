/** The built-in examples and the space's table, as `make-examples.mjs` wrote them beside the page. */

import type { Accuracy, Measurement } from '../api/index.js';
import { writeMeasurements } from '../api/measurements.js';
import { withUnit } from './format.js';
import { withIndex } from './reading.js';
import { kCells, readSpaceTable, type SpaceTable } from './space.js';
import type { Check, Example, ExampleId, LeaveOneOutResult, Mark } from './state.js';

/** `<device>.json`. */
interface ExampleFile {
  readonly origin: string;
  readonly measurements: readonly Measurement[];
  readonly nearest: { readonly device: string; readonly spearman: number };
  readonly leave_one_out: LeaveOneOutResult;
  readonly accuracy: Accuracy;
}

export async function loadSpace(): Promise<SpaceTable> {
  return readSpaceTable(await (await get('nb201.space.bin')).arrayBuffer());
}

/** Fetches beside the table, not after it. */
export async function loadExample(id: ExampleId, space: Promise<SpaceTable>): Promise<Example> {
  const [table, file, truth_ms, latency_ms] = await Promise.all([
    space,
    get(`${id}.json`).then((response) => response.json() as Promise<ExampleFile>),
    getLatencies(`${id}.truth.bin`),
    getLatencies(`${id}.estimates.bin`),
  ]);
  const readings = file.measurements.map((each) => withIndex(table, each));
  const text = writeMeasurements(readings);
  const marks = readings.map((r, i): Mark => ({
    line: i + 1,
    kind: 'good',
    reading: withUnit(r.latency_ms),
    index: r.index,
    fixes: [],
  }));
  const check: Check = { text, unit: 'auto', marks, readings, notes: [] };
  const { nearest, leave_one_out: leaveOneOut, accuracy, origin } = file;
  return {
    text,
    check,
    origin,
    truth_ms,
    result: { source: 'precomputed', latency_ms, readings, nearest, leaveOneOut, accuracy },
  };
}

async function get(name: string): Promise<Response> {
  const response = await fetch(new URL(`examples/${name}`, document.baseURI));
  if (!response.ok) throw new Error(`examples/${name}: the server answered ${response.status} ${response.statusText}`);
  return response;
}

/** One float32 per architecture, official order, little endian. */
async function getLatencies(name: string): Promise<Float64Array> {
  const bytes = await (await get(name)).arrayBuffer();
  if (bytes.byteLength !== kCells * 4) {
    throw new Error(`examples/${name} has ${bytes.byteLength} bytes, expected ${kCells * 4}`);
  }
  return Float64Array.from(new Float32Array(bytes));
}
