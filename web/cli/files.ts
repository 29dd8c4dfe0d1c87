/** What commands read and write; `-` is the standard input or output. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import {
  checkMeasurements,
  createEngine,
  LatencastError,
  readMeasurements,
  type Encoder,
  type Engine,
  type Measurement,
  type Predictor,
  type SpaceId,
} from '../api/index.js';
import { UsageError, type Option } from './options.js';

export const kSpaces = ['nb201', 'fbnet', 'ofa'] as const satisfies readonly SpaceId[];

/** Options that several commands have. */
export const kCommon = {
  space: { type: 'text', one_of: kSpaces, help: 'search space: nb201, fbnet or ofa' },
  weights: { type: 'text', help: 'predictor to start from; left out, the shipped one of --space' },
  measurements: { type: 'text', help: 'lines of architecture and latency, in any form the page reads; - or left out: standard input' },
  json: { type: 'flag', help: 'print JSON' },
} as const satisfies Record<string, Option>;

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

/** `weights/nb201` stands for `weights/nb201.latencast`. */
export function weightsPath(given: string): string {
  return given === '-' || given.endsWith(kExtension) ? given : given + kExtension;
}

/** A file that comes with the package; of it all, this command line is one file at `dist/cli`. */
function shipped(name: string): string {
  return fileURLToPath(new URL(`../../weights/${name}`, import.meta.url));
}

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
  const predictor = await engine.load(readBytes(path)).catch((caught: unknown) => {
    throw because(path, caught);
  });
  if (space === undefined || predictor.info.space === space) return predictor;
  throw new UsageError(`${path} is a predictor of ${predictor.info.space}; --space says ${space}`);
}

export async function readEncoder(engine: Engine, space: SpaceId): Promise<Encoder> {
  return engine.loadEncoder(readBytes(shipped(`${space}.encoder${kExtension}`)));
}

/** Where messages say that a text came from. */
const nameOf = (path: string | undefined): string => (path === undefined || path === '-' ? 'standard input' : path);

const kMostListed = 5;

/** The measurements of a text; what is odd about it is told on the standard error. Throws where a line cannot be read. */
export async function measurementsIn(engine: Engine, space: SpaceId, path: string | undefined): Promise<readonly Measurement[]> {
  const name = nameOf(path);
  const checked = await checkMeasurements(engine, space, readMeasurements(readText(path), { filename: name }));
  const bad = checked.lines.filter(({ status }) => status === 'error');
  if (bad.length > 0) {
    const listed = bad.slice(0, kMostListed).map(({ line, reason }) => `${name}, line ${line}: ${reason}`);
    if (bad.length > kMostListed) listed.push(`and ${bad.length - kMostListed} lines more`);
    throw new LatencastError('measurement', listed.join('\n'));
  }
  for (const { line, message } of checked.notes) say(`${name}${line === undefined ? '' : `, line ${line}`}: ${message}`);
  if (checked.measurements.length === 0) {
    throw new LatencastError('measurement', `${name}: found no measurement; expected lines of an architecture and a latency`);
  }
  return checked.measurements;
}

/** How far something is, on one line of a terminal; nothing where nobody looks. */
export function progress(what: string): { readonly at: (done: number) => void; readonly end: () => void } {
  const shown = process.stderr.isTTY === true;
  return {
    at: (done) => void (shown && process.stderr.write(`\r${what}: ${Math.round(100 * done)} %`)),
    end: () => void (shown && process.stderr.write('\r\u001b[K')),
  };
}
