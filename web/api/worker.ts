import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';

import type { Envelope } from '../../wasm/latencast.js';

import { enclose } from './envelope.js';
import { LatencastError } from './errors.js';
import { LocalEngine } from './local.js';
import { loadModule } from './module.js';
import { nodeBuiltin } from './platform.js';
import type { Held, HeldKernelPlatform, HeldPlatform, Host, Report, SampleSettings, SearchSettings, SentWasm, TransferSettings } from './protocol.js';
import type {
  AdaptKernelsOptions,
  AdaptOptions,
  Encoder,
  Encoding,
  ExportOptions,
  Fleet,
  KernelPlatform,
  KernelPool,
  KernelTiming,
  Measurement,
  Model,
  ModelFile,
  ModelMeasurement,
  ModelOptions,
  NextOptions,
  OwnTable,
  Platform,
  Predictor,
  PredictOptions,
  SpaceId,
  TableOptions,
  TablePredictor,
  TableSearchOptions,
  TableTransferOptions,
  TransferProgress,
} from './types.js';

/** A lock that nobody else can have until this thread ends, however it does. */
function holdForLife(name: string): Promise<void> {
  return new Promise((held) => {
    void navigator.locks.request(name, () => {
      held();
      return new Promise<never>(() => {});
    });
  });
}

/** The in-thread engine, answering to the other side's numbers for predictors, encoders and jobs. */
class WorkerHost implements Host {
  #engine: LocalEngine | undefined;
  #report: Report | undefined;
  readonly #predictors = new Map<number, Predictor>();
  readonly #encoders = new Map<number, Encoder>();
  readonly #models = new Map<number, Model>();
  readonly #fleets = new Map<number, Fleet>();
  readonly #platforms = new Map<number, Platform>();
  readonly #pools = new Map<number, KernelPool>();
  readonly #kernelPlatforms = new Map<number, KernelPlatform>();
  readonly #tables = new Map<number, OwnTable>();
  readonly #tablePredictors = new Map<number, TablePredictor>();
  readonly #jobs = new Map<number, AbortController>();
  #ids = 0;

  start(wasm: SentWasm, restWasm: SentWasm, modelsWasm: SentWasm, tablesWasm: SentWasm, report: Report, life?: string) {
    return enclose(async () => {
      if (life !== undefined) await holdForLife(life);
      this.#engine = new LocalEngine(await loadModule(wasm, restWasm), modelsWasm, tablesWasm);
      this.#report = report;
      return null;
    });
  }

  cancel(job: number) {
    this.#jobs.get(job)?.abort();
  }

