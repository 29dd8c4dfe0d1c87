import type { Json, List, RawEncoder, RawHandle, RawModule, RawPredictor, RawTransfer, RawTransferOptions } from '../../wasm/latencast.js';

import { errorsOf, fromList, intervalsOf, parseJson, toJson, toList, wellFormed } from './crossing.js';
import { ask } from './envelope.js';
import { LatencastError } from './errors.js';
import type { LocalModels } from './models.js';
import type { SplitModule, WasmSource } from './module.js';
import { kDispose, own, Owned, type Owner } from './owned.js';
import { tableText } from './table-rows.js';
import type { LocalTables } from './tables.js';
import { drive, kSliceMilliseconds, type Share, type Steps } from './slices.js';
import type {
  Accuracy,
  AdaptKernelsOptions,
  ArchitectureFacts,
  Encoder,
  Encoding,
  Engine,
  ExportOptions,
  Fleet,
  Intervals,
  KernelPlatform,
  KernelPool,
  KernelTiming,
  LeaveOneOut,
  Measurement,
  Method,
  Model,
  ModelFile,
  ModelOptions,
  Next,
  NextOptions,
  OwnTable,
  ParsedArchitecture,
  Predictor,
  PredictorInfo,
  PredictOptions,
  Quality,
  Review,
  RuntimeFamily,
  SampleOptions,
  SearchOptions,
  SearchResult,
  SpaceId,
  SpaceInfo,
  StatedInput,
  TableOptions,
  TableRows,
  TableSketch,
  TransferOptions,
} from './types.js';

/**
 * Architectures in one call of the network, which cannot be interrupted. Cells share much of their work, so more in a call is
 * cheaper; long chains share little, and many of them fill the memory.
 */
const kPredictChunk: Readonly<Record<SpaceId, number>> = { nb201: 16_384, fbnet: 512, ofa: 512 };

/** The same for `facts`, which shares nothing. */
const kFactsChunk = 512;

const kUsualCoverage = 0.9;

/** Architectures that stand for a space too large to list. */
const kPoolSize = 5000;

/** Fine-tuning needs 3, and leave-one-out holds one back; a rank correlation of fewer says nothing. */
const kFewestForLeaveOneOut = 4;

/** Options that a method has no use for. */
const kForeignOptions: Record<Method, readonly (keyof TransferOptions)[]> = {
  'closed-form': ['epochs', 'learning_rate', 'seed'],
  finetune: ['trusted'],
  combined: [],
};

/** The engine in this thread. Long work gives way to the event loop every few milliseconds. */
export class LocalEngine implements Engine, Owner {
  readonly kind = 'local';
  /** What lives in the modules, for the day the engine goes before it. */
  readonly handles = new Set<RawHandle>();
  readonly #module: Owned<RawModule>;
  readonly #rest: SplitModule['whole'];
  readonly #modelsWasm: WasmSource | undefined;
  readonly #tablesWasm: WasmSource | undefined;
  #models: Promise<LocalModels> | undefined;
  #tables: Promise<LocalTables> | undefined;

