/** What the views show, computed from the state; each function remembers its last answer. */

import { isExample, isLimit, type CountFilter, type Mark, type Result, type SortKey, type State } from './state.js';
import { archString, operationsOf, type SpaceTable } from './space.js';
import type { ChartSpec } from './charts.js';
import type { TableData } from './views/cell-table.js';
import { correlation, significant, withUnit } from './format.js';

/** Keeps the last value while every input stays the same object. */
function remember<I extends readonly unknown[], O>(compute: (...inputs: I) => O): (...inputs: I) => O {
  let last: { inputs: I; output: O } | undefined;
  return (...inputs) => {
    if (!last || inputs.some((input, i) => !Object.is(input, last?.inputs[i]))) {
      last = { inputs, output: compute(...inputs) };
    }
    return last.output;
  };
}

/** Measured latency by index, NaN where not measured: everything for an example, else what was pasted. */
export function measured(state: State): Float64Array | undefined {
  const result = state.results[state.device];
  const truth = isExample(state.device) ? state.examples[state.device]?.truth_ms : undefined;
  return result && (truth ?? scatterReadings(result.readings, result.latency_ms.length));
}

const scatterReadings = remember(
  (readings: readonly { index: number; latency_ms: number }[], size: number): Float64Array => {
    const values = new Float64Array(size).fill(Number.NaN);
    for (const reading of readings) values[reading.index] = reading.latency_ms;
    return values;
  },
);

/** Indices the table shows, in its order. */
export function rows(state: State): Int32Array {
  const { space, sort, query, counts } = state;
  if (!space) return new Int32Array(0);
  return filteredRows(space, state.results[state.device]?.latency_ms, measured(state), sort, query, counts);
}

const filteredRows = remember(
  (
    space: SpaceTable,
    latency_ms: Float64Array | undefined,
    known: Float64Array | undefined,
    sort: State['sort'],
    query: string,
    counts: readonly CountFilter[],
  ): Int32Array => {
    const matches = textMatcher(query);
    const limits = counts.map((filter, op) => ({ op, ...filter })).filter(isLimit);
    const kept: number[] = [];
    space.digits.forEach((digits, index) => {
      if (limits.length > 0) {
        const ops = operationsOf(digits);
        for (const { op, min, max } of limits) {
          const found = ops.filter((each) => each === op).length;
          if (found < min || found > max) return;
        }
      }
      if (matches(digits, index)) kept.push(index);
    });
    const value = sortValue(sort.key, space, latency_ms, known);
    const sign = sort.descending ? -1 : 1;
    const keys = new Float64Array(space.digits.length);
    for (const index of kept) keys[index] = value(index);
    // Unknown values stay at the end in both directions.
    kept.sort((a, b) => {
      const x = keys[a] ?? Number.NaN;
      const y = keys[b] ?? Number.NaN;
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
      return sign * (x - y) || a - b;
    });
    return Int32Array.from(kept);
  },
);

function sortValue(
  key: SortKey,
  space: SpaceTable,
  latency_ms: Float64Array | undefined,
  known: Float64Array | undefined,
): (index: number) => number {
  const at = (values: ArrayLike<number> | undefined, index: number): number => values?.[index] ?? Number.NaN;
  switch (key) {
    case 'index':
      return (index) => index;
    case 'cell':
      return (index) => Number(space.digits[index]);
    case 'estimate':
      return (index) => at(latency_ms, index);
    case 'measured':
      return (index) => at(known, index);
    case 'error':
      return (index) => Math.abs(at(latency_ms, index) / at(known, index) - 1);
    case 'macs':
      return (index) => at(space.macs, index);
    case 'params':
      return (index) => at(space.params, index);
  }
}