  load(bytes: Uint8Array) {
    return enclose(async () => this.#hold(await this.#started.load(bytes)));
  }

  loadEncoder(bytes: Uint8Array) {
    return enclose(async () => {
      const encoder = await this.#started.loadEncoder(bytes);
      const id = ++this.#ids;
      this.#encoders.set(id, encoder);
      return { id, space: encoder.space };
    });
  }

  spaces() {
    return enclose(() => this.#started.spaces());
  }

  parse(space: SpaceId, texts: readonly string[]) {
    return enclose(() => this.#started.parse(space, texts));
  }

  facts(space: SpaceId, architectures: readonly string[]) {
    return enclose(() => this.#started.facts(space, architectures));
  }

  enumerate(space: SpaceId) {
    return enclose(() => this.#started.enumerate(space));
  }

  random(space: SpaceId, count: number, seed: number | undefined) {
    return enclose(() => this.#started.random(space, count, seed));
  }

  pool(space: SpaceId) {
    return enclose(() => this.#started.pool(space));
  }

  neighbours(space: SpaceId, architecture: string) {
    return enclose(() => this.#started.neighbours(space, architecture));
  }

  chooseSamples(space: SpaceId, { encoder, ...settings }: SampleSettings) {
    return enclose(() =>
      this.#started.chooseSamples(space, {
        ...settings,
        ...(encoder === undefined ? {} : { encoder: alive(this.#encoders, encoder, 'encoder') }),
      }),
    );
  }

  modelInputs(file: ModelFile) {
    return enclose(() => this.#started.modelInputs(file));
  }

  openModel(file: ModelFile, options: ModelOptions) {
    return enclose(async () => {
      const model = await this.#started.openModel(file, options);
      const id = ++this.#ids;
      this.#models.set(id, model);
      return { id, info: model.info };
    });
  }

  runtimeFamilies() {
    return enclose(() => this.#started.runtimeFamilies());
  }

  exportOnnx(space: SpaceId, architecture: string, options: ExportOptions) {
    return enclose(() => this.#started.exportOnnx(space, architecture, options));
  }

  exportKernel(kernel: string, options: Pick<ExportOptions, 'seed'>) {
    return enclose(() => this.#started.exportKernel(kernel, options));
  }

  decompose(id: number, runtime: string | undefined) {
    return enclose(() => this.#model(id).decompose(runtime));
  }

  loadFleet(bytes: Uint8Array) {
    return enclose(async () => {
      const fleet = await this.#started.loadFleet(bytes);
      const id = ++this.#ids;
      this.#fleets.set(id, fleet);
      const { platforms, models, processors } = fleet;
      return { id, platforms, models, processors };
    });
  }

  platform(fleet: number, id: string) {
    return enclose(async () => this.#holdPlatform(await alive(this.#fleets, fleet, 'fleet').platform(id)));
  }

  adapt(fleet: number, models: readonly number[], latencies_ms: readonly number[], options: AdaptOptions) {
    return enclose(async () => {
      return this.#holdPlatform(await alive(this.#fleets, fleet, 'fleet').adapt(this.#measured(models, latencies_ms), options));
    });
  }

  compare(fleet: number, job: number, model: number, platforms: readonly string[] | undefined) {
    const chosen = platforms ? { platforms } : {};
    return this.#work(job, (options) =>
      alive(this.#fleets, fleet, 'fleet').compare(this.#model(model), { ...options, ...chosen }),
    );
  }

  estimateModel(platform: number, model: number, coverage: number | undefined) {
    return enclose(() => this.#platform(platform).estimate(this.#model(model), coverage));
  }

  reviewPlatform(platform: number) {
    return enclose(() => this.#platform(platform).review());
  }

  nextModels(platform: number, models: readonly number[], count: number) {
    return enclose(() => this.#platform(platform).next(models.map((id) => this.#model(id)), count));
  }

  loadKernelPool(index: Uint8Array) {
    return enclose(async () => {
      const pool = await this.#started.loadKernelPool(index);
      const id = ++this.#ids;
      this.#pools.set(id, pool);
      const { platforms, probes, enough } = pool;
      return { id, platforms, probes, enough };
    });
  }

  similarities(pool: number, timings: readonly KernelTiming[]) {
    return enclose(() => alive(this.#pools, pool, 'pool').similarities(timings));
  }

  loadKernelPlatform(bytes: Uint8Array) {
    return enclose(async () => this.#holdKernels(await this.#started.loadKernelPlatform(bytes)));
  }

  adaptKernels(
    platforms: readonly number[],
    timings: readonly KernelTiming[],
    options: AdaptKernelsOptions,
    models: readonly number[],
    latencies_ms: readonly number[],
  ) {
    return enclose(async () => {
      const known = platforms.map((id) => alive(this.#kernelPlatforms, id, 'platform'));
      return this.#holdKernels(
        await this.#started.adaptKernels(known, timings, { ...options, models: this.#measured(models, latencies_ms) }),
      );
    });
  }

  estimateKernels(platform: number, model: number, family: string | undefined) {
    return enclose(() => alive(this.#kernelPlatforms, platform, 'platform').estimate(this.#model(model), family));
  }

  sketchTable(csv: string, options: TableOptions) {
    return enclose(() => this.#started.sketchTable(csv, options));
  }

  openTable(csv: string, options: TableOptions) {
    return enclose(async () => {
      const table = await this.#started.openTable(csv, options);
      const id = ++this.#ids;
      this.#tables.set(id, table);
      return { id, info: table.info };
    });
  }

  tableValues(table: number, heading: string) {
    return enclose(() => alive(this.#tables, table, 'table').values(heading));
  }

  tableWords(table: number, heading: string) {
    return enclose(() => alive(this.#tables, table, 'table').words(heading));
  }

  transferTable(table: number, measurements: readonly Measurement[], options: TableTransferOptions) {
    return enclose(async () => {
      const predictor = await alive(this.#tables, table, 'table').transfer(measurements, options);
      const id = ++this.#ids;
      this.#tablePredictors.set(id, predictor);
      return { id, info: predictor.info };
    });
  }

  tableIntervals(id: number, names: readonly string[] | undefined, coverage: number | undefined) {
    return enclose(() => this.#tablePredictor(id).intervals(names, coverage));
  }

  reviewTable(id: number) {
    return enclose(() => this.#tablePredictor(id).review());
  }

  nextRows(id: number, options: Pick<NextOptions, 'count'>) {
    return enclose(() => this.#tablePredictor(id).next(options));
  }

  searchTable(id: number, limits_ms: readonly number[], options: TableSearchOptions) {
    return enclose(() => this.#tablePredictor(id).search(limits_ms, options));
  }

  accuracy(predicted: Float64Array, truth: Float64Array) {
    return enclose(() => this.#started.accuracy(predicted, truth));
  }

  liveHandles() {
    return enclose(() => this.#started.liveHandles());
  }

  scores(id: number, job: number, device: string, architectures: readonly string[]) {
    return this.#work(job, (options) => this.#predictor(id).scores(device, architectures, options));
  }

  predict(id: number, job: number, architectures: readonly string[]) {
    return this.#work(job, (options) => this.#predictor(id).predict(architectures, options));
  }

  predictAll(id: number, job: number) {
    return this.#work(job, (options) => this.#predictor(id).predictAll(options));
  }

  transfer(id: number, job: number, measurements: readonly Measurement[], settings: TransferSettings) {
    return this.#work(job, async (options) =>
      this.#hold(await this.#predictor(id).transfer(measurements, { ...settings, ...options })),
    );
  }

  leaveOneOut(id: number, job: number, measurements: readonly Measurement[], settings: TransferSettings) {
    return this.#work(job, (options) => this.#predictor(id).leaveOneOut(measurements, { ...settings, ...options }));
  }

  intervals(id: number, job: number, architectures: readonly string[], coverage: number | undefined) {
    return this.#work(job, (options) => this.#predictor(id).intervals(architectures, coverage, options));
  }

  review(id: number) {
    return enclose(() => this.#predictor(id).review());
  }

  next(id: number, options: NextOptions) {
    return enclose(() => this.#predictor(id).next(options));
  }

  search(id: number, job: number, limits_ms: readonly number[], settings: SearchSettings) {
    return this.#work(job, (options) => this.#predictor(id).search(limits_ms, { ...settings, ...options }));
  }

  encode(id: number, encoding: Encoding, architectures: readonly string[]) {
    return enclose(() => alive(this.#encoders, id, 'encoder').encode(encoding, architectures));
  }

  save(id: number) {
    return enclose(() => this.#predictor(id).save());
  }

  release(id: number) {
    const all = [
      this.#predictors,
      this.#encoders,
      this.#models,
      this.#fleets,
      this.#platforms,
      this.#pools,
      this.#kernelPlatforms,
      this.#tables,
      this.#tablePredictors,
    ];
    for (const held of all) {
      held.get(id)?.dispose();
      held.delete(id);
    }
  }

  get #started(): LocalEngine {
    if (!this.#engine) throw new LatencastError('internal', 'worker: asked before start()');
    return this.#engine;
  }

  #predictor(id: number): Predictor {
    return alive(this.#predictors, id, 'predictor');
  }

  #measured(models: readonly number[], latencies_ms: readonly number[]): ModelMeasurement[] {
    return models.map((id, i) => ({ model: this.#model(id), latency_ms: latencies_ms[i] ?? NaN }));
  }

  #model(id: number): Model {
    return alive(this.#models, id, 'model');
  }

  #platform(id: number): Platform {
    return alive(this.#platforms, id, 'platform');
  }

  #tablePredictor(id: number): TablePredictor {
    return alive(this.#tablePredictors, id, 'predictor');
  }

  #holdPlatform(platform: Platform): HeldPlatform {
    const id = ++this.#ids;
    this.#platforms.set(id, platform);
    return { id, family: platform.family };
  }

  #holdKernels(platform: KernelPlatform): HeldKernelPlatform {
    const id = ++this.#ids;
    this.#kernelPlatforms.set(id, platform);
    const { family, entry, similar, set_aside } = platform;
    return { id, family, entry, similar, set_aside };
  }

  #hold(predictor: Predictor): Held {
    const id = ++this.#ids;
    this.#predictors.set(id, predictor);
    return { id, info: predictor.info };
  }

  async #work<T>(job: number, run: (options: Required<PredictOptions>) => Promise<T>): Promise<Envelope<T>> {
    const controller = new AbortController();
    this.#jobs.set(job, controller);
    const report = this.#report;
    const { signal } = controller;
    let told: Promise<void> | undefined;
    const onProgress = (progress: TransferProgress) => void (told = report?.(job, progress));
    const result = await enclose(() => run({ signal, onProgress }));
    this.#jobs.delete(job);
    // Progress has a channel of its own; the result must not overtake the last of it.
    await told;
    return result;
  }
}

function alive<T>(held: ReadonlyMap<number, T>, id: number, what: string): T {
  const found = held.get(id);
  if (!found) throw new LatencastError('disposed', `${what}: used after dispose(); expected it to be alive`);
  return found;
}

const port = nodeBuiltin('node:worker_threads')?.parentPort;
Comlink.expose(new WorkerHost(), port ? nodeEndpoint(port) : undefined);
