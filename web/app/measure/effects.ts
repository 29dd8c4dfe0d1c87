/** Measuring this browser over a search space: what is stored, and what becomes of the readings. */

import type { Engine, Predictor, SpaceId } from '../../api/index.js';
import { browserOf, type Action, type DeviceId, type State } from '../state.js';
import { chooseMore, kAtOnce } from './campaign.js';
import { measurementsOf, newRun, nextStep, unseenLatencies, type Prediction, type Run } from './run.js';
import type { BrowserAction } from './state.js';
import type { Setting } from './setting.js';
import { alone, runHere, type Errand } from './session.js';
import { deleteRun, readRun, writeRun } from './store.js';

const kUnseen = 10;
const kUnseenSeed = 1;
const kCoverage = 0.9;
/** In the first round the estimates follow every so many readings, then rounds 1, 2, 4, 8 and so on, and the last. */
const kFirstReadings = 5;

/** What it needs of the page. */
export interface Page {
  send(action: Action): void;
  state(): State;
  engine(): Promise<Engine>;
  /** The pre-trained predictor of a space; throws where there is none. */
  base(space: SpaceId): Promise<Predictor>;
  /** The networks to measure in a space, as the page's settings say; `informative`: by what they tell together, best first. */
  choose(space: SpaceId): Promise<{ readonly architectures: readonly string[]; readonly informative: boolean }>;
  /** Resolves when the estimates of a device, if it is shown, are those of its text. */
  settled(device: DeviceId): Promise<void>;
}

export class BrowserEffects {
  private running: AbortController | undefined;
  private readonly read = new Set<SpaceId>();

  constructor(private readonly page: Page) {}

  /** Brings back what an earlier visit has measured, and goes on with it where that was under way. */
  async show(space: SpaceId): Promise<void> {
    if (this.read.has(space)) return;
    this.read.add(space);
    const run = await readRun(space);
    if (!run) return;
    this.tell(space, { type: 'run', run });
    this.tell(space, { type: 'status', status: nextStep(run) ? 'stopped' : 'finished' });
    if (!nextStep(run)) await this.judge(run);
    else if (run.going && this.page.state().device === browserOf(space)) this.tell(space, { type: 'start' });
  }

  react(space: SpaceId, action: BrowserAction): void {
    switch (action.type) {
      case 'start':
      case 'again':
        if (!this.running) void this.start(space);
        break;
      case 'stop':
        this.running?.abort();
        break;
      default:
        break;
    }
  }

  private tell(space: SpaceId, action: BrowserAction): void {
    this.page.send({ type: 'browser', space, action });
  }

  private async start(space: SpaceId): Promise<void> {
    const running = new AbortController();
    this.running = running;
    try {
      await alone(() => this.measure(space, running.signal));
    } catch (caught) {
      if (!running.signal.aborted) {
        this.tell(space, { type: 'failed', message: caught instanceof Error ? caught.message : String(caught) });
      }
    } finally {
      this.running = undefined;
    }
  }

  private async measure(space: SpaceId, signal: AbortSignal): Promise<void> {
    const { run: before, setting } = this.page.state().browsers[space];
    if (!before) await deleteRun(space);
    let run: Run = before ? { ...before, going: true } : await this.plan(space, setting);
    this.tell(space, { type: 'run', run });
    if (!before) {
      this.page.send({ type: 'plan-browser', space, architectures: run.measured.architectures });
    }
    if (!(await writeRun(run))) {
      const text = 'This browser keeps no run: with the tab its state is lost. The measuring goes on, and its readings stand in the notebook.';
      this.page.send({ type: 'notice', notice: { kind: 'error', text } });
    }
    const engine = await this.page.engine();
    const errand: Errand<Run> = {
      write: async (network) => ({ model: await engine.exportOnnx(space, network) }),
      choose: (soFar) => this.chooseNext(soFar),
      predict: (soFar) => this.predict(soFar),
      onStatus: (status) => this.tell(space, { type: 'status', status }),
      onStep: async (next) => {
        run = next;
        await writeRun(run);
        this.tell(space, { type: 'run', run });
        await this.showReadings(run);
      },
    };
    try {
      run = await runHere(run, errand, signal);
      if (signal.aborted) return;
      await this.judge(run);
      this.tell(space, { type: 'status', status: 'finished' });
    } finally {
      if (signal.aborted) await writeRun({ ...run, going: false });
    }
  }

  /** What to measure, and others to prove it by. */
  private async plan(space: SpaceId, setting: Setting): Promise<Run> {
    const engine = await this.page.engine();
    const { architectures, informative } = await this.page.choose(space);
    const others = await engine.random(space, architectures.length + 2 * kUnseen, kUnseenSeed);
    const unseen = [...new Set(others)].filter((each) => !architectures.includes(each)).slice(0, kUnseen);
    const first = informative ? architectures.slice(0, kAtOnce) : architectures;
    return newRun(space, setting, first, unseen, architectures.length);
  }

  /** The network that tells most beside those measured. */
  private async chooseNext(run: Run): Promise<readonly string[]> {
    const chosen = await chooseMore(await this.page.base(run.space), run);
    this.page.send({ type: 'plan-more', device: browserOf(run.space), architectures: chosen });
    return chosen;
  }

  private async predict(run: Run): Promise<Prediction> {
    const base = await this.page.base(run.space);
    // As the page will estimate them once nothing is measured any more.
    const method = base.info.closed_form ? 'combined' : 'finetune';
    const adapted = await base.transfer(measurementsOf(run), { device: 'this browser', method });
    try {
      const unseen = run.proof.architectures.slice(0, run.unseen);
      const { low, latency_ms, high } = await adapted.intervals(unseen, kCoverage);
      return { low: [...low], latency_ms: [...latency_ms], high: [...high] };
    } finally {
      adapted.dispose();
    }
  }

  private async showReadings(run: Run): Promise<void> {
    const { rounds, architectures, finished } = run.measured;
    const known = rounds.at(-1)?.filter((ms) => !Number.isNaN(ms)).length ?? 0;
    const { length } = rounds;
    const full = known === Math.max(architectures.length, run.wanted);
    const due = full ? finished || (length & (length - 1)) === 0 : length === 1 && known % kFirstReadings === 0;
    if (!due || (finished && run.prediction)) return;
    const device = browserOf(run.space);
    this.page.send({ type: 'readings', device, readings: measurementsOf(run) });
    await this.page.settled(device);
  }

  private async judge(run: Run): Promise<void> {
    if (!run.prediction) return;
    const engine = await this.page.engine();
    const accuracy = await engine.accuracy(Float64Array.from(run.prediction.latency_ms), Float64Array.from(unseenLatencies(run)));
    this.tell(run.space, { type: 'accuracy', accuracy });
  }
}
