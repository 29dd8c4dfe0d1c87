/** Tables in place of a built-in space, in this thread. Fetched with its module when the first one is opened. */

import createTablesModule from '../../build-wasm/wasm/latencast-tables.mjs';
import type { RawTable, RawTableEstimate, RawTablesModule } from '../../wasm/latencast-tables.js';

import { errorsOf, intervalsOf, parseJson, toJson, wellFormed } from './crossing.js';
import { ask } from './envelope.js';
import { LatencastError } from './errors.js';
import { startModule, type WasmSource } from './module.js';
import { Held, type Owner } from './owned.js';
import { RowNames } from './table-rows.js';
import type {
  Candidate,
  Intervals,
  Measurement,
  Next,
  NextOptions,
  OwnTable,
  ParsedArchitecture,
  Review,
  SearchResult,
  TableInfo,
  TableOptions,
  TablePredictor,
  TablePredictorInfo,
  TableSearchOptions,
  TableSketch,
  TableTransferOptions,
} from './types.js';

const kUsualCoverage = 0.9;

/** What an engine does with tables. */
export class LocalTables {
  static async start(owner: Owner, wasm?: WasmSource): Promise<LocalTables> {
    const source = wasm ?? new URL('../../build-wasm/wasm/latencast-tables.wasm', import.meta.url);
    return new LocalTables(owner, await startModule((wasmBinary, printErr) => createTablesModule({ wasmBinary, printErr }), source));
  }

  private constructor(
    private readonly owner: Owner,
    private readonly module: RawTablesModule,
  ) {}

  sketch(csv: string, options: TableOptions): TableSketch {
    return parseJson(ask(() => this.module._sketch(wellFormed(csv), toJson(options))));
  }

  open(csv: string, options: TableOptions): OwnTable {
    this.owner.alive();
    return new LocalTable(this.owner, ask(() => this.module._open(wellFormed(csv), toJson(options))));
  }

  liveHandles(): number {
    return ask(() => this.module._liveHandles());
  }
}

class LocalTable extends Held<RawTable> implements OwnTable {
  readonly info: TableInfo;
  readonly #names: RowNames;

  constructor(owner: Owner, raw: RawTable) {
    super(owner, raw, 'table');
    this.info = parseJson(ask(() => raw._info()));
    this.#names = new RowNames(this.info.names);
  }

  async values(heading: string): Promise<Float64Array> {
    const place = this.#place(heading);
    return ask(() => this.raw._values(place));
  }

  async words(heading: string): Promise<readonly string[]> {
    const place = this.#place(heading);
    return parseJson(ask(() => this.raw._words(place)));
  }

  async parse(names: readonly string[]): Promise<ParsedArchitecture[]> {
    return this.#names.parse(names);
  }

  async transfer(measurements: readonly Measurement[], options: TableTransferOptions = {}): Promise<TablePredictor> {
    const { device = 'my device', quantity = 'latency', trusted } = options;
    const names = measurements.map(({ architecture }) => architecture);
    const canonical = this.#names.rows(names).map((row) => this.info.names[row]!);
    const latencies_ms = Float64Array.from(measurements, ({ latency_ms }) => latency_ms);
    const raw = ask(() => this.raw._estimate(toJson(canonical), latencies_ms, toJson({ trusted, errors: errorsOf(measurements) })));
    const used = measurements.map((measurement, i) => ({ ...measurement, architecture: canonical[i]! }));
    return new LocalTablePredictor(this, this.#names, raw, { target: device, quantity, method: 'closed-form', measurements: used });
  }

  #place(heading: string): number {
    const { columns } = this.info;
    const place = columns.findIndex((column) => column.heading === heading);
    if (place >= 0) return place;
    const known = columns.map((column) => column.heading).join(', ');
    throw new LatencastError('argument', `table: no column ${JSON.stringify(heading)}; expected one of ${known}`);
  }
}

class LocalTablePredictor extends Held<RawTableEstimate> implements TablePredictor {
  constructor(
    private readonly table: LocalTable,
    private readonly names: RowNames,
    raw: RawTableEstimate,
    readonly info: TablePredictorInfo,
  ) {
    super(table.owner, raw, 'predictor');
  }

  async intervals(names?: readonly string[], coverage = kUsualCoverage): Promise<Intervals> {
    const all = ask(() => this.raw._intervals(coverage));
    const n = all.length / 3;
    const every: Intervals = { low: all.slice(0, n), latency_ms: all.slice(n, 2 * n), high: all.slice(2 * n) };
    if (!names) return every;
    const rows = this.names.rows(names);
    const some = (values: Float64Array) => Float64Array.from(rows, (row) => values[row]!);
    return { low: some(every.low), latency_ms: some(every.latency_ms), high: some(every.high) };
  }

  async review(): Promise<Review> {
    const { left_out, ...rest } = parseJson(ask(() => this.raw._review()));
    return { ...rest, left_out: intervalsOf(left_out) };
  }

  async next({ count = 1 }: Pick<NextOptions, 'count'> = {}): Promise<Next> {
    const { rows, worth } = parseJson(ask(() => this.raw._next(count)));
    return { architectures: rows.map((row) => this.table.info.names[row]!), worth };
  }

  async search(limits_ms: readonly number[], { quality }: TableSearchOptions = {}): Promise<SearchResult> {
    const values = await this.#quality(quality);
    const { latency_ms } = await this.intervals();
    const candidate = (row: number): Candidate => ({
      architecture: this.table.info.names[row]!,
      latency_ms: latency_ms[row]!,
      quality: values[row]!,
    });
    const { best, front } = parseJson(ask(() => this.raw._search(Float64Array.from(limits_ms), values)));
    return { best: best.map((row) => (row === null ? null : candidate(row))), front: front.map(candidate) };
  }

  async #quality(quality: TableSearchOptions['quality']): Promise<Float64Array> {
    if (quality instanceof Float64Array) return quality;
    const heading = quality ?? this.table.info.qualities[0];
    if (heading === undefined) {
      throw new LatencastError('argument', 'search: the table has no column of qualities; expected one, or a value for each row');
    }
    return this.table.values(heading);
  }
}
