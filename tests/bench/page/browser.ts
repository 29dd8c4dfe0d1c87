/** What measure-browser.mjs does inside a browser: the page's own measuring, with as many networks for the proof as asked. */

import * as Comlink from 'comlink';
import { createEngine, fetchBytes, type Accuracy, type SpaceId } from '../../../web/api/index.js';
import { carryOut, chooseMore, kAtOnce } from '../../../web/app/measure/campaign.js';
import { measurementsOf, newRun, unseenLatencies, type Run } from '../../../web/app/measure/run.js';
import type { Setting } from '../../../web/app/measure/setting.js';
import type { RuntimeHost } from '../../../web/app/measure/worker.js';

export interface BrowserFigures {
  /** Of the predictions, on networks that were not among the measured. */
  readonly accuracy: Accuracy;
  /** The same in closed form alone. */
  readonly closed: Accuracy;
  /** What the predictor expected of itself. */
  readonly expected: { readonly spearman: number; readonly error: number };
  /** Share of the unseen within their 90 % interval. */
  readonly inside: number;
  readonly tick_ms: number;
  readonly run: Run;
  readonly unseen_ms: readonly number[];
}

export async function measureBrowser(space: SpaceId, setting: Setting, measured: number, truth: number): Promise<BrowserFigures> {
  using engine = await createEngine({ kind: 'worker' });
  using base = await engine.load(await fetchBytes(new URL(`weights/${space}.latencast`, document.baseURI)));
  const { architectures } = await base.next({ count: measured });
  const others = await engine.random(space, measured + 2 * truth, 7);
  const unseen = [...new Set(others)].filter((each) => !architectures.includes(each)).slice(0, truth);
  const worker = new Worker(new URL('../../../web/app/measure/worker.ts', import.meta.url), { type: 'module' });
  const host = Comlink.wrap<RuntimeHost>(worker);
  const tick_ms = await host.start(setting, architectures[0] ?? '', Comlink.proxy(async (network: string) => ({ model: await engine.exportOnnx(space, network) })));
  let closed_ms: Float64Array = new Float64Array();
  let expected = { spearman: Number.NaN, error: Number.NaN };
  const run = await carryOut(
    newRun(space, setting, architectures.slice(0, kAtOnce), unseen, measured),
    {
      visit: (architecture) => host.visit(architecture),
      choose: (soFar) => chooseMore(base, soFar),
      inFront: async () => undefined,
      timesHidden: () => 0,
      predict: async (soFar) => {
        using closed = await base.transfer(measurementsOf(soFar));
        const { expected_spearman, expected_error } = await closed.review();
        expected = { spearman: expected_spearman, error: expected_error };
        closed_ms = await closed.predict(unseen);
        using adapted = await base.transfer(measurementsOf(soFar), { method: 'combined' });
        const { low, latency_ms, high } = await adapted.intervals(unseen);
        return { low: [...low], latency_ms: [...latency_ms], high: [...high] };
      },
      onStep: async () => undefined,
    },
    new AbortController().signal,
  );
  worker.terminate();
  const { low = [], latency_ms = [], high = [] } = run.prediction ?? {};
  const unseen_ms = unseenLatencies(run);
  const inside = unseen_ms.filter((ms, i) => ms >= (low[i] ?? Infinity) && ms <= (high[i] ?? 0)).length / truth;
  const accuracy = await engine.accuracy(Float64Array.from(latency_ms), Float64Array.from(unseen_ms));
  const closed = await engine.accuracy(closed_ms, Float64Array.from(unseen_ms));
  return { accuracy, closed, expected, inside, tick_ms, run, unseen_ms };
}
