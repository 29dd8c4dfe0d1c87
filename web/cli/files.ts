/** What commands read and write; `-` is the standard input or output. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import Papa from 'papaparse';

import {
  checkMeasurements,
  createEngine,
  LatencastError,
  readMeasurements,
  type CheckedMeasurements,
  type Encoder,
  type Encoding,
  type Engine,
  type Fleet,
  type KernelPlatform,
  type KernelPool,
  type Measurement,
  type Predictor,
  type Quantity,
  type ReadMeasurements,
  type SpaceId,
  type TransferOptions,
} from '../api/index.js';
import { expectedOneOf, hint } from './nearest.js';
import { UsageError, type Option } from './options.js';

export const kSpaces = ['nb201', 'fbnet', 'ofa'] as const satisfies readonly SpaceId[];

/** Options that several commands have. */
export const kCommon = {
  space: { type: 'text', one_of: kSpaces, help: 'search space: nb201, fbnet or ofa' },
  weights: { type: 'text', help: 'predictor to start from; left out, the shipped one of --space' },
  measurements: { type: 'text', help: 'lines of architecture and latency, in any form the page reads; - or left out: standard input' },
  json: { type: 'flag', help: 'print JSON' },
} as const satisfies Record<string, Option>;

/** By what the closed form learns most of. */
export const kInformative = 'informative';
const kEncodings: readonly Encoding[] = ['arch2vec', 'cate', 'zcp', 'caz'];
/** Ways to choose what to measure. */
export const kSamplers = [
  ...[kInformative, 'random', 'params'],
  ...kEncodings.flatMap((encoding) => ['kmeans', 'cosine', 'both'].map((way) => `${way}-${encoding}`)),
];

const kExtension = '.latencast';

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function print(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(`${JSON.stringify(value, undefined, 2)}\n`);
}

function because(what: string, caught: unknown): LatencastError {
  const reason = caught instanceof Error ? caught.message : String(caught);
  return new LatencastError('load', `${what}: ${reason}`, { cause: caught });
}

export function readBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === '-' ? 0 : path));
  } catch (caught) {
    throw because(path === '-' ? 'standard input' : path, caught);
  }
}

export function readText(path = '-'): string {
  return new TextDecoder().decode(readBytes(path));
}

export function writeBytes(path: string, parts: readonly Uint8Array[]): void {
  try {
    writeFileSync(path === '-' ? 1 : path, Buffer.concat(parts));
  } catch (caught) {
    throw because(path === '-' ? 'standard output' : path, caught);
  }
}

/** Of the package. */
export function version(): string {
  return (JSON.parse(readText(inPackage('package.json'))) as { readonly version: string }).version;
}

/** `weights/nb201` stands for `weights/nb201.latencast`. */
export function weightsPath(given: string): string {
  return given === '-' || given.endsWith(kExtension) ? given : given + kExtension;
}

/** A file that comes with the package; of it all, this command line is one file at `dist/cli`. */
function inPackage(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

const shipped = (name: string): string => inPackage(`weights/${name}`);

/** The folder of a kit's scripts. */
export const kKitScripts = fileURLToPath(new URL('../kit/scripts/', import.meta.url));

/** Runs `work` with an engine of this thread. */
export async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await createEngine({ kind: 'local' });
  try {
    return await work(engine);
  } finally {
    engine.dispose();
  }
}

/** The predictor of a file, or the shipped one of a space. */
export async function readPredictor(engine: Engine, weights: string | undefined, space?: SpaceId): Promise<Predictor> {
  if (weights === undefined && space === undefined) throw new UsageError('--space or --weights is missing');
  const path = weights === undefined ? shipped(`${space}${kExtension}`) : weightsPath(weights);
  const meant = kSpaces.find((one) => one === weights);
  if (meant && !existsSync(path)) throw new UsageError(`--weights: there is no file ${path}; --space ${meant} takes the shipped ones`);
  const predictor = await engine.load(readBytes(path)).catch((caught: unknown) => {
    throw because(path, caught);
  });
  if (space === undefined || predictor.info.space === space) return predictor;
  throw new UsageError(`${path} is a predictor of ${predictor.info.space}; --space says ${space}`);
}

export async function readEncoder(engine: Engine, space: SpaceId): Promise<Encoder> {
  return engine.loadEncoder(readBytes(shipped(`${space}.encoder${kExtension}`)));
}

/** What is known of platforms. */
export async function readFleet(engine: Engine): Promise<Fleet> {
  return engine.loadFleet(readBytes(shipped(`ncnn.fleet${kExtension}`)));
}

/** What is known of platforms by their kernels. */
export async function readPool(engine: Engine): Promise<KernelPool> {
  return engine.loadKernelPool(readBytes(shipped('pool/index.json')));
}

