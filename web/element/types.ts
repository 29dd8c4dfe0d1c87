/**
 * The public face of `<latency-predictor>`; no type of a library is in it.
 *
 * @module latencast/element
 */

import type { Intervals, Measurement, Method, Quantity, SpaceId } from '../api/types.js';

/** Data sets whose accuracies are known of every cell of NAS-Bench-201. */
export type AccuracySet = 'cifar10' | 'cifar100' | 'imagenet16';

/** `waiting`: nothing to estimate from yet. `loading`: files or estimates are on their way. */
export type Phase = 'waiting' | 'loading' | 'ready' | 'failed';

/** Of one architecture; milliseconds, of an energy millijoules. */
export interface Estimate {
  /** Canonical. */
  readonly architecture: string;
  readonly latency_ms: number;
  /** Between them the truth lies with a probability of 90 %. */
  readonly low_ms: number;
  readonly high_ms: number;
  /** Percent, of the data set that the element shows; absent where it is not known. */
  readonly accuracy?: number;
}

/** Of the whole space, or of the 5,000 architectures that stand for it. */
export interface Estimates extends Intervals {
  readonly architectures: readonly string[];
  readonly quantity: Quantity;
  /** What they were made by. */
  readonly method: Method;
  /** What they rest on, canonical. */
  readonly measurements: readonly Measurement[];
  /** Rank correlation (Spearman) to expect with measurements of the whole space. */
  readonly expected_spearman: number;
}

/** The limit, and the architecture of highest accuracy estimated at or below it; null where there is none. */
export interface Limit {
  readonly limit_ms: number;
  readonly best: Estimate | null;
}

export interface LatencyPredictorEventMap extends HTMLElementEventMap {
  /** New estimates of the space: the device or its measurements changed, or the network has refined them. */
  estimates: CustomEvent<Estimates>;
  /** Another architecture is shown, or its estimate changed. */
  estimate: CustomEvent<Estimate>;
  /** The limit was moved, or what is best under it changed. Where accuracies are known. */
  limit: CustomEvent<Limit>;
  /** It cannot go on, with what to do about it. */
  failure: CustomEvent<{ readonly code: string; readonly message: string }>;
}

/** `<latency-predictor>`. Every property that can be set has an attribute of its name. */
export interface LatencyPredictorElement extends HTMLElement {
  /** Default `nb201`. */
  space: SpaceId;
  /** A known device, where there are no measurements; else a name for what was measured. */
  device: string;
  /**
   * A text with one measurement a line, in any form the page reads, or measurements. In place of the attribute, a child
   * `<script type="text/csv">` may hold the text.
   */
  measurements: string | readonly Measurement[];
  /** The architecture shown, in any form the space accepts; empty: the best under the limit, where accuracies are known. */
  architecture: string;
  /** In milliseconds; NaN: the median of the estimates. */
  limit: number;
  /** Default `cifar10`. */
  accuracy: AccuracySet;
  /**
   * `closed-form` (default): at once. `combined`: at once too, and some seconds of work later refined by the network, where that adds
   * something (NAS-Bench-201), as on the project's own page.
   */
  method: 'closed-form' | 'combined';
  /** Where the engine runs: `worker` (default; in this thread where the page's policy forbids workers) or `local`, in this thread. */
  engine: 'worker' | 'local';
  /** Address of the folder of the weights, relative to the page; empty: the package's own. */
  weights: string;

  readonly phase: Phase;
  /** Of `architecture`; undefined until there is one. */
  readonly estimate: Estimate | undefined;
  readonly estimates: Estimates | undefined;

  addEventListener<K extends keyof LatencyPredictorEventMap>(
    type: K,
    listener: (this: LatencyPredictorElement, event: LatencyPredictorEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof LatencyPredictorEventMap>(
    type: K,
    listener: (this: LatencyPredictorElement, event: LatencyPredictorEventMap[K]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'latency-predictor': LatencyPredictorElement;
  }
}
