import type { Envelope } from '../../wasm/latencast.js';

import type {
  Accuracy,
  AdaptKernelsOptions,
  AdaptOptions,
  ArchitectureFacts,
  Decomposition,
  Encoding,
  ExportOptions,
  Intervals,
  KernelEstimate,
  KernelTiming,
  KnownModel,
  KnownPlatform,
  LeaveOneOut,
  Measurement,
  ModelEstimate,
  ModelFile,
  ModelInfo,
  ModelOptions,
  Next,
  NextOptions,
  ParsedArchitecture,
  PlatformReview,
  PoolEntry,
  PredictorInfo,
  Review,
  RuntimeFamily,
  SampleOptions,
  SearchOptions,
  SearchResult,
  Similarity,
  SpaceId,
  SpaceInfo,
  StatedInput,
  TableInfo,
  TableOptions,
  TablePredictorInfo,
  TableSearchOptions,
  TableSketch,
  TableTransferOptions,
  TransferOptions,
  TransferProgress,
} from './types.js';

/** A predictor in the worker, as this side knows it. */
export interface Held {
  readonly id: number;
  readonly info: PredictorInfo;
}

/** An encoder in the worker, as this side knows it. */
export interface HeldEncoder {
  readonly id: number;
  readonly space: SpaceId;
}

/** A model in the worker, as this side knows it. */
export interface HeldModel {
  readonly id: number;
  readonly info: ModelInfo;
}

/** A fleet in the worker, as this side knows it. */
export interface HeldFleet {
  readonly id: number;
  readonly platforms: readonly KnownPlatform[];
  readonly models: readonly KnownModel[];
  readonly processors: readonly string[];
}

/** A platform in the worker, as this side knows it. */
export interface HeldPlatform {
  readonly id: number;
  readonly family: string;
}

/** A pool in the worker, as this side knows it. */
export interface HeldKernelPool {
  readonly id: number;
  readonly platforms: readonly PoolEntry[];
  readonly probes: readonly string[];
  readonly enough: number;
}

/** A platform known by its kernels in the worker, as this side knows it. */
export interface HeldKernelPlatform {
  readonly id: number;
  readonly family: string;
  readonly entry: PoolEntry | undefined;
  readonly similar: readonly Similarity[];
  readonly set_aside: readonly number[];
}

/** A table in the worker, as this side knows it. */
export interface HeldTable {
  readonly id: number;
  readonly info: TableInfo;
}

/** What is believed of a device over a table in the worker, as this side knows it. */
export interface HeldTablePredictor {
  readonly id: number;
  readonly info: TablePredictorInfo;
}

/** The part of the options that can be sent; the signal and the callback stay on their side, known by a job's number. */
export type TransferSettings = Omit<TransferOptions, 'signal' | 'onProgress'>;
export type SearchSettings = Omit<SearchOptions, 'signal' | 'onProgress'>;
/** `encoder` is the number of one. */
export type SampleSettings = Omit<SampleOptions, 'encoder'> & { readonly encoder?: number };

/** The bytes of a module, or their full address. */
export type SentWasm = Uint8Array | string | undefined;

/** Resolves when the other side has heard it. */
export type Report = (job: number, progress: TransferProgress) => Promise<void>;

/**
 * What the worker answers to. A failure is an envelope, since an error's code would not survive being thrown across.
 * `job` numbers work that can be cancelled and reports progress; the numbers are the caller's.
 */
export interface Host {
  /** First of all; once. `life`: a Web Lock to hold as long as the worker lives, where there are any. */
  start(wasm: SentWasm, restWasm: SentWasm, modelsWasm: SentWasm, tablesWasm: SentWasm, report: Report, life?: string): Promise<Envelope<null>>;
  cancel(job: number): void;

