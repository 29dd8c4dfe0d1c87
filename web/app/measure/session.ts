/** Carries out a run in a runtime's own thread, while the tab is in front and no other one measures. */

import * as Comlink from 'comlink';
import { carryOut, type Surroundings } from './campaign.js';
import type { AnyRun } from './run.js';
import type { Written } from './runtime.js';
import type { RuntimeHost } from './worker.js';

const kLock = 'latencast-measure';

/** What a run needs beside the runtime. */
export interface Errand<R extends AnyRun> extends Pick<Surroundings<R>, 'choose' | 'predict' | 'onStep'> {
  write(network: string): Promise<Written>;
  onStatus(status: 'running' | 'waiting'): void;
}

/** Resolves to the run as far as it has come; rejects where the runtime fails. */
export async function runHere<R extends AnyRun>(run: R, errand: Errand<R>, signal: AbortSignal): Promise<R> {
  let hidden = 0;
  const look = (): void => void (document.hidden && ++hidden);
  document.addEventListener('visibilitychange', look);
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const stop = new Promise<never>((_, fail) => {
    signal.addEventListener('abort', () => fail(new Error('cancelled')), { once: true });
    // A worker that cannot be loaded says nothing else.
    worker.addEventListener('error', (event) => fail(new Error(event.message || 'the runtime could not be loaded')), { once: true });
  });
  stop.catch(() => undefined);
  try {
    const host = Comlink.wrap<RuntimeHost>(worker);
    const write = (network: string): Promise<Written> => errand.write(network);
    await Promise.race([host.start(run.setting, run.measured.architectures[0] ?? '', Comlink.proxy(write)), stop]);
    if (signal.aborted) return run;
    errand.onStatus('running');
    const around: Surroundings<R> = {
      visit: (network) => Promise.race([host.visit(network), stop]),
      inFront: () => inFront(errand, signal),
      timesHidden: () => hidden,
      choose: (soFar) => errand.choose(soFar),
      predict: (soFar) => errand.predict(soFar),
      onStep: (next) => errand.onStep(next),
    };
    return await carryOut(run, around, signal);
  } finally {
    document.removeEventListener('visibilitychange', look);
    worker.terminate();
  }
}

async function inFront({ onStatus }: Pick<Errand<AnyRun>, 'onStatus'>, signal: AbortSignal): Promise<void> {
  if (!document.hidden) return;
  onStatus('waiting');
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look, { once: true });
  });
  if (!signal.aborted) onStatus('running');
}

/** Two tabs at once would disturb each other, and write over each other's readings. Throws where another is at it. */
export async function alone(work: () => Promise<void>): Promise<void> {
  // Browsers have locks on secure pages only.
  if (!('locks' in navigator)) return work();
  await navigator.locks.request(kLock, { ifAvailable: true }, async (lock) => {
    if (!lock) throw new Error('another tab is measuring; go on there, or close it');
    await work();
  });
}
