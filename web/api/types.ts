/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The public interface of latencast: one engine, in this thread or in a worker, behind the same types.
 * Latencies are milliseconds, rank correlations are fractions in [-1, 1], shares are fractions in [0, 1].
 */

import type { LatencastError } from './errors.js';

/** Kinds of failure; the same list as `ErrorCode` in `cpp/include/latencast/error.h`, plus the loader's own. */
export type ErrorCode =
  | 'argument'
  | 'architecture'
  | 'measurement'
  | 'checkpoint'
  | 'model'
  | 'cancelled'
  | 'internal'
  /** A file could not be fetched, or this browser cannot run WebAssembly with SIMD. */
  | 'load'
  /** The object was used after `dispose()`. */
  | 'disposed';

/** What is measured; of an energy, whatever is called `latency_ms` is in millijoules. */
export type Quantity = 'latency' | 'energy';

export type SpaceId = 'nb201' | 'fbnet' | 'ofa';

export interface SpaceInfo {
  readonly id: SpaceId;
  /** E.g. `NAS-Bench-201`. */
  readonly title: string;
  /** How many architectures; 0 where there are too many to list. */
  readonly size: number;
}

/** One usable measurement. `architecture` in any form the space accepts; `latency_ms` finite and positive. */
export interface Measurement {
  readonly architecture: string;
  readonly latency_ms: number;
  /**
   * Of the latency, one standard deviation, where measuring it has shown one; absent or 0: unknown. In closed form a
   * measurement counts the less the further its error is beyond the least of all.
   */
  readonly relative_error?: number;
}

/** What the engine says of one architecture text. Exactly one of the two forms. */
export type ParsedArchitecture =
  | {
      readonly ok: true;
      /** Canonical short form, e.g. `421211`. */
      readonly architecture: string;
      /** Position in `enumerate()`; the official index on NAS-Bench-201; -1 where the space is too large to list. */
      readonly index: number;
    }
  | { readonly ok: false; readonly message: string };

/** Facts of an architecture that need no network. */
export interface ArchitectureFacts {
  /** Long public form, e.g. `|avg_pool_3x3~0|+|...`. */
  readonly text: string;
  /** Multiply-adds. */
  readonly macs: number;
  /** Trainable parameters. */
  readonly params: number;
  /** What the network sees; `predecessors[i]` lists nodes, `live[i]` whether node i reaches the output. */
  readonly graph: {
    readonly op: readonly string[];
    readonly predecessors: readonly (readonly number[])[];
    readonly live: readonly boolean[];
  };
}

export interface Cancellable {
  /** Abort to stop; the promise rejects with a LatencastError of code `cancelled`. */
  readonly signal?: AbortSignal;
}

export interface TransferProgress {
  /** `transfer`: fine-tuning. `predict`: estimating. `leave-one-out`: transfers with one measurement held back. `search`: as it says. */
  readonly phase: 'transfer' | 'predict' | 'leave-one-out' | 'search';
  /** Share done of this phase, in [0, 1]. */
  readonly done: number;
  /** Epochs completed, and how many there are (phase `transfer`; else 0). */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean pairwise hinge loss of the last completed epoch (phase `transfer`; else 0). */
  readonly loss: number;
  /** Estimate of the time left in this phase, in seconds; NaN until known. */
  readonly seconds_left: number;
}

/**
 * Ways to transfer. `closed-form`: Bayesian, from what is known of other devices; milliseconds of work, any number of measurements,
 * an interval for every estimate. `finetune`: NASFLAT's, by gradient on all weights; seconds of work. `combined`: a weighted mean of both, with
 * the closed form's intervals, better than either on NAS-Bench-201; where it would not be, it is the closed form, and `info.method` says so.
 */
export type Method = 'closed-form' | 'finetune' | 'combined';