  load(bytes: Uint8Array): Promise<Envelope<Held>>;
  loadEncoder(bytes: Uint8Array): Promise<Envelope<HeldEncoder>>;
  spaces(): Promise<Envelope<SpaceInfo[]>>;
  parse(space: SpaceId, texts: readonly string[]): Promise<Envelope<ParsedArchitecture[]>>;
  facts(space: SpaceId, architectures: readonly string[]): Promise<Envelope<ArchitectureFacts[]>>;
  enumerate(space: SpaceId): Promise<Envelope<string[]>>;
  random(space: SpaceId, count: number, seed: number | undefined): Promise<Envelope<string[]>>;
  pool(space: SpaceId): Promise<Envelope<string[]>>;
  neighbours(space: SpaceId, architecture: string): Promise<Envelope<string[]>>;
  chooseSamples(space: SpaceId, settings: SampleSettings): Promise<Envelope<string[]>>;
  modelInputs(file: ModelFile): Promise<Envelope<StatedInput[]>>;
  openModel(file: ModelFile, options: ModelOptions): Promise<Envelope<HeldModel>>;
  runtimeFamilies(): Promise<Envelope<RuntimeFamily[]>>;
  exportOnnx(space: SpaceId, architecture: string, options: ExportOptions): Promise<Envelope<Uint8Array>>;
  exportKernel(kernel: string, options: Pick<ExportOptions, 'seed'>): Promise<Envelope<Uint8Array>>;
  loadFleet(bytes: Uint8Array): Promise<Envelope<HeldFleet>>;
  loadKernelPool(index: Uint8Array): Promise<Envelope<HeldKernelPool>>;
  loadKernelPlatform(bytes: Uint8Array): Promise<Envelope<HeldKernelPlatform>>;
  adaptKernels(
    platforms: readonly number[],
    timings: readonly KernelTiming[],
    options: Omit<AdaptKernelsOptions, 'models'>,
    models: readonly number[],
    latencies_ms: readonly number[],
  ): Promise<Envelope<HeldKernelPlatform>>;
  accuracy(predicted: Float64Array, truth: Float64Array): Promise<Envelope<Accuracy>>;
  liveHandles(): Promise<Envelope<number>>;

  scores(id: number, job: number, device: string, architectures: readonly string[]): Promise<Envelope<Float64Array>>;
  predict(id: number, job: number, architectures: readonly string[]): Promise<Envelope<Float64Array>>;
  predictAll(id: number, job: number): Promise<Envelope<Float64Array>>;
  transfer(
    id: number,
    job: number,
    measurements: readonly Measurement[],
    settings: TransferSettings,
  ): Promise<Envelope<Held>>;
  leaveOneOut(
    id: number,
    job: number,
    measurements: readonly Measurement[],
    settings: TransferSettings,
  ): Promise<Envelope<LeaveOneOut>>;
  intervals(id: number, job: number, architectures: readonly string[], coverage: number | undefined): Promise<Envelope<Intervals>>;
  review(id: number): Promise<Envelope<Review>>;
  next(id: number, options: NextOptions): Promise<Envelope<Next>>;
  search(
    id: number,
    job: number,
    limits_ms: readonly number[],
    settings: SearchSettings,
  ): Promise<Envelope<SearchResult>>;
  save(id: number): Promise<Envelope<Uint8Array>>;
  encode(id: number, encoding: Encoding, architectures: readonly string[]): Promise<Envelope<Float32Array>>;
  decompose(id: number, runtime: string | undefined): Promise<Envelope<Decomposition>>;
  platform(fleet: number, id: string): Promise<Envelope<HeldPlatform>>;
  adapt(
    fleet: number,
    models: readonly number[],
    latencies_ms: readonly number[],
    options: AdaptOptions,
  ): Promise<Envelope<HeldPlatform>>;
  compare(fleet: number, job: number, model: number, platforms: readonly string[] | undefined): Promise<Envelope<Intervals>>;
  estimateModel(platform: number, model: number, coverage: number | undefined): Promise<Envelope<ModelEstimate>>;
  reviewPlatform(platform: number): Promise<Envelope<PlatformReview>>;
  nextModels(
    platform: number,
    models: readonly number[],
    count: number,
  ): Promise<Envelope<{ readonly models: readonly number[]; readonly worth: number }>>;
  similarities(pool: number, timings: readonly KernelTiming[]): Promise<Envelope<Similarity[]>>;
  estimateKernels(platform: number, model: number, family: string | undefined): Promise<Envelope<KernelEstimate>>;
  sketchTable(csv: string, options: TableOptions): Promise<Envelope<TableSketch>>;
  openTable(csv: string, options: TableOptions): Promise<Envelope<HeldTable>>;
  tableValues(table: number, heading: string): Promise<Envelope<Float64Array>>;
  tableWords(table: number, heading: string): Promise<Envelope<readonly string[]>>;
  transferTable(table: number, measurements: readonly Measurement[], options: TableTransferOptions): Promise<Envelope<HeldTablePredictor>>;
  tableIntervals(id: number, names: readonly string[] | undefined, coverage: number | undefined): Promise<Envelope<Intervals>>;
  reviewTable(id: number): Promise<Envelope<Review>>;
  nextRows(id: number, options: Pick<NextOptions, 'count'>): Promise<Envelope<Next>>;
  searchTable(id: number, limits_ms: readonly number[], options: TableSearchOptions): Promise<Envelope<SearchResult>>;
  /** Of whatever is held. */
  release(id: number): void;
}
