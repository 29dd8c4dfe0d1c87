/** What the views show, computed from the state; each function remembers its last answer. */

import {
  isFiltered,
  kQualities,
  limits,
  resultOf,
  spaceId,
  tableOf,
  unitOf,
  viewOf,
  type Accuracies,
  type CountFilter,
  type Mark,
  type OwnQuality,
  type QualityId,
  type Result,
  type SortKey,
  type State,
} from './state.js';
import { kSpaces } from './spaces/index.js';
import type { SpaceTable } from './spaces/table.js';
import type { ChartSpec, PointSeries } from './charts.js';
import { inOrder, paretoFront } from './front.js';
import type { TableData } from './views/cell-table.js';
import { kBaseUnits } from '../api/measurements.js';
import { setAside } from './doubts.js';
import { between, correlation, count, significant, withUnit } from './format.js';

/** Keeps the last value while every input stays the same object. */
export function remember<I extends readonly unknown[], O>(compute: (...inputs: I) => O): (...inputs: I) => O {
  let last: { inputs: I; output: O } | undefined;
  return (...inputs) => {
    if (!last || inputs.some((input, i) => !Object.is(input, last?.inputs[i]))) {
      last = { inputs, output: compute(...inputs) };
    }
    return last.output;
  };
}

/** Measured latency by row, NaN where not measured: everything for an example, else what was pasted. */
export function measured(state: State): Float64Array | undefined {
  const result = resultOf(state);
  const table = tableOf(state);
  const truth = state.truths[state.device];
  return result && table && (truth ?? scatterReadings(result.readings, table.architectures.length));
}

const scatterReadings = remember(
  (readings: readonly { index: number; latency_ms: number }[], size: number): Float64Array => {
    const values = new Float64Array(size).fill(Number.NaN);
    for (const reading of readings) values[reading.index] = reading.latency_ms;
    return values;
  },
);

// ---- quality: what stands against latency ----

export interface Quality {
  readonly id: QualityId;
  /** Of the axis, with its unit. */
  readonly title: string;
  /** Within a sentence. */
  readonly name: string;
  readonly unit: string;
  /** By row; NaN where unknown. */
  readonly values: Float64Array;
}

export const kQualityTitles: Readonly<Record<(typeof kQualities)[number], string>> = {
  macs: 'multiply-adds',
  cifar10: 'accuracy, CIFAR-10',
  cifar100: 'accuracy, CIFAR-100',
  imagenet16: 'accuracy, ImageNet16-120',
  own: 'my own numbers',
};

/** The chosen one; multiply-adds where its numbers are not there. */
export function quality(state: State): Quality | undefined {
  const table = tableOf(state);
  if (!table) return undefined;
  const { quality: id } = viewOf(state);
  const own = id === 'own' ? state.own[table.space] : undefined;
  if (own) return ownQuality(table, own);
  if (table.columns) return columnQuality(table, id);
  if (state.accuracies && table.space === 'nb201' && (id === 'cifar10' || id === 'cifar100' || id === 'imagenet16')) {
    return accuracyQuality(id, state.accuracies[id]);
  }
  return macsQuality(table);
}

/** Columns of a table of the user's own that may stand against latency: what is to be large first, then those of most different values. */
export const qualityColumns = remember(({ columns = [] }: SpaceTable): readonly { readonly id: QualityId; readonly title: string }[] => {
  const having = (kind: string) => columns.filter((column) => column.kind === kind);
  const different = new Map(columns.map((column) => [column, new Set<unknown>(column.values).size]));
  const numbers = having('numbers').sort((a, b) => (different.get(b) ?? 0) - (different.get(a) ?? 0));
  return [...having('quality'), ...numbers].map(({ heading }) => ({ id: `column:${heading}`, title: heading }));
});

