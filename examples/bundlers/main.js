// One page for Vite, webpack and esbuild; their settings are beside it.
import { checkMeasurements, createEngine, fetchBytes, LatencastError, readMeasurements } from 'latencast';
import { measured } from '../measurements.js';

const input = document.querySelector('input');
const output = document.querySelector('output');

const [engine, weights] = await Promise.all([
  createEngine(), // in a worker
  fetchBytes(new URL('latencast/weights/nb201.latencast', import.meta.url)),
]);
const base = await engine.load(weights);
const { measurements } = await checkMeasurements(engine, 'nb201', readMeasurements(measured));
const mine = await base.transfer(measurements);

async function estimate() {
  try {
    const { low, latency_ms, high } = await mine.intervals([input.value]);
    output.textContent = `${latency_ms[0].toFixed(2)} ms, 90 % between ${low[0].toFixed(2)} and ${high[0].toFixed(2)}`;
  } catch (caught) {
    if (!(caught instanceof LatencastError)) throw caught;
    output.textContent = caught.message;
  }
}
input.addEventListener('input', estimate);
await estimate();
