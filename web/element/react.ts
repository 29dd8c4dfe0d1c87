/**
 * `<latency-predictor>` in React's JSX: properties by their own types, events as React 19 passes them. `import type {} from 'latencast/element/react'`.
 *
 * @module latencast/element/react
 */

import type { ClassAttributes, HTMLAttributes } from 'react';
import type { LatencyPredictorElement, LatencyPredictorEventMap } from './types.js';

type Settable = 'space' | 'device' | 'measurements' | 'architecture' | 'limit' | 'accuracy' | 'method' | 'engine' | 'weights';
type Told = Exclude<keyof LatencyPredictorEventMap, keyof HTMLElementEventMap>;

export type LatencyPredictorProps = ClassAttributes<LatencyPredictorElement> &
  HTMLAttributes<LatencyPredictorElement> &
  Partial<Pick<LatencyPredictorElement, Settable>> & { readonly [K in Told as `on${K}`]?: (event: LatencyPredictorEventMap[K]) => void };

declare module 'react' {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- the name that React's own types give it
  namespace JSX {
    interface IntrinsicElements {
      'latency-predictor': LatencyPredictorProps;
    }
  }
}
