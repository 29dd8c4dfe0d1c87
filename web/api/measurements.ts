/**
 * What people paste, read as measurements. Two steps: `readMeasurements` splits a text and needs no engine;
 * `checkMeasurements` asks the engine about the architectures and settles the unit. Neither changes or drops the text: every
 * line that is not blank comes back with what was made of it.
 */
import { evaluate, parse as parseJsonTree, type Node, type ValueNode } from '@humanwhocodes/momoa';
import Papa from 'papaparse';

import { architectureInName, readToolLog } from './toollogs.js';
import type { Engine, Measurement, OwnTable, ParsedArchitecture, Quantity, SpaceId } from './types.js';
import { kBaseUnits } from './units.js';

export { kBaseUnits };

export type LatencyUnit = 'ns' | 'us' | 'ms' | 's' | 'uJ' | 'mJ' | 'J';

/** What one line says. A JSON text may hold several on one line; then each has an entry of its own. */
export interface MeasurementLine {
  /** From 1. */
  readonly line: number;
  /** The line as it stands; for JSON the part of the text that holds this measurement. */
  readonly text: string;
  readonly status: 'ok' | 'skipped' | 'error';
  /** Why it is skipped or an error; without the line's number. */
  readonly reason?: string;
  readonly architecture_text?: string;
  /** In `unit`; finite and positive. */
  readonly latency?: number;
  /** What the value or its column's name states, else the unit asked for; absent where neither says. */
  readonly unit?: LatencyUnit;
  /** The latency as it stands in `text`, e.g. `12.4 ms`; absent for JSON and for what tools print. */
  readonly latency_text?: string;
  /** Stated behind the latency, as in `12.4 ms ± 1.5 %`, or in a column named for it; absent where neither is. */
  readonly relative_error?: number;
}

export interface ReadOptions {
  /** For values that state none. `auto`, the default, leaves the guess to `checkMeasurements`. */
  readonly unit?: LatencyUnit | 'auto';
  /** Only its ending counts: `.json`. */
  readonly filename?: string;
}

export interface ReadMeasurements {
  /** By line; blank lines have none. */
  readonly lines: readonly MeasurementLine[];
  /** What was assumed of the whole text. */
  readonly notes: readonly Note[];
}

/** The `reason` of a line that is skipped because its architecture is still to be measured. */
export const kNoLatencyYet = 'no latency yet';

/** A change that would settle a note, for one click. */
export type Fix =
  /** Read again with this unit. */
  | { readonly label: string; readonly unit: LatencyUnit }
  /** Replace this line by this text. */
  | { readonly label: string; readonly line: number; readonly text: string };

/** Something the user should see and may leave as it is. */
export interface Note {
  readonly kind: 'unit' | 'decimal-comma' | 'duplicate' | 'far-off' | 'short-digits' | 'broken-json';
  readonly message: string;
  /** Of which line; absent where it is about the whole text. */
  readonly line?: number;
  readonly fixes: readonly Fix[];
}

export interface CheckedLine extends MeasurementLine {
  /** Canonical form; present where `status` is `ok`. */
  readonly architecture?: string;
  /** Present where `status` is `ok`; of an energy, millijoules. */
  readonly latency_ms?: number;
}

export interface CheckedMeasurements {
  readonly lines: readonly CheckedLine[];
  /** What the text is about. Energies are in millijoules, wherever a name says milliseconds. */
  /** The two do not mix in a text. */
  readonly quantity: Quantity;
  /** The good ones, in order, canonical. */
  readonly measurements: readonly Measurement[];
  /** The line of each of `measurements`. */
  readonly measurement_lines: readonly number[];
  /** The unit of values that state none; absent where all state one. */
  readonly guessed_unit?: LatencyUnit;
  /** In the order of lines; those about the whole text first. */
  readonly notes: readonly Note[];
}

/** How many milliseconds each unit has; of an energy, millijoules. */
export const kMilliseconds: Readonly<Record<LatencyUnit, number>> = {
  ...{ ns: 1e-6, us: 1e-3, ms: 1, s: 1e3 },
  ...{ uJ: 1e-3, mJ: 1, J: 1e3 },
};

export function quantityOf(unit: LatencyUnit): Quantity {
  return unit.endsWith('J') ? 'energy' : 'latency';
}

const kUnitWords = new Map<string, LatencyUnit>(
  Object.entries({
    ns: 'ns nsec nsecs nanosecond nanoseconds',
    us: 'us usec usecs microsecond microseconds \u00b5s \u03bcs',
    ms: 'ms msec msecs millis millisecond milliseconds',
    s: 's sec secs second seconds',
    uJ: 'uj microjoule microjoules \u00b5j \u03bcj',
    mJ: 'mj millijoule millijoules',
    J: 'j joule joules',
  }).flatMap(([unit, words]) => words.split(' ').map((word) => [word, unit as LatencyUnit])),
);

