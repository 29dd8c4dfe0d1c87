/**
 * The public interface of latencast: one engine, in this thread or in a worker, behind the same types.
 * Latencies are milliseconds, rank correlations are fractions in [-1, 1], shares are fractions in [0, 1].
 */

/** Kinds of failure; the same list as `ErrorCode` in `cpp/include/latencast/error.h`, plus the loader's own. */
export type ErrorCode =
  | 'argument'
  | 'architecture'
  | 'measurement'
  | 'checkpoint'
  | 'cancelled'
  | 'internal'
  /** A file could not be fetched, or this browser cannot run WebAssembly with SIMD. */
  | 'load'
  /** The object was used after `dispose()`. */
  | 'disposed';

export type SpaceId = 'nb201';

/** One usable measurement. `architecture` in any form the space accepts; `latency_ms` finite and positive. */
export interface Measurement {
  readonly architecture: string;
  readonly latency_ms: number;
}

/** What the engine says of one architecture text. Exactly one of the two forms. */
export type ParsedArchitecture =
  | {
      readonly ok: true;
      /** Canonical short form, e.g. `421211`. */
      readonly architecture: string;
      /** Position in `enumerate()`; the official index on NAS-Bench-201. */
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
  /** `transfer`: fine-tuning. `predict`: estimating. `leave-one-out`: transfers with one measurement held back. */
  readonly phase: 'transfer' | 'predict' | 'leave-one-out';
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

export interface TransferOptions extends Cancellable {
  /** Name of the new device; default `my device`. */
  readonly device?: string;
  /** Default 40. */
  readonly epochs?: number;
  /** Default: from 2e-4 to 1e-3, the higher the worse the nearest known device matches the measurements. */
  readonly learning_rate?: number;
  /** Decides everything random; default 0. A whole number from 0 to 2^53 - 1. */
  readonly seed?: number;
  readonly onProgress?: (progress: TransferProgress) => void;
}

export interface PredictOptions extends Cancellable {
  readonly onProgress?: (progress: TransferProgress) => void;
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
  /** The measurements it was adapted on, canonical; empty for a pre-trained one. */
  readonly measurements: readonly Measurement[];
  /** The known device the new one was started from, and how well its ranks fit the measurements. */
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

  /** Fine-tunes a copy of a pre-trained predictor on a new device. At least 3 measurements. */
  transfer(measurements: readonly Measurement[], options?: TransferOptions): Promise<Predictor>;

  /** One transfer per measurement, each without it. At least 4 measurements. */
  leaveOneOut(measurements: readonly Measurement[], options?: TransferOptions): Promise<LeaveOneOut>;

  /** The file that `Engine.load` reads. */
  save(): Promise<Uint8Array>;

  /** Frees the memory now; a forgotten predictor is freed when it is garbage-collected. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** The engine. Obtain one from `createEngine()`; every method works the same in-thread and in a worker. */
export interface Engine {
  readonly kind: 'local' | 'worker';

  /** From bytes of a weights file or of `Predictor.save()`. */
  load(bytes: Uint8Array): Promise<Predictor>;

  parse(space: SpaceId, texts: readonly string[]): Promise<ParsedArchitecture[]>;

  facts(space: SpaceId, architectures: readonly string[]): Promise<ArchitectureFacts[]>;

  /** All architectures of the space, canonical, in official order. */
  enumerate(space: SpaceId): Promise<string[]>;

  accuracy(predicted: Float64Array, truth: Float64Array): Promise<Accuracy>;

  /** Predictors and transfers alive in the engine; 0 when all are disposed. */
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
}