  constructor({ raw: module, whole }: SplitModule, modelsWasm?: WasmSource, tablesWasm?: WasmSource) {
    const { handles } = this;
    this.#rest = whole;
    this.#modelsWasm = modelsWasm;
    this.#tablesWasm = tablesWasm;
    this.#module = new Owned(
      module,
      () => {
        for (const handle of handles) handle.delete();
        handles.clear();
      },
      'engine',
    );
  }

  /** Throws `disposed` once the engine is. */
  get module(): RawModule {
    return this.#module.value;
  }

  /** Throws `disposed` once the engine is. */
  alive(): void {
    void this.module;
  }

  /** Before the network, encoders, samplers, search and writing: their part of the module, fetched when it is first needed. */
  async whole(): Promise<void> {
    this.alive();
    await this.#rest();
  }

  async load(bytes: Uint8Array): Promise<Predictor> {
    return new LocalPredictor(this, ask(() => this.module._load(bytes)));
  }

  async loadEncoder(bytes: Uint8Array): Promise<Encoder> {
    await this.whole();
    return new LocalEncoder(this, ask(() => this.module._loadEncoder(bytes)));
  }

  async spaces(): Promise<SpaceInfo[]> {
    return parseJson(ask(() => this.module._spaces())).map((space) => ({ ...space, id: space.id as SpaceId }));
  }

  async parse(space: SpaceId, texts: readonly string[]): Promise<ParsedArchitecture[]> {
    const parsed = ask(() => this.module._parse(space, toList(texts)));
    const messages = parseJson(parsed.messages);
    return fromList(parsed.architectures).map((architecture, i) => {
      const message = messages[i];
      return typeof message === 'string'
        ? { ok: false, message }
        : { ok: true, architecture, index: parsed.indices[i]! };
    });
  }

  async facts(space: SpaceId, architectures: readonly string[]): Promise<ArchitectureFacts[]> {
    const engine = this;
    return drive('predict', function* () {
      const all: ArchitectureFacts[] = [];
      for (const chunk of chunks(architectures, kFactsChunk)) {
        all.push(...parseJson(ask(() => engine.module._facts(space, toList(chunk)))));
        yield { done: all.length / architectures.length };
      }
      return all;
    });
  }

  async enumerate(space: SpaceId): Promise<string[]> {
    return fromList(ask(() => this.module._enumerate(space)));
  }

  async random(space: SpaceId, count: number, seed = 0): Promise<string[]> {
    return fromList(ask(() => this.module._random(space, toJson({ count, seed }))));
  }

  async pool(space: SpaceId): Promise<string[]> {
    if ((await this.spaces()).find(({ id }) => id === space)?.size) return this.enumerate(space);
    const drawn = new Set<string>();
    for (let seed = 0; drawn.size < kPoolSize; ++seed) {
      for (const architecture of await this.random(space, kPoolSize - drawn.size, seed)) drawn.add(architecture);
    }
    return [...drawn];
  }

  async neighbours(space: SpaceId, architecture: string): Promise<string[]> {
    await this.whole();
    return fromList(ask(() => this.module._neighbours(space, wellFormed(architecture))));
  }

  async chooseSamples(space: SpaceId, options: SampleOptions = {}): Promise<string[]> {
    const { sampler, count, seed, encoder } = options;
    const pool = toList(options.pool ?? (await this.pool(space)));
    if (encoder && !(encoder instanceof LocalEncoder && encoder.engine === this)) {
      throw new LatencastError('argument', 'samples: the encoder is of another engine; expected one that this engine loaded');
    }
    await this.whole();
    const raw = encoder instanceof LocalEncoder ? encoder.raw : null;
    return fromList(ask(() => this.module._chooseSamples(space, pool, raw, toJson({ sampler, count, seed }))));
  }

  async modelInputs(file: ModelFile): Promise<StatedInput[]> {
    return (await this.#anyModel()).inputs(file);
  }

  async openModel(file: ModelFile, options: ModelOptions = {}): Promise<Model> {
    return (await this.#anyModel()).open(file, options);
  }

  async runtimeFamilies(): Promise<RuntimeFamily[]> {
    return (await this.#anyModel()).runtimeFamilies();
  }

  async exportOnnx(space: SpaceId, architecture: string, options: ExportOptions = {}): Promise<Uint8Array> {
    return (await this.#anyModel()).exportOnnx(space, architecture, options);
  }

  async exportKernel(kernel: string, options: Pick<ExportOptions, 'seed'> = {}): Promise<Uint8Array> {
    return (await this.#anyModel()).exportKernel(kernel, options);
  }

  async loadFleet(bytes: Uint8Array): Promise<Fleet> {
    return (await this.#anyModel()).loadFleet(bytes);
  }

  async loadKernelPool(index: Uint8Array): Promise<KernelPool> {
    return (await this.#anyModel()).loadKernelPool(index);
  }

  async loadKernelPlatform(bytes: Uint8Array): Promise<KernelPlatform> {
    return (await this.#anyModel()).loadKernelPlatform(bytes);
  }

  async adaptKernels(
    platforms: readonly KernelPlatform[],
    timings: readonly KernelTiming[],
    options: AdaptKernelsOptions = {},
  ): Promise<KernelPlatform> {
    return (await this.#anyModel()).adaptKernels(platforms, timings, options);
  }

  async sketchTable(table: TableRows, options: TableOptions = {}): Promise<TableSketch> {
    return (await this.#anyTable()).sketch(await tableText(table), options);
  }

  async openTable(table: TableRows, options: TableOptions = {}): Promise<OwnTable> {
    return (await this.#anyTable()).open(await tableText(table), options);
  }

  async accuracy(predicted: Float64Array, truth: Float64Array): Promise<Accuracy> {
    await this.whole();
    return accuracy(this.module, predicted, truth);
  }

  async liveHandles(): Promise<number> {
    const models = this.#models ? (await this.#models).liveHandles() : 0;
    const tables = this.#tables ? (await this.#tables).liveHandles() : 0;
    return models + tables + ask(() => this.module._liveHandles());
  }

  dispose(): void {
    this.#module.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }

  /** The second module, fetched when it is first needed. */
  #anyModel(): Promise<LocalModels> {
    this.alive();
    if (this.#models) return this.#models;
    const starting = import('./models.js').then(({ LocalModels }) => LocalModels.start(this, this.#modelsWasm));
    this.#models = starting;
    // What failed may be tried again.
    starting.catch(() => (this.#models = undefined));
    return starting;
  }

  /** The third. */
  #anyTable(): Promise<LocalTables> {
    this.alive();
    if (this.#tables) return this.#tables;
    const starting = import('./tables.js').then(({ LocalTables }) => LocalTables.start(this, this.#tablesWasm));
    this.#tables = starting;
    starting.catch(() => (this.#tables = undefined));
    return starting;
  }
}

class LocalEncoder implements Encoder {
  readonly space: SpaceId;
  readonly #owned: Owned<RawEncoder>;

  constructor(
    readonly engine: LocalEngine,
    raw: RawEncoder,
  ) {
    this.#owned = own(engine, raw, 'encoder');
    this.space = parseJson(ask(() => raw._info())).space as SpaceId;
  }

  get raw(): RawEncoder {
    void this.engine.module;
    return this.#owned.value;
  }

  async encode(encoding: Encoding, architectures: readonly string[]): Promise<Float32Array> {
    return ask(() => this.raw._encode(encoding, toList(architectures)));
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }
}

class LocalPredictor implements Predictor {
  readonly info: PredictorInfo;
  readonly #engine: LocalEngine;
  readonly #owned: Owned<RawPredictor>;
  #tested: Promise<void> | undefined;

  constructor(engine: LocalEngine, raw: RawPredictor) {
    this.#engine = engine;
    this.#owned = own(engine, raw, 'predictor');
    const info = parseJson(ask(() => raw._info()));
    this.info = { ...info, space: info.space as SpaceId };
  }

  async scores(device: string, architectures: readonly string[], options?: PredictOptions): Promise<Float64Array> {
    return this.#evaluate(architectures, 1, options, (list) => this.#raw._scores(device, list));
  }

  async predict(architectures: readonly string[], options?: PredictOptions): Promise<Float64Array> {
    return this.#evaluate(architectures, 1, options, (list) => this.#raw._latency(list));
  }

  async predictAll(options?: PredictOptions): Promise<Float64Array> {
    return this.predict(await this.#engine.enumerate(this.info.space), options);
  }

  async intervals(
    architectures: readonly string[],
    coverage = kUsualCoverage,
    options?: PredictOptions,
  ): Promise<Intervals> {
    const all = await this.#evaluate(architectures, 3, options, (list) => this.#raw._intervals(list, coverage));
    const n = architectures.length;
    return { low: all.slice(0, n), latency_ms: all.slice(n, 2 * n), high: all.slice(2 * n) };
  }

  async review(): Promise<Review> {
    return review(this.#raw);
  }

  async next({ count = 1, pool }: NextOptions = {}): Promise<Next> {
    await this.#engine.whole();
    const from = toList(pool ?? (await this.#engine.pool(this.info.space)));
    return parseJson(ask(() => this.#raw._next(from, count)));
  }

  async transfer(measurements: readonly Measurement[], options: TransferOptions = {}): Promise<Predictor> {
    if (this.#method(options) !== 'closed-form') await this.#network();
    const raw = await drive('transfer', () => this.#adapt(measurements, options), options);
    return new LocalPredictor(this.#engine, raw);
  }

  async leaveOneOut(measurements: readonly Measurement[], options: TransferOptions = {}): Promise<LeaveOneOut> {
    await this.#network();
    return drive('leave-one-out', () => this.#leaveOneOut(measurements, options), options);
  }

  async search(limits_ms: readonly number[], options: SearchOptions = {}): Promise<SearchResult> {
    await this.#network();
    return drive('search', () => this.#search(limits_ms, options), options);
  }

  async save(): Promise<Uint8Array> {
    await this.#network();
    return ask(() => this.#raw._save());
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }

  /** Before the network is asked: its part of the module, and whether it gives the scores that stood in the file. */
  #network(): Promise<void> {
    if (this.#tested) return this.#tested;
    const testing = this.#engine.whole().then(() => void ask(() => this.#raw._selfTest()));
    this.#tested = testing;
    // What failed may be tried again.
    testing.catch(() => (this.#tested = undefined));
    return testing;
  }

  /** Asked for anew at every slice: either may be disposed between two. */
  get #raw(): RawPredictor {
    void this.#engine.module;
    return this.#owned.value;
  }

  /** `kinds` numbers for each architecture: all of the first kind, then all of the second. */
  async #evaluate(
    architectures: readonly string[],
    kinds: number,
    options: PredictOptions | undefined,
    evaluate: (list: List) => ReturnType<RawPredictor['_latency']>,
  ): Promise<Float64Array> {
    if (this.info.method !== 'closed-form') await this.#network();
    const most = kPredictChunk[this.info.space];
    const n = architectures.length;
    return drive(
      'predict',
      function* () {
        const values = new Float64Array(kinds * n);
        let done = 0;
        // An empty list still asks once: a wrong device is an error all the same.
        for (const chunk of n ? chunks(architectures, most) : [[]]) {
          const found = ask(() => evaluate(toList(chunk)));
          for (let kind = 0; kind < kinds; ++kind) {
            values.set(found.subarray(kind * chunk.length, (kind + 1) * chunk.length), kind * n + done);
          }
          done += chunk.length;
          yield { done: n ? done / n : 1 };
        }
        return values;
      },
      options,
    );
  }

  *#adapt(measurements: readonly Measurement[], options: TransferOptions): Steps<RawPredictor> {
    const method = this.#method(options);
    if (method === 'finetune') return yield* this.#finish(this.#begin(measurements, options));
    const closed = this.#estimate(measurements, options);
    if (method === 'closed-form') return closed;
    let refined: RawTransfer | null = null;
    try {
      refined = ask(() => closed._refine(this.#raw, fineTuning(options)));
      return refined ? yield* this.#finish(refined) : closed;
    } finally {
      if (refined) closed.delete();
    }
  }

  /** Throws `argument` where an option is of the other method. */
  #method(options: TransferOptions): Method {
    const { method = this.info.closed_form ? 'closed-form' : 'finetune' } = options;
    const foreign = kForeignOptions[method];
    if (!foreign) {
      const known = Object.keys(kForeignOptions).join(', ');
      throw new LatencastError('argument', `transfer: method is ${JSON.stringify(method)}; expected one of ${known}`);
    }
    const found = foreign.find((name) => options[name] !== undefined);
    if (found) throw new LatencastError('argument', `transfer: ${found} is no option of method ${method}`);
    return method;
  }

  #estimate(measurements: readonly Measurement[], { device, quantity, trusted }: TransferOptions): RawPredictor {
    if (measurements.length === 0) {
      throw new LatencastError('measurement', 'transfer: found 0 measurements; expected at least 1');
    }
    const settings = toJson({ device: device === undefined ? undefined : wellFormed(device), quantity, trusted, errors: errorsOf(measurements) });
    return ask(() => this.#raw._estimate(...columns(measurements), settings));
  }

  /** Runs a fine-tuning to its end, and frees it. */
  *#finish(transfer: RawTransfer): Steps<RawPredictor> {
    try {
      for (let finished = false; !finished; ) {
        void this.#raw;
        const progress = parseJson(ask(() => transfer._step(kSliceMilliseconds)));
        finished = progress.finished;
        yield {
          done: progress.step / progress.total_steps,
          epoch: progress.epoch,
          epochs: progress.epochs,
          loss: progress.loss,
        };
      }
      return ask(() => transfer._result());
    } finally {
      transfer.delete();
    }
  }

  #begin(measurements: readonly Measurement[], options: TransferOptions): RawTransfer {
    return ask(() => this.#raw._transfer(...columns(measurements), fineTuning(options)));
  }

  *#search(limits_ms: readonly number[], options: SearchOptions): Steps<SearchResult> {
    const { start = [], population, tournament, evaluations, seed, quality = 'macs' } = options;
    const settings = toJson({ start: toList(start), population, tournament, evaluations, seed });
    const { architectures, values } = table(quality);
    const search = ask(() => this.#raw._search(Float64Array.from(limits_ms), architectures, values, settings));
    try {
      for (let finished = false; !finished; ) {
        void this.#raw;
        const progress = parseJson(ask(() => search._step(kSliceMilliseconds)));
        finished = progress.finished;
        yield { done: progress.done };
      }
      return parseJson(ask(() => search._result()));
    } finally {
      search.delete();
    }
  }

  *#leaveOneOut(measurements: readonly Measurement[], options: TransferOptions): Steps<LeaveOneOut> {
    const k = measurements.length;
    if (k < kFewestForLeaveOneOut) {
      throw new LatencastError(
        'measurement',
        `leave-one-out: ${k} measurements; expected at least ${kFewestForLeaveOneOut}`,
      );
    }
    const measured = Float64Array.from(measurements, (measurement) => measurement.latency_ms);
    const compared = (predicted: Float64Array): LeaveOneOut => {
      const { spearman, mdape } = accuracy(this.#engine.module, predicted, measured);
      return { latency_ms: predicted, spearman, mdape };
    };
    // The closed form leaves out at once; of a combination it says about the same as the whole would.
    if (this.#method(options) !== 'finetune') {
      const raw = this.#estimate(measurements, options);
      try {
        return compared(review(raw).left_out.latency_ms);
      } finally {
        raw.delete();
      }
    }

    // Begun and dropped: an error in the measurements is named by its place among all of them.
    this.#begin(measurements, options).delete();

    const predicted = new Float64Array(k);
    for (const [i, held] of measurements.entries()) {
      const rest = measurements.filter((_, j) => j !== i);
      const raw = yield* mapShares(this.#finish(this.#begin(rest, options)), ({ done }) => ({ done: (i + done) / k }));
      try {
        predicted[i] = ask(() => raw._latency(toList([held.architecture])))[0]!;
      } finally {
        raw.delete();
      }
    }
    return compared(predicted);
  }
}

/** Options of a fine-tuning as the module takes them. */
function fineTuning({ device, quantity, epochs, learning_rate, seed }: TransferOptions): Json<RawTransferOptions> {
  return toJson({ device: device === undefined ? undefined : wellFormed(device), quantity, epochs, learning_rate, seed });
}

/** A quality as the module takes it. */
function table(quality: Quality): { architectures: List; values: Float64Array } {
  if (quality === 'macs') return { architectures: '', values: new Float64Array() };
  const listed = quality instanceof Float64Array;
  const values = listed ? quality : Float64Array.from(quality.values());
  if (values.length === 0) throw new LatencastError('argument', 'search: the quality is empty; expected one value or more');
  return { architectures: listed ? '' : toList([...quality.keys()]), values };
}

/** Measurements as the module takes them. */
function columns(measurements: readonly Measurement[]): [architectures: List, latencies_ms: Float64Array] {
  return [
    toList(measurements.map((measurement) => measurement.architecture)),
    Float64Array.from(measurements, (measurement) => measurement.latency_ms),
  ];
}

function review(raw: RawPredictor): Review {
  const { left_out, ...rest } = parseJson(ask(() => raw._review()));
  return { ...rest, left_out: intervalsOf(left_out) };
}

function accuracy(module: RawModule, predicted: Float64Array, truth: Float64Array): Accuracy {
  return parseJson(ask(() => module._accuracy(predicted, truth)));
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

function* mapShares<T>(work: Steps<T>, map: (share: Share) => Share): Steps<T> {
  try {
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
      yield map(step.value);
    }
  } finally {
    work.return(undefined as T);
  }
}
