/** Carries out a run: one network after the other until it is finished or cancelled. What it touches is given to it. */

import type { Predictor } from '../../api/index.js';
import type { Reading } from './runtime.js';
import { measurementsOf, nextStep, withChosen, withReading, type AnyRun, type Prediction, type Run } from './run.js';

export interface Surroundings<R extends AnyRun = Run> {
  /** Runs a network and times it. */
  visit(architecture: string): Promise<Reading>;
  /** Resolves when the tab is in front. */
  inFront(): Promise<void>;
  /** How often the tab has gone to the background. */
  timesHidden(): number;
  /** What to measure besides, by the measurements of a run; may be nothing. */
  choose(run: R): Promise<readonly string[]>;
  /** The proof's networks, from the measurements of a run. */
  predict(run: R): Promise<Prediction>;
  /** Called after every step; the next one waits for it, so that nothing else works while a network is timed. */
  onStep(run: R): Promise<void>;
}

/** Where each network is to be the most informative one, so many are measured before the others are chosen one by one. */
export const kAtOnce = 10;

/** The network that tells most beside those measured. base: pre-trained, with a closed form. */
export async function chooseMore(base: Predictor, run: Run): Promise<readonly string[]> {
  const adapted = await base.transfer(measurementsOf(run), { method: 'closed-form' });
  try {
    // The proof's must stay unseen.
    const taken = new Set([...run.measured.architectures, ...run.proof.architectures]);
    const { architectures } = await adapted.next({ count: 1 + run.unseen });
    return architectures.filter((each) => !taken.has(each)).slice(0, 1);
  } finally {
    adapted.dispose();
  }
}

/** Resolves to the run as far as it has come. */
export async function carryOut<R extends AnyRun>(run: R, around: Surroundings<R>, signal: AbortSignal): Promise<R> {
  for (let step = nextStep(run); step && !signal.aborted; step = nextStep(run)) {
    if (step.kind === 'choose') {
      run = withChosen(run, await around.choose(run));
    } else if (step.kind === 'predict') {
      run = { ...run, prediction: await around.predict(run) };
    } else {
      await around.inFront();
      const hidden = around.timesHidden();
      const { phase, network } = step;
      const { latency_ms, spent_ms } = await around.visit(run[phase].architectures[network] ?? '');
      if (signal.aborted) break;
      // A tab in the background is given less of the processor.
      run =
        around.timesHidden() === hidden
          ? withReading(run, phase, network, latency_ms, spent_ms / 1000)
          : { ...run, repeated: run.repeated + 1 };
    }
    await around.onStep(run);
  }
  return run;
}