const columnQuality = remember((table: SpaceTable, chosen: QualityId): Quality => {
  const offered = qualityColumns(table);
  const { id, title } = offered.find((column) => column.id === chosen) ?? offered[0] ?? { id: 'column:', title: 'number of the row' };
  const values = table.columns?.find(({ heading }) => heading === title)?.values;
  const numbers = values instanceof Float64Array ? values : Float64Array.from(table.architectures, (_, row) => row + 1);
  return { id, title, name: title, unit: '', values: numbers };
});

const macsQuality = remember((table: SpaceTable): Quality => ({
  id: 'macs',
  title: 'multiply-adds, M',
  name: 'multiply-adds',
  unit: ' M',
  values: table.macs.map((macs) => macs / 1e6),
}));

const accuracyQuality = remember((id: keyof Accuracies, values: Float64Array): Quality => ({
  id,
  title: `${kQualityTitles[id].replace('accuracy,', 'accuracy on')}, %`,
  name: kQualityTitles[id].replace('accuracy,', 'accuracy on'),
  unit: ' %',
  values,
}));

const ownQuality = remember((table: SpaceTable, { filename, values }: OwnQuality): Quality => ({
  id: 'own',
  title: filename,
  name: `in ${filename}`,
  unit: '',
  values: Float64Array.from(table.architectures, (architecture) => values.get(architecture) ?? Number.NaN),
}));

// ---- filters ----

/** 1 for each row that search and filters leave in; undefined where they leave out none. */
export function shownRows(state: State): Uint8Array | undefined {
  const table = tableOf(state);
  const { query, counts } = viewOf(state);
  return table && isFiltered(state) ? matching(table, query, counts) : undefined;
}

const matching = remember((table: SpaceTable, query: string, counts: readonly CountFilter[]): Uint8Array => {
  const { matcher, countables } = kSpaces[table.space];
  const matches = matcher(query);
  const set = limits(table.space, counts);
  return Uint8Array.from(table.architectures, (architecture, index) => {
    for (const { which, min, max } of set) {
      const found = countables[which]?.count(architecture) ?? 0;
      if (found < min || found > max) return 0;
    }
    return Number(matches(architecture, index));
  });
});

/** Rows that no other beats in both latency and quality, fastest first; of those that the filters leave in. */
export function front(state: State): readonly number[] {
  const result = resultOf(state);
  const against = quality(state);
  return result && against ? frontOf(result.latency_ms, against.values, shownRows(state)) : kNothing;
}

const kNothing: readonly never[] = [];

const frontOf = remember(paretoFront);

export interface BudgetSummary {
  readonly budget_ms: number;
  readonly within: number;
  /** Rows with an estimate, of those that the filters leave in. */
  readonly estimated: number;
  /** The row of highest quality within the budget, the fastest of these; undefined where none is. */
  readonly best?: number;
}

export function budgetSummary(state: State): BudgetSummary | undefined {
  const result = resultOf(state);
  return result && summarise(result.latency_ms, viewOf(state).budget_ms, front(state), shownRows(state));
}

const summarise = remember(
  (latency_ms: Float64Array, chosen: number | undefined, rows: readonly number[], shown: Uint8Array | undefined): BudgetSummary => {
    const all = latency_ms.filter((ms) => ms > 0);
    // The same whatever is left in, so that a filter does not move the line.
    const budget_ms = chosen ?? Number((all.length === 0 ? 0 : inOrder(all, all.length >> 1)).toPrecision(3));
    const kept = shown ? latency_ms.filter((ms, i) => ms > 0 && shown[i] === 1) : all;
    const within = kept.filter((ms) => ms <= budget_ms).length;
    // Both latency and quality grow along the front.
    const best = rows.filter((row) => (latency_ms[row] ?? Number.NaN) <= budget_ms).at(-1);
    return { budget_ms, within, estimated: kept.length, ...(best === undefined ? {} : { best }) };
  },
);

// ---- table ----

/** Rows the table shows, in its order. */
export function rows(state: State): Int32Array {
  const table = tableOf(state);
  if (!table) return new Int32Array(0);
  return filteredRows(table, resultOf(state), measured(state), quality(state)?.values, viewOf(state).sort, shownRows(state));
}

