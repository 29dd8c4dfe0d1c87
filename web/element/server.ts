/**
 * Stands in for the element where pages are rendered on a server: there are no elements there, and importing it does nothing.
 * Its declarations are those of `index.ts`, without what that is made of.
 */

import type { LatencyPredictorElement } from './types.js';

export type * from './types.js';

export const LatencyPredictor = class {} as unknown as { new (): LatencyPredictorElement; readonly prototype: LatencyPredictorElement };
