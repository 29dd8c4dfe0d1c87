// node node/main.js [ARCHITECTURE ...]: what cells take on the device that measurements.js is of.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { checkMeasurements, createEngine, readMeasurements } from 'latencast';
import { measured } from '../measurements.js';

const weights = fileURLToPath(import.meta.resolve('latencast/weights/nb201.latencast'));

const engine = await createEngine();
const base = await engine.load(new Uint8Array(await readFile(weights)));
const { measurements } = await checkMeasurements(engine, 'nb201', readMeasurements(measured));
const mine = await base.transfer(measurements, { device: 'Raspberry Pi 4' });

const asked = process.argv.length > 2 ? process.argv.slice(2) : ['421211'];
const { low, latency_ms, high } = await mine.intervals(asked);
for (const [i, architecture] of asked.entries()) {
  console.log(`${architecture}: ${latency_ms[i].toFixed(2)} ms, 90 % between ${low[i].toFixed(2)} and ${high[i].toFixed(2)}`);
}

const { expected_spearman, doubts } = await mine.review();
console.log(`expected rank correlation ${expected_spearman.toFixed(2)}`);
for (const { message } of doubts) console.log(message);
engine.dispose();