/** An index, six digits or a part of them (`?` for any digit), or a part of the arch string. */
export function textMatcher(query: string): (digits: string, index: number) => boolean {
  const text = query.trim().toLowerCase();
  if (text === '') return () => true;
  if (/^[0-4?]+$/.test(text)) {
    const pattern = new RegExp(text.length === 6 ? `^${text.replaceAll('?', '.')}$` : text.replaceAll('?', '.'));
    return (digits, index) => pattern.test(digits) || String(index) === text;
  }
  if (/^\d+$/.test(text)) return (_, index) => String(index) === text;
  return (digits) => archString(digits).includes(text);
}

export interface BudgetSummary {
  readonly budget_ms: number;
  readonly within: number;
  /** The one with most multiply-adds within the budget, the fastest of these; undefined where none is. */
  readonly largest?: number;
}

export function budgetSummary(state: State): BudgetSummary | undefined {
  const result = state.results[state.device];
  if (!state.space || !result) return undefined;
  return summarise(state.space, result.latency_ms, state.budget_ms);
}

const summarise = remember((space: SpaceTable, latency_ms: Float64Array, chosen: number | undefined): BudgetSummary => {
  const budget_ms = chosen ?? Number(median(latency_ms).toPrecision(3));
  let within = 0;
  let largest: number | undefined;
  for (let i = 0; i < latency_ms.length; i++) {
    const ms = latency_ms[i] ?? Number.NaN;
    if (!(ms <= budget_ms)) continue;
    within++;
    const macs = space.macs[i] ?? 0;
    const best = largest === undefined ? -1 : (space.macs[largest] ?? 0);
    if (macs > best || (macs === best && ms < (latency_ms[largest ?? i] ?? 0))) largest = i;
  }
  return { budget_ms, within, ...(largest === undefined ? {} : { largest }) };
});

function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function greatest(...lists: readonly (ArrayLike<number> | undefined)[]): number {
  let most = 0;
  for (const list of lists) {
    for (let i = 0; i < (list?.length ?? 0); i++) {
      const value = list?.[i] ?? 0;
      if (value > most) most = value;
    }
  }
  return most;
}

/** All architectures: estimated latency against multiply-adds, the measured ones marked. */
export function spaceChart(state: State): ChartSpec | undefined {
  const result = state.results[state.device];
  const budget = budgetSummary(state);
  if (!state.space || !result || !budget) return undefined;
  return markedSpace(spaceSeries(state.space, result), pointedOut(state), budget.budget_ms);
}

// A chart is painted anew when its spec is another object, so each keeps its own.
const markedSpace = remember((spec: ChartSpec, marked: number, limit: number) => ({ ...spec, marked, limit }));
const markedFit = remember((spec: ChartSpec, marked: number) => ({ ...spec, marked }));
const markedTruth = remember((spec: ChartSpec, marked: number) => ({ ...spec, marked }));

/** The architecture under the pointer, else the selected one. */
export function pointedOut(state: State): number {
  return state.hovered ?? state.selected;
}

/**
 * Only 28 values of multiply-adds exist on this space, so points of one value would lie on one line; a small fixed
 * shift by index spreads them without reaching the next line.
 */
function spread(index: number): number {
  return (((index * 7919) % 1000) / 1000 - 0.5) * 2.6;
}

const spaceSeries = remember((space: SpaceTable, result: Result): ChartSpec => {
  const macs = Float64Array.from(space.macs, (value, index) => value / 1e6 + spread(index));
  const readings = result.readings;
  return {
    label: 'All architectures: estimated latency in milliseconds against multiply-adds in millions',
    x: {
      title: 'estimated latency, ms',
      max:
        greatest(
          result.latency_ms,
          readings.map((r) => r.latency_ms),
        ) * 1.02,
    },
    y: { title: 'multiply-adds, M', max: greatest(macs) * 1.04 },
    series: [
      { name: 'estimated', shape: 'dot', colour: '--accent', x: result.latency_ms, y: macs },
      {
        name: 'measured',
        shape: 'diamond',
        colour: '--measured',
        x: readings.map((r) => r.latency_ms),
        y: readings.map((r) => macs[r.index] ?? 0),
        ids: readings.map((r) => r.index),
      },
    ],
  };
});

