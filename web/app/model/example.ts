/** What the mode shows before the engine is there; `make-example.mjs` computes it. */

import data from './example.json';
import type { Example } from './state.js';

const { estimate, ...rest } = data;

export const example = {
  ...rest,
  estimate: { ...estimate, kernel_ms: Float64Array.from(estimate.kernel_ms) },
} as unknown as Example;
