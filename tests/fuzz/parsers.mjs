// node tests/fuzz/parsers.mjs [--inputs N] [--target NAME] [--seed S]: fuzzes the parsers of the TypeScript side, after `npm run build`.
// Prints for each what was tried and how fast; ends with 1 where one failed. A batch that failed or hangs is tried again by its seed.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { root } from '../../.ci/steps.mjs';

const kBundle = join(root, '.cache/fuzz/parsers.mjs');
/** Inputs that share a seed. */
const kBatch = 10_000;
/** Without a batch for so long, a target hangs; a run of the lowest priority may wait long for its turn. */
const kSilence_s = 1800;

if (isMainThread) await main();
else await work(workerData);

async function main() {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '100000' },
      target: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
    },
  });
  const { build } = await import('rolldown');
  await build({
    input: join(root, 'tests/fuzz/parsers.ts'),
    platform: 'node',
    external: ['fast-check'],
    output: { file: kBundle, format: 'esm', codeSplitting: false },
    logLevel: 'silent',
  });
  const { targets } = await import(kBundle);
  const { all, engine } = await targets(root);
  engine.dispose();
  const names = all.map(({ name }) => name);
  const unknown = values.target.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--target: ${unknown} found; expected one of ${names.join(', ')}`);
  for (const name of values.target.length > 0 ? values.target : names) {
    const found = await fuzz({ name, inputs: Number(values.inputs), first: Number(values.seed) });
    console.log(`${name}: ${found}`);
  }
}

/** Runs a target in a thread of its own, which can be given up. */
function fuzz(job) {
  const start = performance.now();
  const done = { inputs: 0, seed: job.first, resident: 0 };
  const told = () => {
    const seconds = (performance.now() - start) / 1000;
    return `${done.inputs} inputs, ${(done.inputs / seconds).toFixed(0)} a second, seeds ${job.first} to ${done.seed - 1}, ${(done.resident / 1e6).toFixed(0)} MB resident`;
  };
  return new Promise((resolve) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: job });
    let guard;
    const end = (text) => {
      clearTimeout(guard);
      void thread.terminate();
      resolve(text);
    };
    const failed = (text) => {
      process.exitCode = 1;
      end(`${told()}\nFAILED at --seed ${done.seed}: ${text}`);
    };
    const watch = () => {
      clearTimeout(guard);
      guard = setTimeout(() => failed(`no batch within ${kSilence_s} s`), 1000 * kSilence_s);
    };
    watch();
    thread.on('error', (error) => failed(error.stack ?? String(error)));
    thread.on('message', ({ inputs, failure, resident }) => {
      watch();
      if (failure !== undefined) return failed(failure);
      done.inputs += inputs;
      done.seed += 1;
      done.resident = resident;
      if (done.inputs % (100 * kBatch) === 0) console.error(`${job.name}: ${told()}`);
      if (done.inputs >= job.inputs) end(told());
    });
  });
}

async function work({ name, inputs, first }) {
  const { targets } = await import(kBundle);
  const { all } = await targets(root);
  const target = all.find((each) => each.name === name);
  for (let left = inputs, seed = first; left > 0; left -= kBatch, ++seed) {
    const batch = Math.min(left, kBatch);
    try {
      await target.run(batch, seed);
    } catch (caught) {
      return parentPort.postMessage({ failure: caught.message });
    }
    parentPort.postMessage({ inputs: batch, resident: process.memoryUsage.rss() });
  }
}