/** The measurements: measured against estimated, with and without each of them. */
export function fitChart(state: State): ChartSpec | undefined {
  const result = state.results[state.device];
  return result && markedFit(fitSeries(result), pointedOut(state));
}

const fitSeries = remember((result: Result): ChartSpec => {
  const x = result.readings.map((r) => r.latency_ms);
  const ids = result.readings.map((r) => r.index);
  const fitted = result.readings.map((r) => result.latency_ms[r.index] ?? Number.NaN);
  const held = result.leaveOneOut?.latency_ms;
  const max = greatest(x, fitted, held) * 1.05;
  const range = `${significant(Math.min(...x))} to ${significant(Math.max(...x))}`;
  const quality = result.leaveOneOut
    ? `; rank correlation with each left out ${correlation(result.leaveOneOut.spearman)}`
    : '';
  return {
    label: `Measured against estimated latency of ${x.length} measurements, ${range} ms${quality}`,
    x: { title: 'measured, ms', max },
    y: { title: 'estimated, ms', max },
    diagonal: true,
    series: [
      { name: 'estimated with it', shape: 'diamond', colour: '--measured', x, y: fitted, ids },
      ...(held ? [{ name: 'estimated without it', shape: 'ring', colour: '--held', x, y: held, ids } as const] : []),
    ],
  };
});

/** Examples only: the truth on all architectures that were not among the measurements. */
export function truthChart(state: State): ChartSpec | undefined {
  const result = state.results[state.device];
  const truth = isExample(state.device) ? state.examples[state.device]?.truth_ms : undefined;
  return result && truth ? markedTruth(truthSeries(result, truth), pointedOut(state)) : undefined;
}

const truthSeries = remember((result: Result, truth: Float64Array): ChartSpec => {
  const ids = othersThan(result.readings, truth.length);
  const x = Float64Array.from(ids, (index) => truth[index] ?? Number.NaN);
  const y = Float64Array.from(ids, (index) => result.latency_ms[index] ?? Number.NaN);
  const max = greatest(x, y) * 1.02;
  return {
    label: `Measured against estimated latency of the ${ids.length} other architectures`,
    x: { title: 'measured, ms', max },
    y: { title: 'estimated, ms', max },
    diagonal: true,
    series: [{ name: 'all others', shape: 'dot', colour: '--accent', x, y, ids }],
  };
});

/** Indices of the space that are not among the readings. */
export function othersThan(readings: readonly { index: number }[], size: number): Int32Array {
  const used = new Set(readings.map((reading) => reading.index));
  return Int32Array.from({ length: size }, (_, index) => index).filter((index) => !used.has(index));
}

/** What the table needs, as one object that changes only when the estimates do. */
export function tableData(state: State, known: Float64Array | undefined): TableData | undefined {
  const result = state.results[state.device];
  return state.space && result && known ? joinTable(state.space, result, known) : undefined;
}

const joinTable = remember((space: SpaceTable, result: Result, measured_ms: Float64Array): TableData => ({
  space,
  latency_ms: result.latency_ms,
  measured_ms,
  used: new Set(result.readings.map((reading) => reading.index)),
  most_ms: greatest(result.latency_ms),
}));

/** The lookup text's marks with the estimate beside each line that is an architecture. */
export function lookupMarks(state: State): readonly Mark[] {
  return joinMarks(state.lookup.check?.marks ?? kNoMarks, state.results[state.device]?.latency_ms);
}

const kNoMarks: readonly Mark[] = [];

const joinMarks = remember((marks: readonly Mark[], latency_ms: Float64Array | undefined): readonly Mark[] =>
  marks.map((mark) =>
    mark.index === undefined ? mark : { ...mark, reading: withUnit(latency_ms?.[mark.index] ?? Number.NaN) },
  ),
);
