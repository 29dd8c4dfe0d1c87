import { asLatencastError, cancelled } from './errors.js';
import type { PredictOptions, TransferProgress } from './types.js';

/**
 * After this long a piece of work gives way. With what it has just begun on top (a step of the optimiser takes as long again) it
 * stays within a frame of a 60 Hz display.
 */
export const kSliceMilliseconds = 8;

/** What a piece of work says of itself between slices. `done` is a share in [0, 1]. */
export type Share = Pick<TransferProgress, 'done'> & Partial<Pick<TransferProgress, 'epoch' | 'epochs' | 'loss'>>;

/** Long work that stops by itself every few milliseconds. Its `finally` blocks run when it is cancelled. */
export type Steps<T> = Generator<Share, T, void>;

/** Too short a time to foresee anything from. */
const kWarmUpMilliseconds = 100;

/**
 * Runs work to its end while the thread stays responsive: gives the event loop a turn after every slice, so that messages,
 * clicks and an abort are seen, and reports progress. Rejects with `cancelled` as soon as the signal is aborted.
 */
export async function drive<T>(
  phase: TransferProgress['phase'],
  start: () => Steps<T>,
  { signal, onProgress }: PredictOptions = {},
): Promise<T> {
  if (signal?.aborted) throw cancelled(phase);
  await turn();
  const started = performance.now();
  let sliceStart = started;
  let work: Steps<T> | undefined;
  try {
    work = start();
    for (;;) {
      if (signal?.aborted) throw cancelled(phase);
      const step = work.next();
      if (step.done) return step.value;
      const now = performance.now();
      onProgress?.({
        phase,
        epoch: 0,
        epochs: 0,
        loss: 0,
        ...step.value,
        seconds_left: secondsLeft(now - started, step.value.done),
      });
      if (now - sliceStart >= kSliceMilliseconds) {
        await turn();
        sliceStart = performance.now();
      }
    }
  } catch (caught) {
    throw asLatencastError(caught);
  } finally {
    work?.return(undefined as T);
  }
}

function secondsLeft(elapsed: number, done: number): number {
  if (done >= 1) return 0;
  return elapsed < kWarmUpMilliseconds || done <= 0 ? NaN : ((elapsed / 1000) * (1 - done)) / done;
}

/** Lets everything that waits in the event loop have its turn. A timer would: 4 ms late, and a second in a hidden tab. */
export const turn: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            port1.close();
            resolve();
          };
          port2.postMessage(null);
        });
