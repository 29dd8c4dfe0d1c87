// Prints what an embedded <latency-predictor> fetches, gzip, weights apart: node tests/bench/element-size.mjs (after npm run build).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const folder = join(import.meta.dirname, '../../dist/element');
const packed = (name) => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
const parts = [
  ['module', 'index.js'],
  ['engine', 'latencast.wasm'],
  ["the engine's worker", 'worker.js'],
  ['where the network refines', 'latencast-rest.wasm'],
  ['where measurements are given as text', 'measurements.js', 'papaparse.min.js', 'rolldown-runtime.js'],
  ['where a known device is named', 'known.json'],
].map(([what, ...names]) => ({ what, name: names[0], bytes: names.reduce((sum, name) => sum + packed(name), 0) }));
for (const { what, name, bytes } of parts) console.log(`${name.padEnd(16)} ${String(bytes).padStart(8)}  ${what}`);
const sum = (count) => parts.slice(0, count).reduce((all, { bytes }) => all + bytes, 0);
console.log(`module and engine: ${sum(2)} bytes; with the worker: ${sum(3)}; all: ${sum(parts.length)}`);