export interface TransferOptions extends Cancellable {
  /** Name of the new device; default `my device`. */
  readonly device?: string;
  /** What was measured; default `latency`. Of an energy, whatever is called `latency_ms` is in millijoules. */
  readonly quantity?: Quantity;
  /** Default: `closed-form` where `info.closed_form` says that the weights can, else `finetune`. */
  readonly method?: Method;
  /** Not of `finetune`: places of measurements, from 0, that are never set aside, whatever the others say. */
  readonly trusted?: readonly number[];
  /** Not of `closed-form`: default 40. */
  readonly epochs?: number;
  /** Not of `closed-form`. Default: from 2e-4 to 1e-3, the higher the worse the nearest known device matches the measurements. */
  readonly learning_rate?: number;
  /** Not of `closed-form`: decides everything random; default 0. A whole number from 0 to 2^53 - 1. */
  readonly seed?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface PredictOptions extends Cancellable {
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** What a search makes large; of architectures it says nothing about, none is chosen. */
export type Quality =
  /** Multiply-adds in millions: a plain stand-in where no accuracies are known. */
  | 'macs'
  /** Of the whole space, in `enumerate()` order. */
  | Float64Array
  /** By architecture, in any form the space accepts. */
  | ReadonlyMap<string, number>;

export interface SearchOptions extends Cancellable {
  /** Default `macs`. */
  readonly quality?: Quality;
  /** Architectures to look at first, beside those measured. */
  readonly start?: readonly string[];
  /** Architectures kept and mutated (regularised evolution), where the space is too large to list; default 100. */
  readonly population?: number;
  /** Of these many drawn from the population the best is mutated; default 25. */
  readonly tournament?: number;
  /** Architectures estimated at most; default 5,000. */
  readonly evaluations?: number;
  /** Decides everything random; default 0. A whole number from 0 to 2^53 - 1. */
  readonly seed?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface Candidate {
  /** Canonical. */
  readonly architecture: string;
  /** Predicted. */
  readonly latency_ms: number;
  readonly quality: number;
}

export interface SearchResult {
  /** For each limit the candidate of highest quality predicted at or below it; null where none was found. */
  readonly best: readonly (Candidate | null)[];
  /** Candidates that no other beats in both latency and quality, fastest first. */
  readonly front: readonly Candidate[];
}

/** Kinds of vectors that stand for an architecture: 32, 32, 13 and 77 numbers. */
export type Encoding = 'arch2vec' | 'cate' | 'zcp' | 'caz';

/**
 * Ways to choose what to measure. `params`: one from each of equal buckets by parameter count. `kmeans-E`: the nearest to each
 * centre of that many clusters in encoding E. `cosine-E`: one from each of equal buckets by mean similarity to the rest. `both-E`:
 * half by each.
 */
export type Sampler = 'random' | 'params' | `${'kmeans' | 'cosine' | 'both'}-${Encoding}`;

export interface SampleOptions {
  /** Default `random`. */
  readonly sampler?: Sampler;
  /** How many; default 20. */
  readonly count?: number;
  /** Default 0. A whole number from 0 to 2^53 - 1. */
  readonly seed?: number;
  /** To choose from; default `Engine.pool()`. */
  readonly pool?: readonly string[];
  /** Of the same space; samplers that name an encoding need it. */
  readonly encoder?: Encoder;
}

/** Estimates with what they may be off by: one number of each for every architecture, in milliseconds. */
export interface Intervals {
  readonly low: Float64Array;
  /** Medians, the same as `predict` gives. */
  readonly latency_ms: Float64Array;
  readonly high: Float64Array;
}

/**
 * Something odd about measurements. `outlier`: far from what all others let expect. `unit`: off by a factor between units.
 * `duplicate`: readings of one architecture that disagree. `saturated`: equal readings of architectures that should differ, at the
 * end of a timer's range. `mixture`: several are off by one factor, as on another device. `scale`: all are far faster or slower than
 * any known device.
 */
export interface Doubt {
  readonly kind: 'outlier' | 'unit' | 'duplicate' | 'saturated' | 'mixture' | 'scale';
  /** Their places, from 0. */
  readonly measurements: readonly number[];
  /** What was found and what was expected, with numbers; counts measurements from 1. */
  readonly message: string;
  /** Measured over expected. */
  readonly factor: number;
  /** Whether they count for nothing; `TransferOptions.trusted` makes them count. */
  readonly set_aside: boolean;
}

/** What a transfer in closed form says of its measurements, and of itself. */
export interface Review {
  /** Each measurement as estimated from all others, with its 90 % interval. */
  readonly left_out: Intervals;
  readonly doubts: readonly Doubt[];
  /** Relative standard deviation of one reading. */
  readonly noise: number;
  /** Where the readings are whole multiples of a unit that matters; else 0. */
  readonly timer_unit_ms: number;
  /** The known devices that this one is most like, at most five, most probable first. */
  readonly likenesses: readonly { readonly device: string; readonly probability: number }[];
  /** To expect between estimates and measurements over the whole space. */
  readonly expected_spearman: number;
  /** Median relative error to expect, a fraction. */
  readonly expected_error: number;
}

export interface NextOptions {
  /** How many; default 1. */
  readonly count?: number;
  /** To choose from; default `Engine.pool()`. */
  readonly pool?: readonly string[];
}

/** What to measure next. */
export interface Next {
  /** Canonical, best first; none that is measured already. */
  readonly architectures: readonly string[];
  /** By how much measuring all of them should lower the median relative error, as a share of what it is; of little use below 0.05. */
  readonly worth: number;
}

/** Leave-one-out: measurement i as predicted by a transfer from all others. */
export interface LeaveOneOut {
  /** Predicted milliseconds, one per measurement. */
  readonly latency_ms: Float64Array;
  /** Between `latency_ms` and the measured ones. */
  readonly spearman: number;
  /** Median absolute percentage error, a fraction. */
  readonly mdape: number;
}

/** How predictions compare with the truth; each a fraction. */
export interface Accuracy {
  readonly spearman: number;
  readonly kendall: number;
  readonly mdape: number;
  readonly within5: number;
  readonly within10: number;
}

export interface PredictorInfo {
  readonly space: SpaceId;
  /** Names `scores` accepts; a transferred predictor knows its own device only. */
  readonly devices: readonly string[];
  readonly parameter_count: number;
  /** The device it was adapted to; undefined for a pre-trained one. */
  readonly target?: string;
  /** What it was measured for; undefined for a pre-trained one. */
  readonly quantity?: Quantity;
  /** The measurements it was adapted on, canonical; empty for a pre-trained one. */
  readonly measurements: readonly Measurement[];
  /** Whether it can be transferred in closed form. */
  readonly closed_form: boolean;
  /** How it was adapted; undefined for a pre-trained one. */
  readonly method?: Method;
  /** The known device that fine-tuning started from, and how well its ranks fit the measurements. */
  readonly nearest?: { readonly device: string; readonly spearman: number };
}

/** A trained predictor held by an engine. Immutable: adapting it gives another. */
export interface Predictor {
  readonly info: PredictorInfo;

  /** Rank scores for a known device; only their order means anything. */
  scores(device: string, architectures: readonly string[], options?: PredictOptions): Promise<Float64Array>;

  /** Milliseconds on `info.target`, one per architecture, in order. */
  predict(architectures: readonly string[], options?: PredictOptions): Promise<Float64Array>;

  /** Milliseconds for the whole space, in `enumerate()` order. */
  predictAll(options?: PredictOptions): Promise<Float64Array>;

  /** Adapts a pre-trained predictor to a new device. At least 1 measurement in closed form, 3 by fine-tuning. */
  transfer(measurements: readonly Measurement[], options?: TransferOptions): Promise<Predictor>;

  /** Every measurement as estimated by a transfer from all others; at once in closed form. At least 4 measurements. */
  leaveOneOut(measurements: readonly Measurement[], options?: TransferOptions): Promise<LeaveOneOut>;

  /** Estimates and where the truth lies with a probability of `coverage`, in (0, 1). Predictors transferred in closed form only. */
  intervals(architectures: readonly string[], coverage?: number, options?: PredictOptions): Promise<Intervals>;

  /** What is odd about the measurements, and how good the estimates should be. Predictors transferred in closed form only. */
  review(): Promise<Review>;

  /**
   * Which architectures to measure next: the first ones, asked of a pre-trained predictor whose `info.closed_form` is true, or more,
   * asked of one that was transferred in closed form.
   */
  next(options?: NextOptions): Promise<Next>;

  /**
   * The best architectures for each limit in milliseconds: all are compared where the space can be listed, else an evolutionary
   * search goes through some thousands. Transferred predictors only.
   */
  search(limits_ms: readonly number[], options?: SearchOptions): Promise<SearchResult>;

  /** The file that `Engine.load` reads. */
  save(): Promise<Uint8Array>;

  /** Frees the memory now; a forgotten predictor is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Trained encoders of one space, held by an engine. */
export interface Encoder {
  readonly space: SpaceId;

  /** One row after the other: as many numbers for each architecture as the encoding has. */
  encode(encoding: Encoding, architectures: readonly string[]): Promise<Float32Array>;

  /** Frees the memory now; a forgotten encoder is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A model's file: ONNX (opset 9 and later), ncnn's .param or a JSON graph (docs/format.md). Its weights are never read. */
export type ModelFile = Uint8Array | Blob;

/** An input as a file states it. */
export interface StatedInput {
  readonly name: string;
  /** Row-major, images as batch, channels, height, width; null in place of a length left open, or of the whole. */
  readonly shape: readonly (number | null)[] | null;
}

/** 0 or left out: as the architecture has it. */
export interface ExportOptions {
  /** Width and height of the image; 16 for ImageNet16-120 (NAS-Bench-201). */
  readonly pixels?: number;
  /** Outputs; 120 for ImageNet16-120. */
  readonly classes?: number;
  /** Of the weights; default 0. */
  readonly seed?: number;
}

export interface ModelOptions {
  /** For a first length that the file leaves open; default 1. */
  readonly batch?: number;
  /** Shapes by input; needed where the file leaves other lengths open, and free to replace what it says. */
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
}

export interface ModelTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly element: 'f32' | 'f16' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64' | 'bool';
}

export interface ModelInfo {
  /** As the file calls it; may be empty. */
  readonly name: string;
  readonly format: 'ONNX' | 'ncnn' | 'JSON';
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  /** That are executed. */
  readonly operators: number;
  /** Multiply-adds. */
  readonly macs: number;
  /** Weights, each counted once. */
  readonly params: number;
}

/** Runtimes that fuse operators alike. */
export interface RuntimeFamily {
  /** E.g. `onnxruntime`; `none` fuses nothing. */
  readonly id: string;
  readonly title: string;
  /** Where its fusions are documented. */
  readonly source: string;
}

/** What a runtime launches at once. */
export interface ModelKernel {
  /** E.g. `conv`; `other` for what has no name of its own. */
  readonly type: string;
  /** The operator that decides the cost, e.g. `Conv`. */
  readonly op: string;
  /** Equal for kernels that cost the same, e.g. `conv,1,56,56,64,128,3,3,2,1`: n, h, w, cin, cout, kh, kw, stride, groups. */
  readonly key: string;
  readonly macs: number;
  readonly params: number;
  readonly bytes_in: number;
  readonly bytes_weights: number;
  readonly bytes_out: number;
  /** The operators fused into it, in order. */
  readonly nodes: readonly { readonly name: string; readonly op: string }[];
}

/** Operators of one name that nobody knows; they count by what they read and write. */
export interface UnknownOperator {
  readonly op: string;
  readonly count: number;
  /** Of the bytes that all kernels read and write. */
  readonly traffic_share: number;
  /** Of all multiply-adds: in the kernels that they read from or write to. */
  readonly macs_beside_share: number;
}

/** A model as a family of runtimes executes it. */
export interface Decomposition {
  readonly runtime: string;
  /** In the order of execution. */
  readonly kernels: readonly ModelKernel[];
  readonly unknown: readonly UnknownOperator[];
}

/** A neural network read from a file, held by an engine. */
export interface Model {
  readonly info: ModelInfo;

  /** Its kernels. `runtime`: the id of a family; default `none`. */
  decompose(runtime?: string): Promise<Decomposition>;

  /** Frees the memory now; a forgotten model is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A platform whose models were measured: a chip, a runtime and a setting. */
export interface KnownPlatform {
  /** E.g. `raspberry-pi-5-4t`. */
  readonly id: string;
  readonly title: string;
  /** Equal for all settings of one board or chip. */
  readonly board: string;
  /** Of its runtime, as `Model.decompose` takes it. */
  readonly family: string;
  readonly gpu: boolean;
  readonly threads: number;
  /** `gpu`, or the instruction set: one of `Fleet.processors`. */
  readonly processor: string;
  /** Models measured there. */
  readonly measured: number;
}

/** A model that some platforms measured. */
export interface KnownModel {
  /** E.g. `resnet18`. */
  readonly name: string;
  /** Shape of its first input. */
  readonly input: readonly number[];
  /** Platforms that measured it. */
  readonly measured: number;
}

/** What a model takes, as the sum of its kernels. */
export interface KernelEstimate {
  readonly latency_ms: number;
  /** Between them the truth lies with a probability of the coverage. */
  readonly low_ms: number;
  readonly high_ms: number;
  /** Of each kernel, in the order of `Model.decompose(platform.family)`; their sum is `latency_ms`. */
  readonly kernel_ms: Float64Array;
}

export interface ModelEstimate extends KernelEstimate {
  /** What it rests on. `measured`: on this very platform. `known`: measured on others. `graph`: on its kernels alone. */
  readonly knowledge: 'measured' | 'known' | 'graph';
}

/** What a platform says of the measurements it was adapted to, and of itself. */
export interface PlatformReview {
  /** The known platforms that it is most like, at most five, most probable first. */
  readonly likenesses: readonly { readonly platform: string; readonly probability: number }[];
  /** Of each measurement: far longer than all others let expect, and counted for nothing. */
  readonly set_aside: readonly boolean[];
  /** Each measurement as estimated from all others, with its 90 % interval. */
  readonly left_out: Intervals;
  /** Median relative error to expect, a fraction. */
  readonly expected_error: number;
}

export interface ModelMeasurement {
  /** Opened by the same engine. */
  readonly model: Model;
  readonly latency_ms: number;
}

export interface AdaptOptions {
  /** Of the runtime that was measured; default: that of the known platforms. */
  readonly family?: string;
  /** Places of measurements, from 0, that are never set aside. */
  readonly trusted?: readonly number[];
  /** What the models ran on, one of `Fleet.processors`; default: not told. */
  readonly processor?: string;
  /** On how many threads they ran; default: not told. */
  readonly threads?: number;
}

export interface CompareOptions extends PredictOptions {
  /** Ids, in the order of the answer; default: all of `Fleet.platforms`. */
  readonly platforms?: readonly string[];
}

/** A platform, known or adapted to measurements; immutable. */
export interface Platform {
  /** Whose kernels it estimates: that of `Model.decompose`. */
  readonly family: string;

  /** `coverage`: of the interval, in (0, 1); default 0.9. */
  estimate(model: Model, coverage?: number): Promise<ModelEstimate>;

  review(): Promise<PlatformReview>;

  /** Which of some models to measure next: their places, best first, and by how much that should lower the error, as a share of what it is. */
  next(models: readonly Model[], count: number): Promise<{ readonly models: readonly number[]; readonly worth: number }>;

  /** Frees the memory now; a forgotten platform is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** What is known of many platforms from whole models measured there. */
export interface Fleet {
  readonly platforms: readonly KnownPlatform[];
  readonly models: readonly KnownModel[];
  /** Kinds of processors of the platforms, in alphabetical order. */
  readonly processors: readonly string[];

  /** A known platform by its id. */
  platform(id: string): Promise<Platform>;

  /** A new platform, from any number of measurements; from none it is what is believed of every platform. */
  adapt(measurements: readonly ModelMeasurement[], options?: AdaptOptions): Promise<Platform>;

  /**
   * A model on known platforms, in their order. A platform takes a tenth of a second when it is first asked for; what was made of it
   * is kept as long as the fleet.
   */
  compare(model: Model, options?: CompareOptions): Promise<Intervals>;

  /** Frees the memory now; a forgotten fleet is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A platform whose kernels were timed one by one: a chip, a library or runtime, and a precision. */
/** How kernels were timed: each as a model of its own, or inside a network, between two other kernels: there they pay for no call. */
export type Timed = 'alone' | 'inside';

export interface PoolEntry {
  /** Its file in `weights/pool` without the extension, e.g. `tensorrt-v100-fp16`. */
  readonly id: string;
  readonly title: string;
  /** Equal for everything on one chip. */
  readonly chip: string;
  /** The data set. */
  readonly source: string;
  readonly timed: Timed;
  /** Whose fusions make the kernels it is to be asked for, as `Model.decompose` takes it; of those timed inside networks `tflite`. */
  readonly family: string;
  /** How many kernels of each type it learnt from. A type that is not in it was never timed there. */
  readonly timings: Readonly<Record<string, number>>;
}

/** How much a device resembles a platform of the pool. */
export interface Similarity {
  /** The id of the platform. */
  readonly platform: string;
  /** Median relative error of its predictions, a fraction, each type of kernels scaled to fit. */
  readonly error: number;
  /** By which its latencies are to be multiplied. */
  readonly scale: number;
  /** Of the common estimate of the most similar platforms; the shares sum to 1. */
  readonly share: number;
}

export interface KernelTiming {
  /** As `ModelKernel.key` has it: kernel,n,h,w,cin,cout,kh,kw,stride,groups. What is empty is as usual: 1, or cout as cin. */
  readonly kernel: string;
  readonly latency_ms: number;
}

/** What a pool has, and which of its platforms a device resembles, before any of them is loaded. */
export interface KernelPool {
  readonly platforms: readonly PoolEntry[];
  /** Kernels by which platforms are compared. Those of one image (n is 1) are what to time on a new device. */
  readonly probes: readonly string[];
  /** As many of the most similar platforms serve `Engine.adaptKernels` as well as all do. */
  readonly enough: number;

  /** All platforms, most similar first, by timings of any kernels. */
  similarities(timings: readonly KernelTiming[]): Promise<Similarity[]>;

  /** Frees the memory now; a forgotten pool is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface AdaptKernelsOptions {
  /**
   * Of the runtime that was measured; default: that of the most similar platform, for `models` that of the first one given. Of kernels
   * timed inside networks it is `tflite`, whatever the runtime: it fuses least, and what more is fused takes next to nothing there.
   */
  readonly family?: string;
  /** Whole models measured there: they tell how kernels add up, which a plain sum gets wrong by a fifth or so; 10 do a lot. */
  readonly models?: readonly ModelMeasurement[];
  /** How the timings were made, and so which platforms say how kernels add up; default `alone`. Platforms timed otherwise are of little use. */
  readonly timed?: Timed;
}

/** A platform that is known by its kernels: one of the pool, or adapted to timings; immutable. */
export interface KernelPlatform {
  /** Whose kernels it estimates unless told otherwise. */
  readonly family: string;
  /** Where it is one of the pool. */
  readonly entry: PoolEntry | undefined;
  /** Where it was adapted: those of the platforms it was given, most similar first. */
  readonly similar: readonly Similarity[];
  /** Places of timings, from 0, that fit nothing and were left out. */
  readonly set_aside: readonly number[];

  /** `family`: as `Model.decompose` takes it, whose kernels are summed. The interval is to hold 90 % of the time. */
  estimate(model: Model, family?: string): Promise<KernelEstimate>;

  /** Frees the memory now; a forgotten platform is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/**
 * How a column of a table is read. `name`: names the architectures. `numbers`, `words`: describe them. `constant`: the same for all.
 * `device`: latencies of a known device. `quality`: what is to be large. `unusable`: neither numbers nor at most 64 words.
 */
export type TableColumnKind = 'name' | 'numbers' | 'words' | 'constant' | 'device' | 'quality' | 'ignored' | 'unusable';

export interface TableColumn {
  readonly heading: string;
  readonly kind: TableColumnKind;
}

/** How columns of a table are to be read, by their headings; all others describe the architectures, by numbers or words. */
export interface TableOptions {
  /** What messages call the table; default `table`. */
  readonly path?: string;
  /** Names the architectures; default `name`, `arch` or `id`, the first there is; else rows are named by their numbers from 1. */
  readonly name?: string;
  /** Latencies of known devices in milliseconds, empty where not measured, besides columns `latency_ms:NAME`. */
  readonly devices?: readonly string[];
  /** What is to be large, such as an accuracy; describes no architecture, as it is not known before one is trained. */
  readonly qualities?: readonly string[];
  readonly ignored?: readonly string[];
}

/** CSV with a heading line and a row for each architecture; or the rows as objects, whose keys are the headings. */
export type TableRows = string | readonly Readonly<Record<string, string | number | null | undefined>>[];

/** What `openTable` would make of a table, and all that it would refuse. */
export interface TableSketch {
  readonly rows: number;
  readonly columns: readonly TableColumn[];
  /** By line from 1, at most 100; line 0: of the whole table. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

export interface TableInfo {
  /** Of the rows; distinct. */
  readonly names: readonly string[];
  readonly columns: readonly TableColumn[];
  /** Known devices, by name. */
  readonly devices: readonly string[];
  /** Headings. */
  readonly qualities: readonly string[];
}

export interface TableTransferOptions {
  /** Name of the new device; default `my device`. */
  readonly device?: string;
  /** What was measured; default `latency`. */
  readonly quantity?: Quantity;
  /** Places of measurements, from 0, that are never set aside. */
  readonly trusted?: readonly number[];
}

export interface TableSearchOptions {
  /** A column of qualities, the default its first; or a value for each row, NaN where not known. */
  readonly quality?: string | Float64Array;
}

export interface TablePredictorInfo {
  readonly target: string;
  readonly quantity: Quantity;
  readonly method: 'closed-form';
  readonly measurements: readonly Measurement[];
}

/** What is believed of one device over a table, held by an engine. Immutable. */
export interface TablePredictor {
  readonly info: TablePredictorInfo;

  /** Estimates and where the truth lies with a probability of `coverage`, in (0, 1), default 0.9. `names`: default all rows. */
  intervals(names?: readonly string[], coverage?: number): Promise<Intervals>;

  /** What is odd about the measurements, and how good the estimates should be. */
  review(): Promise<Review>;

  /** Which rows to measure next. */
  next(options?: Pick<NextOptions, 'count'>): Promise<Next>;

  /** The best row for each limit in milliseconds, of all rows. */
  search(limits_ms: readonly number[], options?: TableSearchOptions): Promise<SearchResult>;

  /** Frees the memory now; a forgotten one is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** A search space of one's own: a table with a row for each architecture, and what its known devices say of a new one. */
export interface OwnTable {
  readonly info: TableInfo;

  /** Of a column of numbers, latencies or a quality, by row; NaN where not known. */
  values(heading: string): Promise<Float64Array>;

  /** Of a column of words, by row. */
  words(heading: string): Promise<readonly string[]>;

  /** Rows by their names. */
  parse(names: readonly string[]): Promise<ParsedArchitecture[]>;

  /** In closed form, from any number of measurements; from none it is what is believed of every device. */
  transfer(measurements: readonly Measurement[], options?: TableTransferOptions): Promise<TablePredictor>;

  /** Frees the memory now; a forgotten one is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The engine. Obtain one from `createEngine()`; every method works the same in-thread and in a worker. */
export interface Engine {
  readonly kind: 'local' | 'worker';

  /** From bytes of a weights file or of `Predictor.save()`. */
  load(bytes: Uint8Array): Promise<Predictor>;

  /** From bytes of an encoder file. */
  loadEncoder(bytes: Uint8Array): Promise<Encoder>;

  spaces(): Promise<SpaceInfo[]>;

  parse(space: SpaceId, texts: readonly string[]): Promise<ParsedArchitecture[]>;

  facts(space: SpaceId, architectures: readonly string[]): Promise<ArchitectureFacts[]>;

  /** All architectures of the space, canonical, in official order. Throws `argument` where there are too many. */
  enumerate(space: SpaceId): Promise<string[]>;

  /** Drawn uniformly, canonical; the same for the same seed (default 0). */
  random(space: SpaceId, count: number, seed?: number): Promise<string[]>;

  /** What stands for the whole space: all of it where it can be listed, else 5,000 distinct ones, always the same. */
  pool(space: SpaceId): Promise<string[]>;

  /** Every architecture that differs in one choice, canonical. */
  neighbours(space: SpaceId, architecture: string): Promise<string[]>;

  /** Which architectures to measure on a new device. In one go: to encode a whole space takes a second or two. */
  chooseSamples(space: SpaceId, options?: SampleOptions): Promise<string[]>;

  /** What a file says of its inputs: which shapes have to be given to `openModel`. */
  modelInputs(file: ModelFile): Promise<StatedInput[]>;

  /** Reads a model. A Blob (a File) is read where the engine runs, and only as far as needed: some kilobytes of 100 MB. */
  openModel(file: ModelFile, options?: ModelOptions): Promise<Model>;

  runtimeFamilies(): Promise<RuntimeFamily[]>;

  /** From bytes of a fleet file. */
  loadFleet(bytes: Uint8Array): Promise<Fleet>;

  /** From bytes of a pool's `index.json`. */
  loadKernelPool(index: Uint8Array): Promise<KernelPool>;

  /** From bytes of one of a pool's files. */
  loadKernelPlatform(bytes: Uint8Array): Promise<KernelPlatform>;

  /** A new platform from 2 or more timings of kernels; 20 are a beginning, 100 are good. `platforms`: those most similar to it; may be none. */
  adaptKernels(
    platforms: readonly KernelPlatform[],
    timings: readonly KernelTiming[],
    options?: AdaptKernelsOptions,
  ): Promise<KernelPlatform>;

  /** What a table would be read as: for a page that shows it, and lets it be changed. */
  sketchTable(table: TableRows, options?: TableOptions): Promise<TableSketch>;

  /** A search space of one's own. Throws `argument` on the first problem that `sketchTable` names. */
  openTable(table: TableRows, options?: TableOptions): Promise<OwnTable>;

  /** The network of an architecture as an ONNX model with random weights, to be run by other runtimes. */
  exportOnnx(space: SpaceId, architecture: string, options?: ExportOptions): Promise<Uint8Array>;

  /** A single kernel as an ONNX model with random weights, by its key: what to time on a device whose kernels are to be known. */
  exportKernel(kernel: string, options?: Pick<ExportOptions, 'seed'>): Promise<Uint8Array>;

  accuracy(predicted: Float64Array, truth: Float64Array): Promise<Accuracy>;

  /** Predictors, encoders, models, platforms, tables and work alive in the engine; 0 when all are disposed. */
  liveHandles(): Promise<number>;

  /** Frees everything; stops the worker. */
  dispose(): void;
  [Symbol.dispose](): void;
}

export interface EngineOptions {
  /** `worker` (default in a browser) or `local` (default elsewhere). */
  readonly kind?: 'local' | 'worker';
  /** The bytes of `latencast.wasm`, or where to fetch them; default: where the build puts them. */
  readonly wasm?: Uint8Array | string | URL;
  /** The same of `latencast-rest.wasm`, the rest of that module, which is fetched when the network, a search, an encoder, a sampler or writing first needs it. */
  readonly restWasm?: Uint8Array | string | URL;
  /** The same of `latencast-models.wasm`, which is fetched when the first model is opened. */
  readonly modelsWasm?: Uint8Array | string | URL;
  /** The same of `latencast-tables.wasm`, which is fetched when the first table is opened. */
  readonly tablesWasm?: Uint8Array | string | URL;
  /** Where the worker's script is (`worker.js` of this package); default: beside this module. It may be of another origin than the page. */
  readonly worker?: string | URL;
  /**
   * Called once where the worker stops by itself after it has started, e.g. because memory ran out: everything that the engine held
   * is lost, and every call fails with the same error.
   */
  readonly onFailure?: (error: LatencastError) => void;
}
