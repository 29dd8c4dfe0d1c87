/**
 * Defines <latency-predictor>. A page needs this one module:
 *
 *     <script type="module" src="https://.../latencast/dist/element/index.js"></script>
 *     <latency-predictor space="nb201" device="pixel3"></latency-predictor>
 */

import { LatencyPredictor as Implementation } from './element.js';
import type { LatencyPredictorElement } from './types.js';

export type * from './types.js';

const kName = 'latency-predictor';

/** The element's class, for `instanceof` and `new`. */
export const LatencyPredictor: { new (): LatencyPredictorElement; readonly prototype: LatencyPredictorElement } = Implementation;

// A second copy of the module, of whatever version, leaves the first in charge.
if (!customElements.get(kName)) customElements.define(kName, Implementation);
