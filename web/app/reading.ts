/** Turns what the engine says of a text into marks beside its lines. */

import {
  checkMeasurements,
  checkTableMeasurements,
  kNoLatencyYet,
  readMeasurements,
  type CheckedLine,
  type CheckedMeasurements,
  type Engine,
  type OwnTable,
  type ParsedArchitecture,
  type ReadMeasurements,
  type SpaceId,
} from '../api/index.js';
import { kBaseUnits } from '../api/measurements.js';
import { withUnit } from './format.js';
import { rowOf, type SpaceTable } from './spaces/table.js';
import type { Check, Mark, Sheet } from './state.js';

/** Beside a line whose latency is still open. */
export const kToMeasure = 'to measure';

/** What knows the architectures of a space. */
export interface Reader {
  parse(texts: readonly string[]): Promise<ParsedArchitecture[]>;
  check(read: ReadMeasurements): Promise<CheckedMeasurements>;
}

export function spaceReader(engine: Engine, space: SpaceId): Reader {
  return { parse: (texts) => engine.parse(space, texts), check: (read) => checkMeasurements(engine, space, read) };
}

export function tableReader(table: OwnTable): Reader {
  return { parse: (names) => table.parse(names), check: (read) => checkTableMeasurements(table, read) };
}

/** Makes sure that the space's table has these architectures, which are canonical; returns it. */
export type Admit = (architectures: readonly string[]) => Promise<SpaceTable>;

/** Reads a sheet of measurements. */
export async function checkSheet(reader: Reader, admit: Admit, sheet: Sheet): Promise<Check> {
  const { text, unit, filename } = sheet;
  const read = readMeasurements(text, { unit, ...(filename === undefined ? {} : { filename }) });
  const checked = await reader.check(read);
  const table = await admit(checked.measurements.map(({ architecture }) => architecture));
  const readings = checked.measurements.map((each) => ({ ...each, index: rowOf(table, each.architecture) }));
  const notes = checked.notes.filter((note) => note.line === undefined);
  const several = countReadings(checked.lines);
  const marks = checked.lines.map((line, i): Mark => {
    // Where one line of JSON holds several measurements, its notes go to the first.
    const first = checked.lines[i - 1]?.line !== line.line;
    const own = first ? checked.notes.filter((note) => note.line === line.line) : [];
    const message = line.status === 'error' ? line.reason : own.map((note) => note.message).join(' ');
    return {
      line: line.line,
      kind: line.status === 'error' ? 'bad' : line.status === 'skipped' ? 'skipped' : own.length > 0 ? 'note' : 'good',
      reading: readingOf(line, kBaseUnits[checked.quantity]) + severalText(several.get(`${line.line} ${line.architecture}`) ?? 1),
      ...(message ? { message } : {}),
      fixes: own.flatMap((note) => note.fixes),
    };
  });
  // As many as there are readings, in their order.
  const lines = checked.lines.filter((line) => line.latency_ms !== undefined && line.status === 'ok');
  const { quantity } = checked;
  return { text, unit, marks, readings, quantity, lines, notes: notes.map(({ message, fixes }) => ({ message, fixes })) };
}

/** How many readings of one architecture a line holds, by both. */
function countReadings(lines: readonly CheckedLine[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { line, architecture } of lines) {
    if (architecture !== undefined) counts.set(`${line} ${architecture}`, (counts.get(`${line} ${architecture}`) ?? 0) + 1);
  }
  return counts;
}

/** ` × 3` behind the last of three. */
function severalText(count: number): string {
  return count > 1 ? ` × ${count}` : '';
}

function readingOf(line: CheckedLine, unit: string): string {
  if (line.status === 'error') return '!';
  if (line.reason === kNoLatencyYet) return kToMeasure;
  return line.latency_ms === undefined ? 'skipped' : withUnit(line.latency_ms, unit);
}

/** Reads a list of architectures, one per line; blank lines and comments count for nothing. */
export async function checkLookup(reader: Reader, admit: Admit, text: string): Promise<Check> {
  const lines = text.split('\n').flatMap((content, i) => {
    const trimmed = content.trim();
    return trimmed === '' || /^(#|\/\/)/.test(trimmed) ? [] : [{ line: i + 1, content: trimmed }];
  });
  const parsed = await reader.parse(lines.map(({ content }) => content));
  const table = await admit(parsed.flatMap((found) => (found.ok ? [found.architecture] : [])));
  const marks = lines.map(({ line }, i): Mark => {
    const found = parsed[i];
    return found?.ok
      ? { line, kind: 'good', reading: '', index: rowOf(table, found.architecture), fixes: [] }
      : { line, kind: 'bad', reading: '!', message: found?.message ?? 'not understood', fixes: [] };
  });
  return { text, unit: 'auto', marks, readings: [], quantity: 'latency', lines: [], notes: [] };
}

/** Reads a list of architectures with a number each: the last column. Throws where a line is not understood, naming it. */
export async function readQuality(reader: Reader, text: string): Promise<Map<string, number>> {
  const lines = text.split(/\r\n?|\n/).flatMap((content, i) => {
    const [, architecture = '', value = ''] = /^\s*"?(.*?)"?\s*[,;\t ]\s*"?([^,;\t "]+)"?\s*$/.exec(content) ?? [];
    const heading = i === 0 && Number.isNaN(Number(value));
    return content.trim() === '' || heading ? [] : [{ line: i + 1, architecture, value: Number(value || Number.NaN) }];
  });
  const parsed = await reader.parse(lines.map(({ architecture }) => architecture));
  const values = new Map<string, number>();
  lines.forEach(({ line, value }, i) => {
    const found = parsed[i];
    if (!found?.ok) throw new Error(`line ${line}: ${found?.message ?? 'not understood'}`);
    if (!Number.isFinite(value)) throw new Error(`line ${line}: no number behind the architecture; expected one such as 72.4`);
    values.set(found.architecture, value);
  });
  if (values.size === 0) throw new Error('it holds no architecture; expected lines such as 421211,72.4');
  return values;
}
