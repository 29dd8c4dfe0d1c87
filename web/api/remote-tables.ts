/** Tables in the worker: this end of them and of what is believed of a device over them. */

import type { HeldTable, HeldTablePredictor } from './protocol.js';
import { Remote } from './remote-models.js';
import type { RemoteEngine } from './remote.js';
import { RowNames } from './table-rows.js';
import type {
  Intervals,
  Measurement,
  Next,
  NextOptions,
  OwnTable,
  ParsedArchitecture,
  Review,
  SearchResult,
  TableInfo,
  TablePredictor,
  TablePredictorInfo,
  TableSearchOptions,
  TableTransferOptions,
} from './types.js';

export class RemoteTable extends Remote implements OwnTable {
  readonly info: TableInfo;
  readonly #names: RowNames;

  constructor(engine: RemoteEngine, { id, info }: HeldTable) {
    super(engine, id, 'table');
    this.info = info;
    this.#names = new RowNames(info.names);
  }

  async values(heading: string): Promise<Float64Array> {
    const { id } = this;
    return this.engine.call((host) => host.tableValues(id, heading));
  }

  async words(heading: string): Promise<readonly string[]> {
    const { id } = this;
    return this.engine.call((host) => host.tableWords(id, heading));
  }

  async parse(names: readonly string[]): Promise<ParsedArchitecture[]> {
    return this.#names.parse(names);
  }

  async transfer(measurements: readonly Measurement[], options: TableTransferOptions = {}): Promise<TablePredictor> {
    const { id } = this;
    return new RemoteTablePredictor(this.engine, await this.engine.call((host) => host.transferTable(id, measurements, options)));
  }
}

class RemoteTablePredictor extends Remote implements TablePredictor {
  readonly info: TablePredictorInfo;

  constructor(engine: RemoteEngine, { id, info }: HeldTablePredictor) {
    super(engine, id, 'predictor');
    this.info = info;
  }

  async intervals(names?: readonly string[], coverage?: number): Promise<Intervals> {
    const { id } = this;
    return this.engine.call((host) => host.tableIntervals(id, names, coverage));
  }

  async review(): Promise<Review> {
    const { id } = this;
    return this.engine.call((host) => host.reviewTable(id));
  }

  async next(options: Pick<NextOptions, 'count'> = {}): Promise<Next> {
    const { id } = this;
    return this.engine.call((host) => host.nextRows(id, options));
  }

  async search(limits_ms: readonly number[], options: TableSearchOptions = {}): Promise<SearchResult> {
    const { id } = this;
    return this.engine.call((host) => host.searchTable(id, limits_ms, options));
  }
}
