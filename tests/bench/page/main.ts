/** What bench.mjs times inside a browser: the engine in a worker, as the page uses it. */

import { createEngine, fetchBytes, type Measurement } from '../../../web/api/index.js';

export interface BrowserTimes {
  /** Best single-precision matrix product of the module, one thread, GFLOP/s. */
  readonly gemm_gflops: number;
  /** From nothing to an engine with the shipped weights. */
  readonly ready_seconds: number;
  /** All architectures of the space, each repetition. */
  readonly predict_all_seconds: readonly number[];
  /** A transfer from 20 measurements with default options, each repetition. */
  readonly transfer_seconds: readonly number[];
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function measure(repetitions: number): Promise<BrowserTimes> {
  const start = performance.now();
  using engine = await createEngine({ kind: 'worker' });
  using base = await engine.load(await fetchBytes(new URL('weights/nb201.latencast', document.baseURI)));
  const ready_seconds = (performance.now() - start) / 1000;

  // Any latencies do: the work does not depend on them.
  const all = await engine.enumerate('nb201');
  const measurements: Measurement[] = all
    .filter((_, index) => index % Math.floor(all.length / 20) === 0)
    .slice(0, 20)
    .map((architecture, index) => ({ architecture, latency_ms: 1 + index }));

  const predict_all_seconds: number[] = [];
  const transfer_seconds: number[] = [];
  for (let i = 0; i < repetitions; ++i) {
    let adapted = base;
    transfer_seconds.push(await seconds(async () => (adapted = await base.transfer(measurements))));
    predict_all_seconds.push(await seconds(() => adapted.predictAll()));
    adapted.dispose();
  }

  const { loadModule } = await import('../../../web/api/module.js');
  const gemm = (await loadModule())._gemmGflops(512, 20);
  if (gemm.error) throw new Error(gemm.error.message);
  return { gemm_gflops: gemm.value, ready_seconds, predict_all_seconds, transfer_seconds };
}

(globalThis as { measure?: typeof measure }).measure = measure;
