/**
 * The raw module that `bindings.cpp` makes, name by name; a test holds the two together. Only `web/api` uses it.
 *
 * A list is one string in which every item is followed by a line end. Nothing throws: see `Envelope`.
 */

/** Failures are data. `code` is one of `_errorCodes()`. */
export type Envelope<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: { readonly code: string; readonly message: string } };

/** Text holding JSON of this shape. */
export type Json<T> = string & { readonly __json?: T };

/** Items, each followed by a line end. */
export type List = string;

export interface RawSpace {
  readonly id: string;
  readonly title: string;
  /** How many architectures; 0 where too many to list. */
  readonly size: number;
}

export interface RawParsed {
  /** Position in the space; -1 where the text is no architecture or the space is too large to list. */
  readonly indices: Int32Array;
  /** Canonical forms; empty where the text is no architecture. */
  readonly architectures: List;
  /** What is wrong with each text; null where nothing is. */
  readonly messages: Json<(string | null)[]>;
}

export interface RawFacts {
  readonly text: string;
  readonly macs: number;
  readonly params: number;
  readonly graph: {
    readonly op: readonly string[];
    readonly predecessors: readonly (readonly number[])[];
    readonly live: readonly boolean[];
  };
}

export interface RawAccuracy {
  readonly spearman: number;
  readonly kendall: number;
  readonly mdape: number;
  readonly within5: number;
  readonly within10: number;
}

export interface RawInfo {
  readonly space: string;
  readonly devices: readonly string[];
  readonly parameter_count: number;
  readonly target?: string;
  /** Of a transferred one. */
  readonly quantity?: 'latency' | 'energy';
  /** Of a transferred one. */
  readonly method?: 'closed-form' | 'finetune' | 'combined';
  /** Whether `_estimate` works. */
  readonly closed_form: boolean;
  readonly nearest?: { readonly device: string; readonly spearman: number };
  readonly measurements: readonly { readonly architecture: string; readonly latency_ms: number; readonly relative_error?: number }[];
}

export interface RawEstimateOptions {
  readonly device?: string | undefined;
  readonly quantity?: 'latency' | 'energy' | undefined;
  /** Measurements never to be set aside, counted from 0. */
  readonly trusted?: readonly number[] | undefined;
  /** Relative, one for each measurement, 0 where unknown; absent: all are. */
  readonly errors?: readonly number[] | undefined;
}

export interface RawBelief {
  readonly low: number;
  readonly latency_ms: number;
  readonly high: number;
}

export interface RawDoubt {
  /** Counted from 0. */
  readonly measurements: readonly number[];
  readonly kind: 'outlier' | 'unit' | 'duplicate' | 'saturated' | 'mixture' | 'scale';
  readonly message: string;
  /** Measured / expected. */
  readonly factor: number;
  readonly set_aside: boolean;
}

export interface RawReview {
  /** Each measurement from all others, 90 %. */
  readonly left_out: readonly RawBelief[];
  readonly doubts: readonly RawDoubt[];
  /** Relative standard deviation of one reading. */
  readonly noise: number;
  /** 0 where the readings show none. */
  readonly timer_unit_ms: number;
  /** Highest first, at most 5. */
  readonly likenesses: readonly { readonly device: string; readonly probability: number }[];
  readonly expected_spearman: number;
  /** Median relative error to expect, a fraction. */
  readonly expected_error: number;
}

export interface RawNext {
  readonly architectures: readonly string[];
  /** Expected fall of the error by measuring them, as a share of the present one. */
  readonly worth: number;
}

export interface RawTransferOptions {
  readonly device?: string | undefined;
  readonly quantity?: 'latency' | 'energy' | undefined;
  readonly epochs?: number | undefined;
  readonly learning_rate?: number | undefined;
  readonly seed?: number | undefined;
}

export interface RawRandomOptions {
  readonly count?: number | undefined;
  readonly seed?: number | undefined;
}

export interface RawSampleOptions extends RawRandomOptions {
  readonly sampler?: string | undefined;
}

export interface RawSearchOptions {
  /** Looked at first, beside the measured ones. */
  readonly start?: List | undefined;
  readonly population?: number | undefined;
  readonly tournament?: number | undefined;
  readonly evaluations?: number | undefined;
  readonly seed?: number | undefined;
}

export interface RawCandidate {
  readonly architecture: string;
  readonly latency_ms: number;
  readonly quality: number;
}

