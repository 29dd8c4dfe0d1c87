import type { Envelope } from '../../wasm/latencast.js';

import type {
  Accuracy,
  ArchitectureFacts,
  LeaveOneOut,
  Measurement,
  ParsedArchitecture,
  PredictorInfo,
  SpaceId,
  TransferOptions,
  TransferProgress,
} from './types.js';

/** A predictor in the worker, as this side knows it. */
export interface Held {
  readonly id: number;
  readonly info: PredictorInfo;
}

/** The part of the options that can be sent; the signal and the callback stay on their side, known by a job's number. */
export type TransferSettings = Omit<TransferOptions, 'signal' | 'onProgress'>;

/** Resolves when the other side has heard it. */
export type Report = (job: number, progress: TransferProgress) => Promise<void>;

/**
 * What the worker answers to. A failure is an envelope, since an error's code would not survive being thrown across.
 * `job` numbers work that can be cancelled and reports progress; the numbers are the caller's.
 */
export interface Host {
  /** First of all; once. */
  start(wasm: Uint8Array | string | undefined, report: Report): Promise<Envelope<null>>;
  cancel(job: number): void;

  load(bytes: Uint8Array): Promise<Envelope<Held>>;
  parse(space: SpaceId, texts: readonly string[]): Promise<Envelope<ParsedArchitecture[]>>;
  facts(space: SpaceId, architectures: readonly string[]): Promise<Envelope<ArchitectureFacts[]>>;
  enumerate(space: SpaceId): Promise<Envelope<string[]>>;
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
  save(id: number): Promise<Envelope<Uint8Array>>;
  release(id: number): void;
}
