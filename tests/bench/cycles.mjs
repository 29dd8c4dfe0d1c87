// node tests/bench/cycles.mjs [--cycles 10000] [--kind local|worker]: open, transfer, estimate and dispose, after `npm run build`.
// Ends with 1 unless nothing lives at the end and the memory stayed what it was after the first fifth.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../.ci/steps.mjs';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '10000' }, kind: { type: 'string', default: 'local' } } });
const cycles = Number(values.cycles);
/** The heap of JavaScript breathes by so much. */
const kSlack_MB = 24;

const { createEngine, readMeasurements } = await import(join(root, 'dist/api/index.js'));
const weights = new Uint8Array(readFileSync(join(root, 'weights/nb201.latencast')));
const model = new Uint8Array(readFileSync(join(root, 'tests/golden/models/squeezenet1_1.onnx')));
const measurements = readMeasurements(readFileSync(join(root, 'tests/golden/raspi4-20.csv'), 'utf8')).lines.flatMap(({ architecture_text, latency }) =>
  latency === undefined ? [] : [{ architecture: architecture_text, latency_ms: latency }],
);

const engine = await createEngine({ kind: values.kind });
const asked = await engine.random('nb201', 50);
const start = performance.now();
let settled = 0;
let resident = 0;
for (let cycle = 1; cycle <= cycles; ++cycle) {
  const base = await engine.load(weights);
  const mine = await base.transfer(measurements);
  await mine.intervals(asked);
  await mine.review();
  const opened = await engine.openModel(model);
  await opened.decompose();
  // What is left while work is going on is freed as well.
  const stop = new AbortController();
  const cancelled = base.transfer(measurements, { method: 'finetune', signal: stop.signal }).then(
    (late) => late.dispose(),
    () => {},
  );
  stop.abort();
  await cancelled;
  for (const held of [base, mine, opened]) held.dispose();
  if (cycle % Math.ceil(cycles / 10) === 0 || cycle === cycles) {
    globalThis.gc?.();
    resident = process.memoryUsage.rss() / 1e6;
    console.log(`${cycle} cycles: ${resident.toFixed(0)} MB resident, ${await engine.liveHandles()} alive, ${((performance.now() - start) / cycle).toFixed(1)} ms each`);
    if (cycle >= cycles / 5 && settled === 0) settled = resident;
  }
}
const alive = await engine.liveHandles();
engine.dispose();
if (alive > 0 || resident > settled + kSlack_MB) {
  console.error(`cycles: ${alive} alive, ${settled.toFixed(0)} MB grew to ${resident.toFixed(0)} MB`);
  process.exitCode = 1;
}