export interface RawFound {
  readonly best: readonly (RawCandidate | null)[];
  readonly front: readonly RawCandidate[];
}

export interface RawProgress {
  readonly finished: boolean;
  readonly step: number;
  readonly total_steps: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
}

/** Every object with memory of its own. Using it after `delete()` throws embind's own error. */
export interface RawHandle {
  delete(): void;
}

export interface RawPredictor extends RawHandle {
  _info(): Envelope<Json<RawInfo>>;
  /** Fails where the network does not give the scores that stood in the file; before anything asks the network. */
  _selfTest(): Envelope<null>;
  _scores(device: string, architectures: List): Envelope<Float64Array>;
  _latency(architectures: List): Envelope<Float64Array>;
  _save(): Envelope<Uint8Array>;
  _transfer(
    architectures: List,
    latencies_ms: Float64Array,
    options: Json<RawTransferOptions>,
  ): Envelope<RawTransfer>;
  /** In closed form, at once; any number of measurements. */
  _estimate(
    architectures: List,
    latencies_ms: Float64Array,
    options: Json<RawEstimateOptions>,
  ): Envelope<RawPredictor>;
  /** Of one that `_estimate` of `base` made: the fine-tuning whose result is both combined; null where that would add nothing. */
  _refine(base: RawPredictor, options: Json<RawTransferOptions>): Envelope<RawTransfer | null>;
  /** All lows, then all medians, then all highs. Transferred in closed form only. */
  _intervals(architectures: List, coverage: number): Envelope<Float64Array>;
  /** Transferred in closed form only. */
  _review(): Envelope<Json<RawReview>>;
  /** What of the pool to measure next, best first. */
  _next(pool: List, count: number): Envelope<Json<RawNext>>;
  /**
   * `qualities` of `architectures`, or where these are none of the whole space in order; where both are empty, multiply-adds in
   * millions count.
   */
  _search(
    limits_ms: Float64Array,
    architectures: List,
    qualities: Float64Array,
    options: Json<RawSearchOptions>,
  ): Envelope<RawSearch>;
}

export interface RawTransfer extends RawHandle {
  /** At least one optimiser step, then more while they fit. */
  _step(max_milliseconds: number): Envelope<Json<RawProgress>>;
  /** Once `_step` has said `finished`. */
  _result(): Envelope<RawPredictor>;
}

export interface RawSearch extends RawHandle {
  /** At least one step of the search, then more while they fit. */
  _step(max_milliseconds: number): Envelope<Json<{ readonly finished: boolean; readonly done: number }>>;
  /** What has been found so far. */
  _result(): Envelope<Json<RawFound>>;
}

export interface RawEncoder extends RawHandle {
  _info(): Envelope<Json<{ readonly space: string }>>;
  /** Row after row. */
  _encode(encoding: string, architectures: List): Envelope<Float32Array>;
}

export interface RawModule {
  _errorCodes(): Envelope<List>;
  _spaces(): Envelope<Json<RawSpace[]>>;
  /** Names of the samplers. */
  _samplers(): Envelope<List>;
  _parse(space: string, texts: List): Envelope<RawParsed>;
  _facts(space: string, architectures: List): Envelope<Json<RawFacts[]>>;
  _enumerate(space: string): Envelope<List>;
  _random(space: string, options: Json<RawRandomOptions>): Envelope<List>;
  _neighbours(space: string, architecture: string): Envelope<List>;
  _chooseSamples(
    space: string,
    pool: List,
    encoder: RawEncoder | null,
    options: Json<RawSampleOptions>,
  ): Envelope<List>;
  _accuracy(predicted: Float64Array, truth: Float64Array): Envelope<Json<RawAccuracy>>;
  _load(bytes: Uint8Array): Envelope<RawPredictor>;
  _loadEncoder(bytes: Uint8Array): Envelope<RawEncoder>;
  _liveHandles(): Envelope<number>;
  /** Best of `repetitions` products of two n x n float matrices, in GFLOP/s. */
  _gemmGflops(n: number, repetitions: number): Envelope<number>;
}

/**
 * Emscripten's module factory. `instantiateWasm` gets what the module imports, and hands over its instance once it has one;
 * `printErr` hears what it would write to the console.
 */
export default function createModule(options: {
  readonly instantiateWasm: (imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) => object;
  readonly printErr?: (line: string) => void;
}): Promise<RawModule>;
