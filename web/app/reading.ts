/** Turns what the engine says of a text into marks beside its lines. */

import { checkMeasurements, readMeasurements, type CheckedLine, type Engine, type Measurement } from '../api/index.js';
import { withUnit } from './format.js';
import type { SpaceTable } from './space.js';
import type { Check, Mark, Reading, Sheet } from './state.js';

/** Reads a sheet of measurements. */
export async function checkSheet(engine: Engine, space: SpaceTable, sheet: Sheet): Promise<Check> {
  const { text, unit, filename } = sheet;
  const read = readMeasurements(text, { unit, ...(filename === undefined ? {} : { filename }) });
  const checked = await checkMeasurements(engine, 'nb201', read);
  const readings = checked.measurements.map((each) => withIndex(space, each));
  const notes = checked.notes.filter((note) => note.line === undefined);
  const marks = checked.lines.map((line, i): Mark => {
    // Where one line of JSON holds several measurements, its notes go to the first.
    const first = checked.lines[i - 1]?.line !== line.line;
    const own = first ? checked.notes.filter((note) => note.line === line.line) : [];
    const message = line.status === 'error' ? line.reason : own.map((note) => note.message).join(' ');
    return {
      line: line.line,
      kind: line.status === 'error' ? 'bad' : line.status === 'skipped' ? 'skipped' : own.length > 0 ? 'note' : 'good',
      reading: readingOf(line),
      ...(message ? { message } : {}),
      fixes: own.flatMap((note) => note.fixes),
    };
  });
  return { text, unit, marks, readings, notes: notes.map(({ message, fixes }) => ({ message, fixes })) };
}

/** A canonical measurement with its architecture's official index. */
export function withIndex(space: SpaceTable, measurement: Measurement): Reading {
  const index = space.indexOf.get(measurement.architecture);
  if (index === undefined) throw new Error(`${measurement.architecture} is not in the table of the space`);
  return { ...measurement, index };
}

function readingOf(line: CheckedLine): string {
  if (line.status === 'error') return '!';
  return line.latency_ms === undefined ? 'skipped' : withUnit(line.latency_ms);
}

/** Reads a list of architectures, one per line; blank lines and comments count for nothing. */
export async function checkLookup(engine: Engine, text: string): Promise<Check> {
  const lines = text.split('\n').flatMap((content, i) => {
    const trimmed = content.trim();
    return trimmed === '' || /^(#|\/\/)/.test(trimmed) ? [] : [{ line: i + 1, content: trimmed }];
  });
  const parsed = await engine.parse(
    'nb201',
    lines.map(({ content }) => content),
  );
  const marks = lines.map(({ line }, i): Mark => {
    const found = parsed[i];
    return found?.ok
      ? { line, kind: 'good', reading: '', index: found.index, fixes: [] }
      : { line, kind: 'bad', reading: '!', message: found?.message ?? 'not understood', fixes: [] };
  });
  return { text, unit: 'auto', marks, readings: [], notes: [] };
}
