/**
 * The raw module that `models_bindings.cpp` makes, name by name; a test holds the two together. Only `web/api` uses it. Everything
 * is as in `latencast.d.ts`.
 */

import type { Envelope, Json, List, RawBelief, RawHandle } from './latencast.js';

export interface RawFamily {
  readonly id: string;
  readonly title: string;
  readonly source: string;
}

export interface RawStatedInput {
  readonly name: string;
  /** null in place of a length that the file leaves open, or of the whole. */
  readonly shape: readonly (number | null)[] | null;
}

export interface RawModelOptions {
  readonly batch?: number | undefined;
  readonly inputs?: Readonly<Record<string, readonly number[]>> | undefined;
}

export interface RawExportOptions {
  readonly pixels?: number | undefined;
  readonly classes?: number | undefined;
  readonly seed?: number | undefined;
}

export interface RawTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly element: 'f32' | 'f16' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64' | 'bool';
}

export interface RawModelInfo {
  readonly name: string;
  readonly format: 'ONNX' | 'ncnn' | 'JSON';
  readonly inputs: readonly RawTensor[];
  readonly outputs: readonly RawTensor[];
  readonly operators: number;
  readonly macs: number;
  readonly params: number;
}

export interface RawKernel {
  readonly type: string;
  readonly op: string;
  readonly key: string;
  readonly macs: number;
  readonly params: number;
  readonly bytes_in: number;
  readonly bytes_weights: number;
  readonly bytes_out: number;
  readonly nodes: readonly { readonly name: string; readonly op: string }[];
}

export interface RawUnknown {
  readonly op: string;
  readonly count: number;
  readonly traffic_share: number;
  readonly macs_beside_share: number;
}

export interface RawDecomposition {
  readonly runtime: string;
  readonly kernels: readonly RawKernel[];
  readonly unknown: readonly RawUnknown[];
}

export interface RawModel extends RawHandle {
  _info(): Envelope<Json<RawModelInfo>>;
  _decompose(runtime: string): Envelope<Json<RawDecomposition>>;
}

export interface RawKnownPlatform {
  readonly id: string;
  readonly title: string;
  readonly board: string;
  readonly family: string;
  readonly gpu: boolean;
  readonly threads: number;
  readonly processor: string;
  readonly measured: number;
}

export interface RawKnownModel {
  readonly name: string;
  readonly input: readonly number[];
  readonly measured: number;
}

export interface RawFleetInfo {
  readonly processors: readonly string[];
  readonly platforms: readonly RawKnownPlatform[];
  readonly models: readonly RawKnownModel[];
}

export interface RawModelEstimate {
  readonly latency_ms: number;
  readonly low_ms: number;
  readonly high_ms: number;
  /** Of each kernel, in their order; their sum is the latency. */
  readonly kernel_ms: Float64Array;
  readonly knowledge: 'measured' | 'known' | 'graph';
}

export interface RawPlatformReview {
  /** Highest first, at most 5. */
  readonly likenesses: readonly { readonly platform: string; readonly probability: number }[];
  readonly set_aside: readonly boolean[];
  /** Each measurement from all others, 90 %. */
  readonly left_out: readonly RawBelief[];
  readonly expected_error: number;
}

export interface RawAdaptOptions {
  readonly family: string;
  readonly trusted?: readonly number[] | undefined;
  readonly processor?: string | undefined;
  readonly threads?: number | undefined;
}

export interface RawFleet extends RawHandle {
  _info(): Envelope<Json<RawFleetInfo>>;
  /** index: into the platforms. */
  _platform(index: number): Envelope<RawPlatform>;
  _adapt(models: readonly RawModel[], latencies_ms: Float64Array, options: Json<RawAdaptOptions>): Envelope<RawPlatform>;
}

export interface RawPlatform extends RawHandle {
  _estimate(model: RawModel, coverage: number): Envelope<RawModelEstimate>;
  _review(): Envelope<Json<RawPlatformReview>>;
  /** What of the models to measure next, by their places, best first. */
  _next(models: readonly RawModel[], count: number): Envelope<Json<{ readonly models: readonly number[]; readonly worth: number }>>;
}

export interface RawPoolEntry {
  readonly id: string;
  readonly title: string;
  readonly chip: string;
  readonly source: string;
  readonly timed: 'alone' | 'inside';
  readonly family: string;
  /** How many of each type it learnt from; without those of which it is 0. */
  readonly timings: Readonly<Record<string, number>>;
}

export interface RawSimilarity {
  /** Its place among the platforms it was compared with. */
  readonly platform: number;
  readonly error: number;
  readonly scale: number;
  readonly share: number;
}

export interface RawPool extends RawHandle {
  /** enough: how many of the most similar platforms serve a new one as well as all. */
  _info(): Envelope<Json<{ readonly platforms: readonly RawPoolEntry[]; readonly probes: readonly string[]; readonly enough: number }>>;
  /** kernels: their keys. Most similar first. */
  _similar(kernels: List, latencies_ms: Float64Array): Envelope<Json<RawSimilarity[]>>;
}

export interface RawKernelPlatform extends RawHandle {
  /** entry: of one of the pool. similar, set_aside (places of timings): of an adapted one. */
  _info(): Envelope<Json<{ readonly entry?: RawPoolEntry; readonly similar: readonly RawSimilarity[]; readonly set_aside: readonly number[] }>>;
  _estimate(model: RawModel, family: string): Envelope<Omit<RawModelEstimate, 'knowledge'>>;
}

export interface RawModelsModule {
  _runtimeFamilies(): Envelope<Json<RawFamily[]>>;
  _inputs(bytes: Uint8Array): Envelope<Json<RawStatedInput[]>>;
  _open(bytes: Uint8Array, options: Json<RawModelOptions>): Envelope<RawModel>;
  _exportOnnx(space: string, architecture: string, options: Json<RawExportOptions>): Envelope<Uint8Array>;
  /** kernel: its key. */
  _exportKernel(kernel: string, options: Json<Pick<RawExportOptions, 'seed'>>): Envelope<Uint8Array>;
  _loadFleet(bytes: Uint8Array): Envelope<RawFleet>;
  _loadPool(bytes: Uint8Array): Envelope<RawPool>;
  _loadPoolPlatform(bytes: Uint8Array): Envelope<RawKernelPlatform>;
  /** platforms: of the pool; models: whole ones that were measured, and the family that fuses them. */
  _adaptKernels(
    platforms: readonly RawKernelPlatform[],
    kernels: List,
    latencies_ms: Float64Array,
    models: readonly RawModel[],
    model_latencies_ms: Float64Array,
    family: string,
    timed: string,
  ): Envelope<RawKernelPlatform>;
  _liveHandles(): Envelope<number>;
}

/** As that of `latencast.d.ts`. */
export default function createModelsModule(options: {
  readonly wasmBinary: Uint8Array;
  readonly printErr?: (line: string) => void;
}): Promise<RawModelsModule>;
