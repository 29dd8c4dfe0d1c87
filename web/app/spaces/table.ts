/** The architectures of a space that the page has numbers of. */

import type { SpaceId, TableColumnKind } from '../../api/index.js';
import { kSpaces, type PageSpace } from './index.js';

/** Facts by row. A space that can be listed has all its architectures, in official order. */
export interface SpaceTable {
  readonly space: PageSpace;
  /** Canonical. */
  readonly architectures: readonly string[];
  /** Multiply-adds. */
  readonly macs: Float64Array;
  /** Trainable parameters. */
  readonly params: Float64Array;
  readonly indexOf: ReadonlyMap<string, number>;
  /** Rows from here on were added by the user: measured, looked up or found. */
  readonly shipped: number;
  /** Of a table of the user's own: what else is known of the rows. */
  readonly columns?: readonly TableColumnValues[];
}

/** A column of a table of the user's own. */
export interface TableColumnValues {
  readonly heading: string;
  readonly kind: TableColumnKind;
  /** By row: NaN where not known, or words. */
  readonly values: Float64Array | readonly string[];
}

/** An architecture to add, with what the engine says of it. */
export interface NewRow {
  readonly architecture: string;
  readonly macs: number;
  readonly params: number;
}

/**
 * `<space>.space.bin`, as `make-examples.mjs` writes it: how many rows (u32), macs (u32 each), params (u32 each), all little
 * endian, then the architectures as text, each followed by a line end.
 */
export function readSpaceTable(space: SpaceId, bytes: ArrayBuffer): SpaceTable {
  const rows = bytes.byteLength < 4 ? 0 : (new Uint32Array(bytes, 0, 1)[0] ?? 0);
  const text = 4 + 8 * rows;
  const architectures =
    text > bytes.byteLength ? [] : new TextDecoder().decode(new Uint8Array(bytes, text)).split('\n').slice(0, -1);
  if (rows === 0 || architectures.length !== rows) {
    throw new Error(
      `${space}.space.bin: ${bytes.byteLength} bytes announce ${rows} rows and hold ${architectures.length}; expected as many of each, one or more`,
    );
  }
  return {
    space,
    architectures,
    macs: new Float64Array(new Uint32Array(bytes, 4, rows)),
    params: new Float64Array(new Uint32Array(bytes, 4 + 4 * rows, rows)),
    indexOf: new Map(architectures.map((architecture, i) => [architecture, i])),
    shipped: rows,
  };
}

/** The table with more rows at its end; those it has already are left out. */
export function extendTable(table: SpaceTable, rows: readonly NewRow[]): SpaceTable {
  const fresh = new Map(rows.map((row) => [row.architecture, row]));
  for (const architecture of table.architectures) fresh.delete(architecture);
  if (fresh.size === 0) return table;
  const added = [...fresh.values()];
  const architectures = [...table.architectures, ...added.map((row) => row.architecture)];
  return {
    ...table,
    architectures,
    macs: joined(table.macs, added.map((row) => row.macs)),
    params: joined(table.params, added.map((row) => row.params)),
    indexOf: new Map(architectures.map((architecture, i) => [architecture, i])),
  };
}

/** The row of an architecture. Throws where the table has none. */
export function rowOf(table: SpaceTable, architecture: string): number {
  const index = table.indexOf.get(architecture);
  if (index === undefined) throw new Error(`${architecture} is not in the table of ${kSpaces[table.space].title}`);
  return index;
}

export function joined(first: Float64Array, rest: ArrayLike<number>): Float64Array {
  const all = new Float64Array(first.length + rest.length);
  all.set(first);
  all.set(rest, first.length);
  return all;
}
