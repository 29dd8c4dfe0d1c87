/**
 * The raw module that `tables_bindings.cpp` makes, name by name; a test holds the two together. Only `web/api` uses it.
 */

import type { Envelope, Json, RawEstimateOptions, RawHandle, RawReview } from './latencast.js';

export interface RawTableOptions {
  /** What errors call the table. */
  readonly path?: string | undefined;
  /** Headings. */
  readonly name?: string | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly qualities?: readonly string[] | undefined;
  readonly ignored?: readonly string[] | undefined;
}

export interface RawTableColumn {
  readonly heading: string;
  readonly kind: 'name' | 'numbers' | 'words' | 'constant' | 'device' | 'quality' | 'ignored' | 'unusable';
}

export interface RawTableSketch {
  readonly rows: number;
  readonly columns: readonly RawTableColumn[];
  /** `line` 0: of the whole table. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

export interface RawTableInfo {
  readonly names: readonly string[];
  readonly columns: readonly RawTableColumn[];
  readonly devices: readonly string[];
  readonly qualities: readonly string[];
}

export interface RawTable extends RawHandle {
  _info(): Envelope<Json<RawTableInfo>>;
  /** By row; NaN where not known. */
  _values(column: number): Envelope<Float64Array>;
  /** By row. */
  _words(column: number): Envelope<Json<readonly string[]>>;
  _estimate(
    names: Json<readonly string[]>,
    latencies_ms: Float64Array,
    options: Json<Pick<RawEstimateOptions, 'trusted' | 'errors'>>,
  ): Envelope<RawTableEstimate>;
}

export interface RawTableEstimate extends RawHandle {
  /** Of every row: all lows, then all medians, then all highs. */
  _intervals(coverage: number): Envelope<Float64Array>;
  _review(): Envelope<Json<RawReview>>;
  /** Rows to measure next, best first. */
  _next(count: number): Envelope<Json<{ readonly rows: readonly number[]; readonly worth: number }>>;
  /** `quality`: by row, NaN where not known. */
  _search(
    limits_ms: Float64Array,
    quality: Float64Array,
  ): Envelope<Json<{ readonly best: readonly (number | null)[]; readonly front: readonly number[] }>>;
}

export interface RawTablesModule {
  _sketch(csv: string, options: Json<RawTableOptions>): Envelope<Json<RawTableSketch>>;
  _open(csv: string, options: Json<RawTableOptions>): Envelope<RawTable>;
  _liveHandles(): Envelope<number>;
}

/** As that of `latencast.d.ts`. */
export default function createTablesModule(options: {
  readonly wasmBinary: Uint8Array;
  readonly printErr?: (line: string) => void;
}): Promise<RawTablesModule>;