const filteredRows = remember(
  (
    table: SpaceTable,
    result: Result | undefined,
    known: Float64Array | undefined,
    against: Float64Array | undefined,
    sort: { readonly key: SortKey; readonly descending: boolean },
    shown: Uint8Array | undefined,
  ): Int32Array => {
    const kept = Array.from(table.architectures.keys()).filter((index) => !shown || shown[index] === 1);
    if (sort.key === 'cell') {
      const sign = sort.descending ? -1 : 1;
      const text = (index: number): string => table.architectures[index] ?? '';
      kept.sort((a, b) => sign * (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
      return Int32Array.from(kept);
    }
    const value = sortValue(sort.key, table, result, known, against);
    const sign = sort.descending ? -1 : 1;
    const keys = new Float64Array(table.architectures.length);
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
  key: Exclude<SortKey, 'cell'>,
  table: SpaceTable,
  result: Result | undefined,
  known: Float64Array | undefined,
  against: Float64Array | undefined,
): (index: number) => number {
  const at = (values: ArrayLike<number> | undefined, index: number): number => values?.[index] ?? Number.NaN;
  switch (key) {
    case 'index':
      return (index) => index;
    case 'estimate':
      return (index) => at(result?.latency_ms, index);
    case 'interval':
      return (index) => at(result?.high, index) / at(result?.low, index);
    case 'measured':
      return (index) => at(known, index);
    case 'error':
      return (index) => Math.abs(at(result?.latency_ms, index) / at(known, index) - 1);
    case 'macs':
      return (index) => at(table.macs, index);
    case 'params':
      return (index) => at(table.params, index);
    case 'quality':
      return (index) => at(against, index);
  }
}

/** What the table needs, as one object that changes only when the estimates do. */
export function tableData(state: State): TableData | undefined {
  const result = resultOf(state);
  const table = tableOf(state);
  const known = measured(state);
  const against = quality(state);
  return table && result && known && against ? joinTable(table, result, known, against) : undefined;
}

const joinTable = remember((table: SpaceTable, result: Result, measured_ms: Float64Array, against: Quality): TableData => ({
  table,
  unit: kBaseUnits[result.quantity],
  latency_ms: result.latency_ms,
  ...(result.low && result.high ? { bounds: { low: result.low, high: result.high } } : {}),
  measured_ms,
  ...(against.id === 'macs' ? {} : { quality: against }),
  used: new Set(used(result).map((reading) => reading.index)),
  most_ms: greatest(result.latency_ms),
}));

/** Readings that count. */
function used(result: Result): Result['readings'] {
  const aside = setAside(result.review);
  return aside.size === 0 ? result.readings : result.readings.filter((_, i) => !aside.has(i));
}

/** Where the truth lies with 90 %, as text; empty where that is not known. */
export function boundsText(result: Result | undefined, row: number): string {
  return between(result?.low?.[row], result?.high?.[row]);
}

// ---- charts ----

/** The largest number of some lists, 0 where there is none. */
export function greatest(...lists: readonly (ArrayLike<number> | undefined)[]): number {
  let most = 0;
  for (const list of lists) {
    for (let i = 0; i < (list?.length ?? 0); i++) {
      const value = list?.[i] ?? 0;
      if (value > most) most = value;
    }
  }
  return most;
}

/** All architectures: estimated latency against quality, the measured ones and the front marked. */
export function spaceChart(state: State): ChartSpec | undefined {
  const result = resultOf(state);
  const table = tableOf(state);
  const against = quality(state);
  const budget = budgetSummary(state);
  if (!table || !result || !against || !budget) return undefined;
  return markedSpace(spaceSeries(table, result, against, front(state), shownRows(state)), pointedOut(state), budget.budget_ms);
}

// A chart is painted anew when its spec is another object, so each keeps its own.
const markedSpace = remember((spec: ChartSpec, marked: number, limit: number) => ({ ...spec, marked, limit }));
const markedFit = remember((spec: ChartSpec, marked: number) => ({ ...spec, marked }));
const markedTruth = remember((spec: ChartSpec, marked: number) => ({ ...spec, marked }));

/** The architecture under the pointer, else the selected one, else the first. */
export function pointedOut(state: State): number {
  const row = state.hovered ?? viewOf(state).selected;
  return row < (tableOf(state)?.architectures.length ?? 0) ? row : 0;
}

/** A small fixed shift by row, within -0.5..0.5. */
function spread(index: number): number {
  return ((index * 7919) % 1000) / 1000 - 0.5;
}

/** The share of architectures below the chart where quality has no natural zero: few bad ones would squeeze all others together. */
const kBelowChart = 0.1;

/** Where an axis begins that leaves out so many, and how many these are. */
const axisBegin = remember((values: Float64Array): { readonly lowest: number; readonly below: number } | undefined => {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return undefined;
  const lowest = inOrder(known, Math.floor(kBelowChart * known.length));
  return { lowest, below: known.filter((value) => value < lowest).length };
});

const spaceSeries = remember((table: SpaceTable, result: Result, against: Quality, rows: readonly number[], shown: Uint8Array | undefined): ChartSpec => {
  const { id, values } = against;
  const { macsSpread } = kSpaces[table.space];
  const y = id === 'macs' ? values.map((value, index) => value + (macsSpread / 1e6) * spread(index)) : values;
  const begin = axisBegin(values);
  const lowest = begin?.lowest ?? 0;
  const highest = greatest(y);
  const readings = used(result);
  return {
    label: `All architectures: estimated ${result.quantity} in ${kBaseUnits[result.quantity]} against ${against.title}`,
    x: {
      title: result.quantity === 'energy' ? 'estimated energy, mJ' : 'estimated latency, ms',
      max:
        greatest(
          result.latency_ms,
          readings.map((r) => r.latency_ms),
        ) * 1.02,
    },
    y: {
      title: against.title,
      ...(id === 'macs' ? {} : { min: lowest - 0.02 * (highest - lowest) }),
      max: highest + 0.04 * (id === 'macs' ? highest : highest - lowest),
    },
    series: [
      {
        name: 'estimated',
        shape: 'dot',
        colour: '--accent',
        x: result.latency_ms,
        y,
        ...(shown ? { shown } : {}),
        ...(result.low && result.high ? { bars: { along: 'x', low: result.low, high: result.high } as const } : {}),
      },
      {
        name: 'measured',
        shape: 'diamond',
        colour: '--measured',
        x: readings.map((r) => r.latency_ms),
        y: readings.map((r) => y[r.index] ?? Number.NaN),
        ids: readings.map((r) => r.index),
      },
      {
        name: 'Pareto front',
        shape: 'steps',
        colour: '--ink',
        x: rows.map((row) => result.latency_ms[row] ?? Number.NaN),
        y: rows.map((row) => y[row] ?? Number.NaN),
        ids: rows,
      },
    ],
    ...(id === 'macs' || !begin ? {} : { remark: `${count(begin.below)} below ${significant(lowest)}${against.unit} not drawn` }),
  };
});

/** What goes through all rows, in the order in which one needs another. Whoever brings new estimates can have them computed beforehand. */
export const kHeavy: readonly ((state: State) => unknown)[] = [front, budgetSummary, spaceChart, rows, tableData];

/** The measurements: measured against estimated, with and without each of them. */
export function fitChart(state: State): ChartSpec | undefined {
  const result = resultOf(state);
  return result && markedFit(fitSeries(result), pointedOut(state));
}

const fitSeries = remember((result: Result): ChartSpec => {
  const unit = kBaseUnits[result.quantity];
  const x = result.readings.map((r) => r.latency_ms);
  const ids = result.readings.map((r) => r.index);
  const fitted = result.readings.map((r) => result.latency_ms[r.index] ?? Number.NaN);
  const { latency_ms: held, low, high } = result.leaveOneOut ?? {};
  // What is set aside may be a thousand times off and would squeeze all others together.
  const aside = setAside(result.review);
  const counting = <T>(values: readonly T[] | undefined): readonly T[] => values?.filter((_, i) => !aside.has(i)) ?? [];
  const max = greatest(counting(x), counting(fitted), counting(high ?? held)) * 1.05;
  const range = `${significant(Math.min(...x))} to ${significant(Math.max(...x))}`;
  const quality = result.leaveOneOut
    ? `; rank correlation with each left out ${correlation(result.leaveOneOut.spearman)}`
    : '';
  return {
    label: `Measured against estimated ${result.quantity} of ${x.length} measurements, ${range} ${unit}${quality}`,
    x: { title: `measured, ${unit}`, max },
    y: { title: `estimated, ${unit}`, max },
    diagonal: true,
    series: [
      ...(['diamond', 'cross'] as const).flatMap((shape): PointSeries[] => {
        const some = result.readings.flatMap((_, i) => (aside.has(i) === (shape === 'cross') ? [i] : []));
        const of = (values: readonly number[]): number[] => some.map((i) => values[i] ?? Number.NaN);
        const name = shape === 'cross' ? 'set aside' : 'estimated with it';
        return some.length === 0 ? [] : [{ name, shape, colour: '--measured', x: of(x), y: of(fitted), ids: of(ids) }];
      }),
      ...(held
        ? [
            {
              name: low && high ? 'estimated without it, 90 % interval' : 'estimated without it',
              shape: 'ring',
              colour: '--held',
              x,
              y: held,
              ids,
              ...(low && high ? { bars: { along: 'y', low, high } as const } : {}),
            } as const,
          ]
        : []),
    ],
  };
});

/** Examples of a space measured as a whole: the truth on all architectures that were not among the measurements. */
export function truthChart(state: State): ChartSpec | undefined {
  const result = resultOf(state);
  const truth = state.truths[state.device];
  return result && truth ? markedTruth(truthSeries(result, truth), pointedOut(state)) : undefined;
}

const truthSeries = remember((result: Result, truth: Float64Array): ChartSpec => {
  const ids = othersThan(result.readings, truth.length);
  const x = Float64Array.from(ids, (index) => truth[index] ?? Number.NaN);
  const at = (values: Float64Array): Float64Array => Float64Array.from(ids, (index) => values[index] ?? Number.NaN);
  const y = at(result.latency_ms);
  const max = greatest(x, y) * 1.02;
  return {
    label: `Measured against estimated latency of the ${ids.length} other architectures`,
    x: { title: 'measured, ms', max },
    y: { title: 'estimated, ms', max },
    diagonal: true,
    series: [
      {
        name: 'all others',
        shape: 'dot',
        colour: '--accent',
        x,
        y,
        ids,
        ...(result.low && result.high ? { bars: { along: 'y', low: at(result.low), high: at(result.high) } as const } : {}),
      },
    ],
  };
});

/** Rows that are not among the readings. */
export function othersThan(readings: readonly { index: number }[], size: number): Int32Array {
  const used = new Set(readings.map((reading) => reading.index));
  return Int32Array.from({ length: size }, (_, index) => index).filter((index) => !used.has(index));
}

// ---- lookup ----

/** The lookup text's marks with the estimate beside each line that is an architecture. */
export function lookupMarks(state: State): readonly Mark[] {
  return joinMarks(state.lookups[spaceId(state)].check?.marks ?? kNothing, resultOf(state)?.latency_ms, unitOf(state));
}

const joinMarks = remember((marks: readonly Mark[], latency_ms: Float64Array | undefined, unit: string): readonly Mark[] =>
  marks.map((mark) =>
    mark.index === undefined ? mark : { ...mark, reading: withUnit(latency_ms?.[mark.index] ?? Number.NaN, unit) },
  ),
);
