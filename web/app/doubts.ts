/** What the engine doubts of the measurements, as marks beside their lines with what can be done about it. */

import type { CheckedLine, Doubt, LatencyUnit, Quantity, Review } from '../api/index.js';
import { changeLatency, kMilliseconds, quantityOf } from '../api/measurements.js';
import { plural, significant } from './format.js';
import {
  currentCheck,
  isStale,
  readingKey,
  resultOf,
  sheetOf,
  type Check,
  type Mark,
  type Reading,
  type Remedy,
  type Result,
  type State,
} from './state.js';

/** The marks of the sheet with the doubts added, where these are about the present text. */
export function sheetMarks(state: State): readonly Mark[] {
  const sheet = sheetOf(state);
  const check = currentCheck(sheet);
  const result = resultOf(state);
  // Marks of the text as it was a moment ago are better than none while the new one is being read.
  if (!check || !result?.review || isStale(state)) return sheet.check?.marks ?? kNone;
  return join(check, result, sheet.trusted ?? kNone);
}

const kNone: readonly never[] = [];

/** How many readings count for nothing. */
export function setAside({ doubts = [] }: Partial<Pick<Review, 'doubts'>> = {}): ReadonlySet<number> {
  return new Set(doubts.flatMap(({ set_aside, measurements }) => (set_aside ? measurements : [])));
}

let last: { inputs: readonly unknown[]; marks: readonly Mark[] } | undefined;

function join(check: Check, result: Result, trusted: readonly string[]): readonly Mark[] {
  const inputs = [check, result.review, trusted];
  if (last?.inputs.every((input, i) => input === inputs[i])) return last.marks;
  const found = new Map<number, Pick<Mark, 'kind' | 'message' | 'remedies'>>();
  check.readings.forEach((reading, i) => {
    if (trusted.includes(readingKey(reading))) found.set(i, trustedMark(reading));
  });
  for (const doubt of result.review?.doubts ?? []) {
    // Known devices are known by their latencies.
    if (doubt.kind === 'scale' && check.quantity === 'energy') continue;
    const [first, ...others] = doubt.measurements;
    if (first === undefined) continue;
    const kind = doubt.set_aside ? 'bad' : 'note';
    for (const i of others) if (!found.has(i)) found.set(i, { kind });
    found.set(first, { kind, message: messageOf(doubt, check), remedies: remediesOf(doubt, check) });
  }
  // One line of JSON may hold several readings, so they are counted: all marks but these are of one each.
  let i = 0;
  const marks = check.marks.map((mark) => {
    if (mark.kind === 'bad' || mark.kind === 'skipped') return mark;
    const doubt = found.get(i++);
    return doubt ? { ...mark, ...doubt, fixes: doubt.message ? [] : mark.fixes } : mark;
  });
  last = { inputs, marks };
  return marks;
}

function trustedMark(reading: Reading): Pick<Mark, 'kind' | 'message' | 'remedies'> {
  const action = { type: 'trust', readings: [reading], trusted: false } as const;
  return { kind: 'note', message: 'Counts whatever the others say, as you decided.', remedies: [{ label: 'Judge it again', action }] };
}

/** The engine's words, with numbers of lines in place of numbers of measurements, and without exponents. */
function messageOf({ message, set_aside, measurements }: Doubt, { lines, quantity }: Check): string {
  // Its own line stands before it anyway.
  const told = message.replace(/^measurement \d+ is /, '').replace(/\bmeasurements? (\d+(?:, \d+)*)/g, (_, numbers: string) => {
    const all = numbers.split(', ').map((number) => lines[Number(number) - 1]?.line ?? Number(number));
    return `${all.length === 1 ? 'line' : 'lines'} ${all.join(', ')}`;
  });
  const plain = told.replace(/\b\d(?:\.\d+)?e[+-]\d+/g, (number) => significant(Number(number)));
  const words = quantity === 'energy' ? plain.replace(/\bms\b/g, 'mJ').replace(/\bslower\b/g, 'more').replace(/\bfaster\b/g, 'less') : plain;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1).replace(/[^.?]$/, '$&.');
  if (!set_aside) return sentence;
  return `${sentence} Set aside: ${measurements.length === 1 ? 'it does not count' : 'they do not count'}.`;
}

function remediesOf(doubt: Doubt, check: Check): readonly Remedy[] {
  const { kind, measurements, set_aside } = doubt;
  const one = measurements.length === 1;
  const readings = measurements.flatMap((i) => check.readings[i] ?? []);
  const lines = measurements.flatMap((i) => check.lines[i] ?? []);
  const remedies: Remedy[] = [];
  if (kind === 'unit' || kind === 'scale') {
    const changed = lines.map((line) => rescaled(line, doubt.factor));
    const [first] = changed;
    if (first && changed.every((each) => each !== undefined)) {
      const label = one ? `Change to ${first.shown}` : `Divide all by ${significant(doubt.factor)}`;
      remedies.push({ label, action: { type: 'rewrite', lines: changed } });
    }
  }
  if (set_aside) {
    remedies.push({ label: one ? 'Use it anyway' : 'Use them anyway', action: { type: 'trust', readings, trusted: true } });
  }
  if (kind === 'duplicate') {
    for (const line of lines.slice(0, kMostChoices)) remedies.push(...leaveOut([line], `Leave line ${line.line} out`));
  } else if (kind !== 'scale') {
    remedies.push(...leaveOut(lines, one ? 'Leave it out' : `Leave ${plural(lines.length, 'line')} out`));
  }
  return remedies;
}

const kMostChoices = 4;

/** Turns lines into comments; none where that would not leave the rest readable. */
function leaveOut(lines: readonly CheckedLine[], label: string): readonly Remedy[] {
  // An entry of a JSON text is no line of its own.
  if (lines.some((line) => line.latency_text === undefined)) return [];
  return [{ label, action: { type: 'rewrite', lines: lines.map(({ line, text }) => ({ line, text: `# ${text}` })) } }];
}

/** The line with its latency divided; undefined where it cannot be told apart from the architecture. */
function rescaled(line: CheckedLine, factor: number): { line: number; text: string; shown: string } | undefined {
  if (line.latency === undefined || line.latency_ms === undefined) return undefined;
  const value = Number((line.latency / factor).toPrecision(12));
  // "80.4 s" is more likely meant as "80.4 ms" than as "0.0804 s".
  const meant = value < 0.1 && line.unit ? unitOf(kMilliseconds[line.unit] / factor, quantityOf(line.unit)) : undefined;
  const shown = meant ? `${line.latency} ${meant}` : line.unit ? `${value} ${line.unit}` : String(value);
  const text = changeLatency(line, shown);
  return text === undefined ? undefined : { line: line.line, text, shown };
}

function unitOf(milliseconds: number, quantity: Quantity): LatencyUnit | undefined {
  const units = Object.keys(kMilliseconds) as LatencyUnit[];
  return units.find((unit) => quantityOf(unit) === quantity && Math.abs(kMilliseconds[unit] / milliseconds - 1) < 1e-9);
}
