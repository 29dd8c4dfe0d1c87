/** Files the user takes away. */

import type { NpyColumn } from '../api/npz.js';
import { csvField } from './format.js';
import { kSpaces } from './spaces/index.js';
import type { SpaceTable } from './spaces/table.js';
import type { Result } from './state.js';

/** Offers bytes as a download. */
export function saveFile(name: string, content: string | Uint8Array | Blob, type: string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** What a table to take away holds in one place; NaN is left empty. */
export type Cell = string | number;

/** A table, its heading first, as CSV. */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  const text = (cell: Cell): string => (typeof cell === 'string' ? csvField(cell) : known(cell));
  return rows.map((row) => `${row.map(text).join(',')}\n`).join('');
}

/** A further column, by row. */
export interface Column {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/**
 * What is known of some rows of the table, as columns by name; latencies in milliseconds or energies in millijoules, the truth
 * between low and high with 90 %; what is unknown is NaN; macs and params are counts.
 */
export function columnsOf(
  table: SpaceTable,
  rows: ArrayLike<number>,
  { latency_ms, low, high }: Pick<Result, 'latency_ms' | 'low' | 'high'>,
  measured_ms: Float64Array,
  more: readonly Column[],
  unit: 'ms' | 'mJ',
): Readonly<Record<string, NpyColumn>> {
  const { listed, long, counted } = kSpaces[table.space];
  const of = (values: ArrayLike<number>): Float64Array => Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
  const text = (write: (architecture: string) => string): NpyColumn => ({
    kind: 'text',
    values: Array.from(rows, (row) => write(table.architectures[row] ?? '')),
  });
  const float = (values: ArrayLike<number>): NpyColumn => ({ kind: 'float', values: of(values) });
  const whole = (values: ArrayLike<number>): NpyColumn => ({ kind: 'whole', values: of(values) });
  const suffix = unit.toLowerCase();
  return {
    ...(listed && counted ? { index: { kind: 'whole', values: rows } } : {}),
    ...(counted ? { arch: text((architecture) => architecture), arch_str: text(long) } : { name: text(long) }),
    [unit === 'ms' ? 'latency_ms' : 'energy_mj']: float(latency_ms),
    ...(low && high ? { [`low_${suffix}`]: float(low), [`high_${suffix}`]: float(high) } : {}),
    [`measured_${suffix}`]: float(measured_ms),
    ...Object.fromEntries(more.map(({ name, values }) => [name, float(values)])),
    ...(counted ? { macs: whole(table.macs), params: whole(table.params) } : {}),
  };
}

/** Columns as CSV, a line for each place. */
export function csvOfColumns(columns: Readonly<Record<string, NpyColumn>>): string {
  const names = Object.keys(columns);
  const lists = Object.values(columns).map(({ values }) => values);
  const rows = Array.from({ length: lists[0]?.length ?? 0 }, (_, i) => lists.map((values) => values[i] ?? ''));
  return csvOf([names, ...rows]);
}

const kDigits = 7; // significant ones of a fraction; counts are whole

function known(value: number): string {
  if (Number.isNaN(value)) return '';
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(kDigits)));
}