/** Splits a text into measurements. Never throws. */
export function readMeasurements(text: string, { unit = 'auto', filename = '' }: ReadOptions = {}): ReadMeasurements {
  const source = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const notes: Note[] = [];
  let lines: MeasurementLine[] | undefined;
  if (/\.json$/i.test(filename) || /^\s*[[{]/.test(source)) {
    const document = readJsonDocument(source);
    if ('lines' in document) lines = document.lines;
    // One JSON object a line is no broken document.
    else if (!beginsWithEntry(/\S.*/.exec(source)?.[0] ?? '')) notes.push(document.note);
  }
  lines ??= readToolLog(source) ?? readLines(source);
  if (unit !== 'auto') {
    lines = lines.map((line) => (line.status === 'ok' && !line.unit ? { ...line, unit } : line));
  }
  const commas = lines.filter((line) => line.status === 'ok' && isDecimalComma(line.latency_text ?? ''));
  const example = commas[0];
  if (example) {
    notes.push({
      kind: 'decimal-comma',
      message: `Commas in numbers are read as decimal points: ${example.latency_text} is ${example.latency}.`,
      fixes: [],
    });
  }
  return { lines, notes };
}

/** A text that `readMeasurements` reads back to the same measurements. */
export function writeMeasurements(measurements: readonly Measurement[], quantity: Quantity = 'latency'): string {
  return measurements
    .map(({ architecture, latency_ms, relative_error }) => `${architecture}, ${latency_ms} ${kBaseUnits[quantity]}${errorText(relative_error)}\n`)
    .join('');
}

/** What is written behind a latency to state its error; nothing where it is unknown. */
export function errorText(relative_error = 0): string {
  return relative_error > 0 ? ` ± ${Number((100 * relative_error).toPrecision(12))} %` : '';
}

/** The end of a line that states an error, and a remark behind it. */
const kErrorText = /\s*(?:±|\+\/-)\s*([\d.,]+(?:e[+-]?\d+)?)\s*%\s*((?:\s(?:#|\/\/).*)?)$/i;

/** A line without the error that it states, and that error. */
function withoutError(text: string): [text: string, relative_error: number | undefined] {
  const stated = kErrorText.exec(text);
  const percent = readNumber(stated?.[1] ?? '');
  return stated && percent !== undefined ? [text.slice(0, stated.index) + stated[2], percent / 100] : [text, undefined];
}

function withError(found: Entry, relative_error: number | undefined): Entry {
  return found.status === 'ok' && relative_error !== undefined ? { ...found, relative_error } : found;
}

function beginsWithEntry(line: string): boolean {
  return kCompositeFirst.test(line) || (readJsonLine(line)?.some((found) => found.status === 'ok') ?? false);
}

// ---- architectures ----

/** How many blocks an FBNet has. */
const kBlocks = 22;

/** Architectures that hold separators: an object of kernels and depths, a list of blocks, block names however they are joined. */
const kComposite = [
  String.raw`\{[^{}]*\bks\b[^{}]*\}`,
  String.raw`\[(?:[^[\],]*,){${kBlocks - 1}}[^[\],]*\]`,
  String.raw`(?:k\d_e\d(?:_g\d)?|skip)(?:[\s,_]+(?:k\d_e\d(?:_g\d)?|skip))+`,
].join('|');
const kHoldsSeparators = new RegExp(kComposite, 'i');
/** One of these at the beginning of a line, and behind it a latency or nothing. */
const kCompositeFirst = new RegExp(String.raw`^\s*(?:${kComposite})\s*[,;\t ]\s*("?[\d.][^[\]{}]*)?$`, 'i');

/** What no latency, unit or column name looks like; whether it is an architecture is the engine's to say. */
function looksLikeArchitecture(field: string): boolean {
  if (architectureInName(field) !== undefined) return true;
  return /\||^\d{15,}$|^\d+(-\d+){3}$/.test(field) || kHoldsSeparators.test(field);
}

// ---- one entry ----

/** What a line was found to hold; its place and text are added by the caller. */
type Entry = Omit<MeasurementLine, 'line' | 'text'>;

const bad = (reason: string): Entry => ({ status: 'error', reason });
const skipped = (reason: string): Entry => ({ status: 'skipped', reason });

function entry(architecture: string, latency: string, columnUnit?: LatencyUnit): Entry {
  if (architecture === '') return bad('no architecture; expected an architecture and a latency');
  if (latency === '') return bad('no latency; expected an architecture and a latency such as 12.4');
  const read = readLatency(latency);
  if (!read) return bad(`${quote(latency)} is no number; expected a latency such as 12.4`);
  if (!Number.isFinite(read.value)) return bad(`${quote(latency)} is too large; expected a latency such as 12.4`);
  if (read.value <= 0) return bad(`${quote(latency)} is not positive; expected a latency such as 12.4`);
  const unit = read.unit ?? columnUnit;
  return {
    status: 'ok',
    // A file of a kit is named after what it holds.
    architecture_text: architectureInName(architecture) ?? architecture,
    latency: read.value,
    latency_text: latency,
    ...(unit && { unit }),
  };
}

const kMostQuoted = 40;

function quote(text: string): string {
  return `"${text.length > kMostQuoted ? `${text.slice(0, kMostQuoted)}...` : text}"`;
}

/** `12.4`, `12,4`, `1,234.5`, `1.2e-3`, each with or without a unit; undefined for anything else. */
function readLatency(text: string): { value: number; unit?: LatencyUnit } | undefined {
  const match = /^([+-]?[\d.,]+(?:e[+-]?\d+)?)\s*(\p{L}*)$/iu.exec(text.trim());
  const number = match?.[1];
  const word = match?.[2]?.toLowerCase();
  if (number === undefined || word === undefined) return undefined;
  const unit = kUnitWords.get(word);
  if (word !== '' && !unit) return undefined;
  const value = readNumber(number);
  return value === undefined ? undefined : { value, ...(unit && { unit }) };
}

const kGroups = {
  ',': /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/,
  '.': /^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$/,
};

function readNumber(text: string): number | undefined {
  const commas = text.split(',').length - 1;
  const points = text.split('.').length - 1;
  let plain = text;
  if (kGroups[','].test(text) && (commas > 1 || points === 1)) plain = text.replaceAll(',', '');
  else if (kGroups['.'].test(text) && (points > 1 || commas === 1)) plain = text.replaceAll('.', '').replace(',', '.');
  else if (commas === 1 && points === 0) plain = text.replace(',', '.');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined;
}

function isDecimalComma(latency: string): boolean {
  return /^[^,.]*,[^,.]*$/.test(latency);
}

// ---- columns ----

interface Columns {
  readonly architecture: number;
  readonly latency: number;
  /** Of further readings of the same. */
  readonly more: readonly number[];
  /** Of the latency's relative error; -1 where there is none. */
  readonly error: number;
  readonly unit?: LatencyUnit;
}

/** Names that say what a column holds, best first. */
const kArchitectureNames = [
  ...['arch', 'architecture', 'archstr', 'cell', 'config', 'configuration', 'genotype', 'network', 'model'],
  ...['digits', 'index', 'idx', 'id'],
];
const kLatencyNames = ['latency', 'lat', 'energy', 'time', 'runtime', 'duration', 'median', 'mean', 'avg', 'average'];
/** With a number behind it, one reading of several: `run_1`, `run_2`. */
const kReadingName = /^(?:(.*?)[\s_-]*)?(?:run|trial|rep|repeat|repetition|round|reading|sample|measurement|lat|latency|time|t)[\s_-]*\d+(?:[\s_([-]*(?:ns|us|µs|ms|s|uJ|mJ|J)[)\]]?)?$/i;
/** The column of a kit's CSV that says how far off a latency may be. */
const kErrorName = /^rel(?:ative)?[\s_-]*err(?:or)?$/i;
/** A column of these is about the latency but is not it. */
const kSpreadNames = new Set(['std', 'stdev', 'stddev', 'sd', 'var', 'err', 'error', 'min', 'max', 'iqr']);

interface ColumnName {
  /** Places in the lists above; Infinity where it is none. */
  readonly architecture: number;
  readonly latency: number;
  readonly unit?: LatencyUnit;
}

function readColumnName(name: string): ColumnName {
  const words = name
    .replace(/(?<!\p{L})([mu\u00b5\u03bc])J(?!\p{L})/gu, '$1j')
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  const place = (names: readonly string[]) => {
    const at = names.findIndex((known) => words.includes(known));
    return at < 0 ? Infinity : at;
  };
  const unit = kUnitWords.get(words.at(-1) ?? '');
  const spread = words.some((word) => kSpreadNames.has(word)) || /^p\d/.test(words.at(-1) ?? '');
  const named = Math.min(place(kLatencyNames), unit ? kLatencyNames.length : Infinity);
  return {
    architecture: unit ? Infinity : place(kArchitectureNames),
    latency: spread ? Infinity : named,
    ...(unit && { unit }),
  };
}

/**
 * The columns that a header line names; undefined if the line is no header; an error if it is one that does not help.
 * One known name is enough of a first line, and in a pair it tells the other column; later lines must name both.
 */
function readHeader(fields: readonly string[], first: boolean): Columns | Entry | undefined {
  if (fields.some((field) => looksLikeArchitecture(field) || readLatency(field))) return undefined;
  const names = fields.map(readColumnName);
  const best = (key: 'architecture' | 'latency') => {
    const least = names.reduce((min, name) => Math.min(min, name[key]), Infinity);
    return least === Infinity ? [] : names.flatMap((name, i) => (name[key] === least ? [i] : []));
  };
  const readings = readingColumns(fields);
  const [architectures, latencies] = [best('architecture'), readings.length > 0 ? readings.slice(0, 1) : best('latency')];
  const known = Number(architectures.length > 0) + Number(latencies.length > 0);
  if (known < (first ? 1 : 2)) return undefined;
  const other = (at: number | undefined) => (fields.length === 2 && at !== undefined ? 1 - at : undefined);
  const architecture = architectures[0] ?? other(latencies[0]);
  const latency = latencies.length > 1 ? undefined : (latencies[0] ?? other(architectures[0]));
  const seen = `the columns are ${fields.slice(0, 8).map(quote).join(', ')}${fields.length > 8 ? ', ...' : ''}`;
  if (architecture === undefined) return bad(`${seen}; expected one named for the architecture, such as arch`);
  if (latency === undefined) {
    return bad(`${seen}; expected ${latencies.length ? 'only ' : ''}one named for the latency, such as latency_ms`);
  }
  // Where blanks separate, "latency (ms)" comes apart.
  const unit = names[latency]?.unit ?? unitAlone(fields[latency + 1]);
  const error = fields.findIndex((field) => kErrorName.test(field));
  return { architecture, latency, more: readings.slice(1), error, ...(unit && { unit }) };
}

/** Columns that hold readings of the same: two or more whose names differ in their numbers only. */
function readingColumns(fields: readonly string[]): readonly number[] {
  const stems = new Map<string, number[]>();
  fields.forEach((field, i) => {
    if (!kReadingName.test(field)) return;
    const stem = field.replace(/\d+/g, '').toLowerCase();
    stems.set(stem, [...(stems.get(stem) ?? []), i]);
  });
  const found = [...stems.values()].filter((columns) => columns.length > 1);
  return found.length === 1 ? found[0]! : [];
}

/** The unit that a field is and nothing else, bracketed or not. */
function unitAlone(field = ''): LatencyUnit | undefined {
  return kUnitWords.get(field.toLowerCase().replace(/^[([](.*)[)\]]$/, '$1'));
}

/** One entry for each reading; what stands in one line can be changed by nobody but its writer, so none says where its latency stands. */
function severalReadings(architecture: string, numbers: readonly string[], unit?: LatencyUnit): Entry[] {
  return numbers.map((number) => withoutText(entry(architecture, number, unit)));
}

function entriesByColumns(fields: readonly string[], columns: Columns): Entry[] {
  const numbers = [columns.latency, ...columns.more].flatMap((column) => fields[column] || []);
  if (numbers.length < 2) return [entryByColumns(fields, columns)];
  const error = errorIn(fields[columns.error]);
  return severalReadings(fields[columns.architecture] ?? '', numbers, columns.unit).map((found) => withError(found, error));
}

/** The error that a field of its column states; undefined where it is no such number. */
function errorIn(field = ''): number | undefined {
  const error = readNumber(field);
  return error !== undefined && error >= 0 && Number.isFinite(error) ? error : undefined;
}

function entryByColumns(fields: readonly string[], { architecture, latency, error, unit }: Columns): Entry {
  const [number = '', next] = fields.slice(latency);
  // The same for "12.4 ms".
  const apart = unitAlone(next) && !readLatency(number)?.unit;
  const text = fields[architecture] ?? '';
  if (text !== '' && number === '') return skipped(kNoLatencyYet);
  return withError(entry(text, apart ? `${number} ${next}` : number, unit), errorIn(fields[error]));
}

const kSixDigits = /^\d{6}$/;
const kWhole = /^\d{1,6}$/;

/** So much may readings of one architecture differ to be taken for such without a header that says so. */
const kAlike = 1.5;
const kFewestReadings = 3;

function areReadings(numbers: readonly string[]): boolean {
  const values = numbers.map((number) => readLatency(number)?.value ?? Number.NaN);
  return numbers.length >= kFewestReadings && Math.min(...values) > 0 && Math.max(...values) <= kAlike * Math.min(...values);
}

/** Without a header the fields' own looks decide. */
function entriesByLooks(allFields: readonly string[]): Entry[] {
  const fields: string[] = [];
  for (const field of allFields) {
    const last = fields.length - 1;
    const before = readLatency(fields[last] ?? '');
    if (unitAlone(field) && before && !before.unit) fields[last] += ` ${field}`;
    else if (field !== '') fields.push(field);
  }
  const at = architectureField(fields);
  // What comes after a separator was left open on purpose.
  if (fields.length === 1 && allFields.length > 1 && allFields[0] === fields[0]) return [skipped(kNoLatencyYet)];
  const beside = fields.length > at + 1 ? fields.slice(at + 1) : fields.slice(0, at);
  const numbers = beside.filter(readLatency);
  if (areReadings(numbers)) return severalReadings(fields[at] ?? '', numbers);
  if (numbers.length > 1) {
    const commaHint = beside.length === 2 && beside.every((field) => /^\d+$/.test(field));
    const error = bad(
      `${numbers.length} numbers beside the architecture (${numbers.slice(0, 4).join(', ')}); expected one latency; ` +
        (commaHint
          ? 'if it has a decimal comma, write a point or separate the columns with a semicolon'
          : 'a first line such as "arch,latency_ms" tells which column counts'),
    );
    return [error];
  }
  return [entry(fields[at] ?? '', numbers[0] ?? beside[0] ?? '')];
}

function architectureField(fields: readonly string[]): number {
  const text = fields.findIndex(looksLikeArchitecture);
  if (text >= 0) return text;
  const [first = '', second = ''] = fields;
  // Index, digits, latency.
  if (fields.length > 2 && kWhole.test(first) && !kSixDigits.test(first) && kSixDigits.test(second)) return 1;
  if (kWhole.test(first)) return 0;
  const digits = fields.findIndex((field) => kSixDigits.test(field));
  return digits > 0 && readLatency(first) ? digits : 0;
}

// ---- lines ----

function readLines(source: string): MeasurementLine[] {
  const lines: MeasurementLine[] = [];
  let columns: Columns | undefined;
  let first = true;
  for (const [i, text] of source.split('\n').entries()) {
    if (text.trim() === '') continue;
    const add = (...found: Entry[]) => found.forEach((each) => lines.push({ line: i + 1, text, ...each }));
    if (/^\s*(#|\/\/)/.test(text)) {
      add(skipped('comment'));
      continue;
    }
    const json = kCompositeFirst.test(text) ? undefined : readJsonLine(text);
    if (json) {
      add(...json);
      continue;
    }
    const [bare, error] = withoutError(text);
    const fields = splitFields(bare);
    const header = readHeader(fields, first);
    first = false;
    if (header && 'status' in header) {
      columns = undefined;
      add(header);
    } else if (header) {
      columns = header;
      add(skipped('header'));
    } else {
      const found = columns && columns.latency < fields.length ? entriesByColumns(fields, columns) : entriesByLooks(fields);
      add(...found.map((each) => withError(each, error)));
    }
  }
  return lines;
}

/** Fields of a line, trimmed; separated by tabs, else semicolons, else commas, else blanks. */
function splitFields(text: string): string[] {
  const held = kHoldsSeparators.exec(text)?.[0];
  if (held === undefined || quoted(text, held)) return splitPlain(text);
  return splitPlain(text.replace(held, kStandIn)).map((field) => field.replace(kStandIn, held));
}

/** In place of what holds separators of its own while a line is split; no text that people write has it. */
const kStandIn = '\u0001';

/** Quotes already keep it together. */
function quoted(text: string, part: string): boolean {
  const at = text.indexOf(part);
  return text[at - 1] === '"' && text[at + part.length] === '"';
}

function splitPlain(text: string): string[] {
  // After a blank, # and // begin a remark; inside quotes they may not.
  const line = (text.includes('"') ? text : text.replace(/\s(#|\/\/).*$/, '')).trimEnd();
  const unquoted = line.replaceAll(/"[^"]*"/g, '""');
  let delimiter = ['\t', ';', ','].find((candidate) => unquoted.includes(candidate)) ?? ' ';
  if (delimiter === ',' && commaIsDecimal(unquoted.trim().split(/\s+/))) delimiter = ' ';
  // A quote counts only right beside a separator.
  const packed =
    delimiter === ' '
      ? line.trim().replace(/\s+/g, ' ')
      : line.replaceAll(new RegExp(`(^|${delimiter}) *"`, 'g'), '$1"').replaceAll(new RegExp(`" *(${delimiter}|$)`, 'g'), '"$1');
  const [fields = []] = Papa.parse<string[]>(packed, { delimiter }).data;
  return fields.map((field) => field.replace(kAround, ''));
}

/** Blanks, and what cannot be seen and comes along from web pages and spreadsheets. */
const kAround = /^[\s\u200B-\u200F\u2060]+|[\s\u200B-\u200F\u2060]+$/g;

/** "421211 12,4": blanks separate, and the comma is the number's own. */
function commaIsDecimal(words: readonly string[]): boolean {
  const withComma = words.filter((word) => word.includes(','));
  const architecture = words.some(
    (word) => kWhole.test(word) || word === '""' || word === kStandIn || (looksLikeArchitecture(word) && !word.includes(',')),
  );
  return architecture && withComma.length === 1 && /^\d+,\d+\p{L}*$/u.test(withComma[0]!);
}

// ---- JSON ----

function parseJson(source: string): ValueNode {
  return parseJsonTree(source, { mode: 'jsonc', allowTrailingCommas: true }).body;
}

function readJsonDocument(source: string): { lines: MeasurementLine[] } | { note: Note } {
  let entries: [Node, Entry][];
  try {
    entries = jsonEntries(parseJson(source));
  } catch (caught) {
    const message = caught instanceof Error ? caught.message : String(caught);
    return { note: { kind: 'broken-json', message: `This is no whole JSON (${message}); read line by line.`, fixes: [] } };
  }
  const found = entries.map(([{ loc }, what]) => ({
    line: loc.start.line,
    text: source.slice(loc.start.offset, loc.end.offset),
    ...what,
  }));
  // Lines on which no measurement begins are brackets, or go on with one.
  const taken = new Set(found.map(({ line }) => line));
  const rest = source.split('\n').flatMap((text, i) =>
    text.trim() === '' || taken.has(i + 1) ? [] : [{ line: i + 1, text, ...skipped('part of the JSON around it') }],
  );
  return { lines: [...found, ...rest].sort((a, b) => a.line - b.line) };
}

/** A line that is JSON alone, or one of a document that is broken elsewhere; undefined where it is neither. */
function readJsonLine(text: string): Entry[] | undefined {
  const line = text.trim();
  if (/^[[\]{},\s]+$/.test(line)) return [skipped('brackets of JSON')];
  if (!/^[[{"]/.test(line)) return undefined;
  const bare = line.replace(/,$/, '');
  for (const candidate of [bare, `{${bare}}`, bare.replace(/^\[/, ''), bare.replace(/\]$/, '')]) {
    try {
      const entries = jsonEntries(parseJson(candidate)).map(([, found]) => found);
      return entries.length > 0 ? entries : [skipped('brackets of JSON')];
    } catch {
      // The next reading may fit.
    }
  }
  return line.startsWith('"') ? undefined : [bad('this line is no whole JSON; expected for example ["421211", 12.4]')];
}

/** Every measurement below a node, with the node that holds it. */
function jsonEntries(node: ValueNode, nested = false): [Node, Entry][] {
  if (node.type === 'Array') {
    const items = node.elements.map((element) => element.value);
    const pair = items.length > 1 && items.every(isPlain) && (nested || items.some((item) => item.type === 'Number'));
    if (pair) return [[node, withoutText(entriesByLooks(items.map(plainText))[0]!)]];
    return items.flatMap((item) => jsonEntries(item, true));
  }
  if (node.type === 'Object') {
    const values = node.members.map((member) => member.value);
    const below = values.filter((value) => !isPlain(value));
    const names = node.members.map(({ name }) => (name.type === 'String' ? name.value : name.name).trim());
    const columns = readHeader(names, true);
    if (columns && below.length === 0) {
      const found = 'status' in columns ? columns : entryByColumns(values.map(plainText), columns);
      return [[node, withoutText(found)]];
    }
    // Beside a list of measurements stand other things, such as a device's name.
    if (below.length > 0) return below.flatMap((value) => jsonEntries(value, true));
    return node.members.map((member, i) => [member, withoutText(entry(names[i]!, plainText(member.value)))]);
  }
  return [[node, bad(`${quote(plainText(node))} stands alone; expected an architecture and a latency`)]];
}

function withoutText({ latency_text: _, ...found }: Entry): Entry {
  return found;
}

function isScalar(node: ValueNode): boolean {
  return node.type !== 'Array' && node.type !== 'Object';
}

/** One value, or an architecture that is written as JSON: a list of blocks, or an object of kernels and depths. */
function isPlain(node: ValueNode): boolean {
  if (node.type === 'Array') return node.elements.length === kBlocks && node.elements.every(({ value }) => isScalar(value));
  if (node.type !== 'Object') return true;
  const names = node.members.map(({ name }) => (name.type === 'String' ? name.value : name.name));
  return names.includes('ks') && names.includes('d');
}

function plainText(node: ValueNode): string {
  switch (node.type) {
    case 'Array':
    case 'Object':
      return JSON.stringify(evaluate(node));
    case 'String':
      return node.value.trim();
    case 'Number':
    case 'Boolean':
      return String(node.value);
    default:
      return node.type.toLowerCase();
  }
}

// ---- with the engine ----

/**
 * Medians of NAS-Bench-201 on 35 devices lie between 1 and 26 ms, of FBNet and OFA on 36 between 5 and 105 ms; each limit is far
 * from those in the unit beside it.
 */
const kLooksLike: readonly (readonly [below: number, unit: LatencyUnit, name: string])[] = [
  [0.3, 's', 'seconds'],
  [500, 'ms', 'milliseconds'],
  [5e5, 'us', 'microseconds'],
  [Infinity, 'ns', 'nanoseconds'],
];

/** From this factor on a reading is worth a second look; devices themselves differ by less than that within a space. */
const kFarOff = 100;
const kOneDevice = 1.5; // further apart than this, two readings of one architecture are hardly of one device
/** A suggested unit must bring it this close. */
const kNear = 10;
const kFewestForFarOff = 5;

/** Asks the engine about the architectures, settles the unit, and notes what is worth a look. Bad lines leave the good ones usable. */
export async function checkMeasurements(
  engine: Pick<Engine, 'parse' | 'facts'>,
  space: SpaceId,
  read: ReadMeasurements,
): Promise<CheckedMeasurements> {
  return check(
    {
      parse: (texts) => engine.parse(space, texts),
      unreached: async (architectures) => (await engine.facts(space, architectures)).map(({ graph }) => graph.live[0] === false),
    },
    read,
    shortDigitsNotes,
  );
}

/** The same of a search space of one's own, whose rows are known by their names. */
export async function checkTableMeasurements(table: Pick<OwnTable, 'parse'>, read: ReadMeasurements): Promise<CheckedMeasurements> {
  const unreached = async (names: readonly string[]) => names.map(() => false);
  return check({ parse: (names) => table.parse(names), unreached }, read, () => []);
}

/** What is asked about architectures. */
interface Asked {
  parse(texts: readonly string[]): Promise<ParsedArchitecture[]>;
  /** Whether the input of each reaches nothing. */
  unreached(architectures: readonly string[]): Promise<boolean[]>;
}

async function check(
  asked: Asked,
  read: ReadMeasurements,
  moreNotes: (usable: readonly UsableLine[]) => Note[],
): Promise<CheckedMeasurements> {
  const readable = read.lines.filter((line) => line.status === 'ok');
  const parsed = await asked.parse(readable.map((line) => line.architecture_text ?? ''));
  const verdicts = new Map(readable.map((line, i) => [line, parsed[i]!]));
  // Whatever the first unit measures is what the text is about.
  const first = readable.find((line) => line.unit);
  const quantity = first?.unit ? quantityOf(first.unit) : 'latency';
  const foreign = (line: MeasurementLine) => line.unit !== undefined && quantityOf(line.unit) !== quantity;
  const good = readable.filter((line) => verdicts.get(line)?.ok && !foreign(line));
  const guess = guessUnit(good, quantity);
  const unitOf = (line: MeasurementLine) => line.unit ?? guess?.unit ?? kBaseUnits[quantity];

  const lines = read.lines.map((line): CheckedLine => {
    const verdict = verdicts.get(line);
    if (!verdict) return line;
    if (!verdict.ok) return { ...line, status: 'error', reason: verdict.message };
    if (first && line.unit && foreign(line)) {
      const reason = `${line.unit} beside ${first.unit} in line ${first.line}; expected latencies alone or energies alone`;
      return { ...line, status: 'error', reason };
    }
    const latency_ms = (line.latency ?? NaN) * kMilliseconds[unitOf(line)];
    if (!(latency_ms > 0 && latency_ms < Infinity)) {
      const reason = `${quote(line.latency_text ?? '')} is too ${latency_ms > 0 ? 'large' : 'small'} in ${unitOf(line)}; expected a latency such as 12.4 ms`;
      return { ...line, status: 'error', reason };
    }
    return { ...line, architecture: verdict.architecture, latency_ms };
  });
  const usable = lines.filter(isUsable);
  const about = [
    ...(await farOffNotes(asked, usable, unitOf, quantity)),
    ...duplicateNotes(usable),
    ...moreNotes(usable),
  ].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return {
    lines,
    quantity,
    measurements: usable.map(({ architecture, latency_ms, relative_error }) => ({
      architecture,
      latency_ms,
      ...(relative_error !== undefined && { relative_error }),
    })),
    measurement_lines: usable.map(({ line }) => line),
    ...(guess && { guessed_unit: guess.unit }),
    notes: [...read.notes, ...(guess ? [guess.note] : []), ...about],
  };
}

type UsableLine = CheckedLine & Required<Pick<CheckedLine, 'architecture' | 'latency_ms' | 'latency'>>;

function isUsable(line: CheckedLine): line is UsableLine {
  return line.status === 'ok' && line.architecture !== undefined && line.latency_ms !== undefined;
}

/** The unit of the lines that state none; undefined where there are none such. */
function guessUnit(good: readonly MeasurementLine[], quantity: Quantity): { unit: LatencyUnit; note: Note } | undefined {
  const silent = good.flatMap(({ unit, latency }) => (unit || latency === undefined ? [] : [latency]));
  if (silent.length === 0) return undefined;
  const stated = good.flatMap(({ unit, latency }) => (unit && latency !== undefined ? [latency * kMilliseconds[unit]] : []));
  const middle = median(silent);
  const [, likely, name] = kLooksLike.find(([below]) => middle < below)!;
  const unit = stated.length ? closestUnit(middle, median(stated), quantity) : likely;
  const base = kBaseUnits[quantity];
  const in_ms = unit === base ? '' : `, so ${short(middle * kMilliseconds[unit])} ${base}`;
  const message = stated.length
    ? `${silent.length} of ${good.length} values have no unit (median ${short(middle)}); read as ${unit}${in_ms}, close to the others.`
    : `No unit is given. Values look like ${name}: median ${short(middle)}, read as ${unit}${in_ms}.`;
  const fixes = units(quantity).flatMap((other) => (other === unit ? [] : [{ label: `Read as ${other}`, unit: other }]));
  return { unit, note: { kind: 'unit', message, fixes } };
}

function units(quantity: Quantity): LatencyUnit[] {
  return (Object.keys(kMilliseconds) as LatencyUnit[]).filter((unit) => quantityOf(unit) === quantity);
}

function distance(a: number, b: number): number {
  return Math.abs(Math.log(a / b));
}

/** The unit in which a value comes closest to a latency. */
function closestUnit(value: number, latency_ms: number, quantity: Quantity): LatencyUnit {
  const far = (unit: LatencyUnit) => distance(value * kMilliseconds[unit], latency_ms);
  return units(quantity).reduce<LatencyUnit>((best, unit) => (far(unit) < far(best) ? unit : best), kBaseUnits[quantity]);
}

async function farOffNotes(
  asked: Pick<Asked, 'unreached'>,
  usable: readonly UsableLine[],
  unitOf: (line: MeasurementLine) => LatencyUnit,
  quantity: Quantity,
): Promise<Note[]> {
  if (usable.length < kFewestForFarOff) return [];
  const middle = median(usable.map((line) => line.latency_ms));
  const far = usable.filter((line) => distance(line.latency_ms, middle) > Math.log(kFarOff));
  const unreached = await asked.unreached(far.map((line) => line.architecture));
  return far.flatMap((line, i): Note[] => {
    const slower = line.latency_ms > middle;
    // Some runtimes compute a cell that its input does not reach once and for all: next to no time is then the truth.
    if (!slower && unreached[i]) return [];
    const unit = unitOf(line);
    const value = short(line.latency);
    const times = short(slower ? line.latency_ms / middle : middle / line.latency_ms);
    const [more, less] = quantity === 'energy' ? ['more', 'less'] : ['slower', 'faster'];
    const found = `${value} ${unit} is ${times} times ${slower ? more : less} than the median, ${short(middle)} ${kBaseUnits[quantity]}`;
    const meant = closestUnit(line.latency, middle, quantity);
    const plausible = meant !== unit && distance(line.latency * kMilliseconds[meant], middle) < Math.log(kNear);
    const text = plausible ? changeLatency(line, `${line.latency} ${meant}`) : undefined;
    return [
      {
        kind: 'far-off',
        line: line.line,
        message: plausible ? `${found}. Is it in ${meant}?` : `${found}. Is it right?`,
        fixes: text === undefined ? [] : [{ label: `Change to ${value} ${meant}`, line: line.line, text }],
      },
    ];
  });
}

/** The line with another latency, e.g. `12.4 ms`; undefined where it cannot be told apart from the architecture. */
export function changeLatency({ text, latency_text, architecture_text }: MeasurementLine, latency: string): string | undefined {
  if (latency_text === undefined || architecture_text === undefined) return undefined;
  const at = text.lastIndexOf(latency_text);
  const once = text.indexOf(latency_text) === at;
  if (at < 0 || !(once || text.indexOf(architecture_text) < at)) return undefined;
  return text.slice(0, at) + latency + text.slice(at + latency_text.length);
}

function duplicateNotes(usable: readonly UsableLine[]): Note[] {
  const first = new Map<string, Pick<UsableLine, 'line' | 'latency_ms'>>();
  return usable.flatMap(({ architecture, line, latency_ms }): Note[] => {
    const before = first.get(architecture);
    if (before === undefined) {
      first.set(architecture, { line, latency_ms });
      return [];
    }
    // Several readings in one line are meant so.
    if (before.line === line) return [];
    const apart = distance(latency_ms, before.latency_ms);
    const doubt = apart > Math.log(kOneDevice) ? ` They are a factor of ${short(Math.exp(apart))} apart: of the same device, in the same setting?` : '';
    return [{ kind: 'duplicate', line, message: `Same architecture as line ${before.line}; both readings count.${doubt}`, fixes: [] }];
  });
}

/** Spreadsheets drop leading zeros: five digits among sixes are then taken for an index. */
function shortDigitsNotes(usable: readonly UsableLine[]): Note[] {
  const six = usable.filter(({ architecture_text = '' }) => kSixDigits.test(architecture_text)).length;
  if (2 * six < usable.length) return [];
  return usable.flatMap(({ architecture_text = '', latency_text, line, text }): Note[] => {
    if (!/^[0-4]{1,5}$/.test(architecture_text)) return [];
    const digits = architecture_text.padStart(6, '0');
    const message = `${architecture_text} is read as an index. If its leading zeros were lost, write ${digits}.`;
    // An entry of a JSON text is no line of its own that could be replaced.
    const fix = { label: `Change to ${digits}`, line, text: text.replace(architecture_text, digits) };
    return [{ kind: 'short-digits', line, message, fixes: latency_text === undefined ? [] : [fix] }];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function short(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
