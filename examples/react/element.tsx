// <latency-predictor> in typed JSX. The first import is of types alone, the second defines the element.
import type {} from 'latencast/element/react';
import 'latencast/element';
import { useState } from 'react';
import { measured } from '../measurements.js';

export function Device({ name }: { readonly name: string }) {
  const [shown, setShown] = useState('');
  return (
    <>
      <latency-predictor
        space="nb201"
        device={name}
        measurements={measured}
        limit={12}
        onestimate={({ detail }) => setShown(`${detail.architecture}: ${detail.latency_ms.toFixed(2)} ms`)}
      />
      <output>{shown}</output>
    </>
  );
}