/** One of the pool. */
export async function readPoolPlatform(engine: Engine, id: string): Promise<KernelPlatform> {
  return engine.loadKernelPlatform(readBytes(shipped(`pool/${id}${kExtension}`)));
}

/** Where messages say that a text came from. */
const nameOf = (path: string | undefined): string => (path === undefined || path === '-' ? 'standard input' : path);

/** Columns of a CSV, by row, with where each row stands. Throws where one is missing. */
export function readColumns<const K extends string>(path: string, columns: readonly K[]): (Readonly<Record<K, string>> & { readonly place: string })[] {
  return columnsOf(readTable(path), columns);
}

/** A CSV with names in its first line; lines that begin with # are comments. */
export interface Table {
  readonly path: string;
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

export function readTable(path: string): Table {
  const { data, meta } = Papa.parse<Record<string, string>>(readText(path), { header: true, skipEmptyLines: true, comments: '#' });
  return { path, columns: meta.fields ?? [], rows: data };
}

/** Columns of a table by name, and each row's place, for messages. */
export function columnsOf<const K extends string>({ path, columns: found, rows }: Table, columns: readonly K[]): (Readonly<Record<K, string>> & { readonly place: string })[] {
  for (const name of columns) {
    if (found.includes(name)) continue;
    throw new LatencastError('argument', `${nameOf(path)}: the columns are ${found.join(', ') || 'none'}; expected one named ${name}${hint(name, found)}`);
  }
  // The first line has the names.
  const place = (row: number): string => `${nameOf(path)}, row ${row + 1}`;
  return rows.map((row, i) => ({ ...(Object.fromEntries(columns.map((name) => [name, row[name]?.trim() ?? ''])) as Record<K, string>), place: place(i) }));
}

const kMostListed = 5;

/** What of a text can be used, and whether it is latencies or energies. */
export interface Measured {
  readonly measurements: readonly Measurement[];
  readonly quantity: Quantity;
}

export function measurementsIn(engine: Engine, space: SpaceId, path: string | undefined): Promise<Measured> {
  return measurementsBy((read) => checkMeasurements(engine, space, read), path);
}

/** The measurements of a text; what is odd about it is told on the standard error. Throws where a line cannot be read. */
export async function measurementsBy(check: (read: ReadMeasurements) => Promise<CheckedMeasurements>, path: string | undefined): Promise<Measured> {
  const name = nameOf(path);
  const { lines, notes, measurements, quantity } = await check(readMeasurements(readText(path), { filename: name }));
  const bad = lines.filter(({ status }) => status === 'error');
  if (bad.length > 0) {
    const listed = bad.slice(0, kMostListed).map(({ line, reason }) => `${name}, line ${line}: ${reason}`);
    if (bad.length > kMostListed) listed.push(`and ${bad.length - kMostListed} lines more`);
    throw new LatencastError('measurement', listed.join('\n'));
  }
  for (const { line, message } of notes) say(`${name}${line === undefined ? '' : `, line ${line}`}: ${message}`);
  if (measurements.length === 0) {
    throw new LatencastError('measurement', `${name}: found no measurement; expected lines of an architecture and a latency`);
  }
  return { measurements, quantity };
}

/** Adapts `base` to measurements, and says how far it is. */
export async function adapt(base: Predictor, { measurements, quantity }: Measured, options: TransferOptions = {}): Promise<Predictor> {
  const working = progress('transfer');
  return base.transfer(measurements, { quantity, onProgress: ({ done }) => working.at(done), ...options }).finally(working.end);
}

/** A predictor of milliseconds: `base` itself where it was transferred, else adapted to measurements. */
export async function adapted(engine: Engine, base: Predictor, measurements: string | undefined): Promise<Predictor> {
  if (base.info.target === undefined) return adapt(base, await measurementsIn(engine, base.info.space, measurements));
  if (measurements !== undefined) {
    throw new UsageError(`--measurements: the predictor is that of ${base.info.target} already; a pre-trained one expected with them`);
  }
  return base;
}

/** One of known names; throws `argument` with the one that was meant. */
export function known(what: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw new LatencastError('argument', `${what} ${JSON.stringify(name)} found; ${expectedOneOf(name, names)}`);
}

/** How far something is, on one line of a terminal; nothing where nobody looks. */
export function progress(what: string): { readonly at: (done: number) => void; readonly end: () => void } {
  const shown = process.stderr.isTTY === true;
  return {
    at: (done) => void (shown && process.stderr.write(`\r${what}: ${Math.round(100 * done)} %`)),
    end: () => void (shown && process.stderr.write('\r\u001b[K')),
  };
}
