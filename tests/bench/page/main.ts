/** What bench.mjs times inside a browser: the engine in a worker, as the page uses it. */

import { createEngine, fetchBytes, type Measurement, type SpaceId } from '../../../web/api/index.js';
import type { measureBrowser } from './browser.js';

export interface PredictorTimes {
  /** From the file's address to a predictor. */
  readonly load_seconds: number;
  /** The whole space, or 5,000 architectures where it is too large, each repetition. */
  readonly predict_seconds: readonly number[];
  /** Fine-tuning on 20 measurements with default options, each repetition. */
  readonly transfer_seconds: readonly number[];
  /** A transfer from 20 measurements in closed form and all estimates with their intervals, each repetition. */
  readonly closed_form_seconds: readonly number[];
  /** The transfer alone, after one more measurement. */
  readonly added_seconds: readonly number[];
}

export interface BrowserTimes {
  /** Best single-precision matrix product of the module, one thread, GFLOP/s. */
  readonly gemm_gflops: number;
  /** From nothing to an engine. */
  readonly engine_seconds: number;
  /** By space. */
  readonly predictors: Readonly<Record<string, PredictorTimes>>;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function measure(spaces: readonly SpaceId[], repetitions: number): Promise<BrowserTimes> {
  const start = performance.now();
  using engine = await createEngine({ kind: 'worker' });
  const engine_seconds = (performance.now() - start) / 1000;

  const predictors: Record<string, PredictorTimes> = {};
  for (const space of spaces) {
    const begin = performance.now();
    using base = await engine.load(await fetchBytes(new URL(`weights/${space}.latencast`, document.baseURI)));
    const load_seconds = (performance.now() - begin) / 1000;
    const all = await engine.pool(space);
    // A plausible device: readings at random would be set aside, which takes trials that real ones need not.
    const chosen = all.filter((_, index) => index % Math.floor(all.length / 21) === 0).slice(0, 21);
    const facts = await engine.facts(space, chosen);
    const more: Measurement[] = chosen.map((architecture, index) => ({
      architecture,
      latency_ms: 1 + (facts[index]?.macs ?? 0) / 1e7,
    }));
    const measurements = more.slice(0, 20);

    const predict_seconds: number[] = [];
    const transfer_seconds: number[] = [];
    const closed_form_seconds: number[] = [];
    const added_seconds: number[] = [];
    for (let i = 0; i < repetitions; ++i) {
      let adapted = base;
      transfer_seconds.push(
        await seconds(async () => (adapted = await base.transfer(measurements, { method: 'finetune' }))),
      );
      predict_seconds.push(await seconds(() => adapted.predict(all)));
      adapted.dispose();
    }
    const closed_form = async (): Promise<void> => {
      using estimator = await base.transfer(measurements);
      await estimator.intervals(all);
    };
    await closed_form(); // embeds the architectures, once for all transfers
    for (let i = 0; i < repetitions; ++i) {
      closed_form_seconds.push(await seconds(closed_form));
      added_seconds.push(
        await seconds(async () => {
          (await base.transfer(more)).dispose();
        }),
      );
    }
    predictors[space] = { load_seconds, predict_seconds, transfer_seconds, closed_form_seconds, added_seconds };
  }

  const { loadModule } = await import('../../../web/api/module.js');
  const { raw, whole } = await loadModule();
  await whole();
  const gemm = raw._gemmGflops(512, 20);
  if (gemm.error) throw new Error(gemm.error.message);
  return { gemm_gflops: gemm.value, engine_seconds, predictors };
}

export interface ModelTimes {
  readonly bytes: number;
  /** From nothing of the second module to an estimate on a platform. */
  readonly first_seconds: number;
  readonly again_seconds: readonly number[];
  /** The longest time in which this thread had no turn while the first was made. */
  readonly longest_pause_ms: number;
  readonly platforms: number;
  /** An estimate on each of them. */
  readonly everywhere_seconds: number;
}

/** The file that the page's input holds. */
async function measureModel(repetitions: number): Promise<ModelTimes> {
  const file = document.querySelector<HTMLInputElement>('#model')?.files?.[0];
  if (!file) throw new Error('no file is chosen');
  using engine = await createEngine({ kind: 'worker' });
  const bytes = await fetchBytes(new URL('weights/ncnn.fleet.latencast', document.baseURI));
  let last = performance.now();
  let longest_pause_ms = 0;
  const watching = setInterval(() => {
    const now = performance.now();
    longest_pause_ms = Math.max(longest_pause_ms, now - last);
    last = now;
  });
  const start = performance.now();
  using model = await engine.openModel(file);
  using fleet = await engine.loadFleet(bytes);
  using platform = await fleet.platform(fleet.platforms[0]?.id ?? '');
  await platform.estimate(model);
  const first_seconds = (performance.now() - start) / 1000;
  clearInterval(watching);
  const again_seconds: number[] = [];
  for (let i = 0; i < repetitions; ++i) {
    again_seconds.push(
      await seconds(async () => {
        using again = await engine.openModel(file);
        await platform.estimate(again);
      }),
    );
  }
  const everywhere_seconds = await seconds(() => fleet.compare(model));
  const { length: platforms } = fleet.platforms;
  return { bytes: file.size, first_seconds, again_seconds, longest_pause_ms, platforms, everywhere_seconds };
}

Object.assign(globalThis, { measure, measureModel });
(globalThis as { measureBrowser?: unknown }).measureBrowser = async (...options: Parameters<typeof measureBrowser>) =>
  (await import('./browser.js')).measureBrowser(...options);
