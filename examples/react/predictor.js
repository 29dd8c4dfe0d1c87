import { useEffect, useState } from 'react';
import { checkMeasurements, createEngine, fetchBytes, readMeasurements } from 'latencast';

/** One engine, in a worker, for all components; a module is evaluated once. */
const starting = start();

async function start() {
  const [engine, weights] = await Promise.all([
    createEngine(),
    fetchBytes(new URL('latencast/weights/nb201.latencast', import.meta.url)),
  ]);
  return { engine, base: await engine.load(weights) };
}

/** A predictor for the device of these measurements: another text gives another predictor, and the one before is freed. */
export function usePredictor(text) {
  const [found, setFound] = useState({});
  useEffect(() => {
    const stop = new AbortController();
    let predictor;
    const adapt = async () => {
      const { engine, base } = await starting;
      const { measurements } = await checkMeasurements(engine, 'nb201', readMeasurements(text));
      predictor = await base.transfer(measurements, { signal: stop.signal });
      if (stop.signal.aborted) predictor.dispose();
      else setFound({ predictor });
    };
    adapt().catch((reason) => stop.signal.aborted || setFound({ problem: reason.message }));
    return () => {
      stop.abort();
      setFound({});
      predictor?.dispose();
    };
  }, [text]);
  return found;
}
