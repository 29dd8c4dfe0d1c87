/** This browser, known by its kernels: which are timed, what of a reading is the kernel, and the check by running a model. */

import type { Engine, KernelEstimate, KernelPlatform, KernelTiming, Model } from '../../api/index.js';
import { measurementsOf, newRun, nextStep, withProof, type Prediction } from '../measure/run.js';
import type { Written } from '../measure/runtime.js';
import { alone, runHere } from '../measure/session.js';
import type { Setting } from '../measure/setting.js';
import { deleteRun, readRun, writeRun } from '../measure/store.js';
import { kKernelSpace, type KernelBrowserAction, type KernelRun } from './state.js';

/**
 * Kernels that do next to nothing with much and with little input: what handing over tensors takes, which a kernel inside of a network
 * does not pay. The first is the smallest.
 */
const kHandovers = ['maxpool,1,4,4,1,1,1,1,1', 'maxpool,1,56,56,96,96,1,1,8', 'maxpool,1,112,112,96,96,1,1,16'];

/** Of a reading the least that is the kernel's own. */
const kLeastShare = 0.05;

/** What it takes to hand tensors over and to start. */
export interface Handover {
  readonly start_ms: number;
  readonly per_element_ms: number;
}

export function handoverMs({ start_ms, per_element_ms }: Handover, elements: number): number {
  return start_ms + per_element_ms * elements;
}

/** readings: milliseconds by kernel. elements: that a kernel reads and writes as its inputs and outputs. */
export function separate(
  readings: ReadonlyMap<string, number>,
  elements: ReadonlyMap<string, number>,
): { readonly timings: readonly KernelTiming[]; readonly handover: Handover } {
  const points = kHandovers.flatMap((kernel) => {
    const ms = readings.get(kernel);
    return ms === undefined ? [] : [{ ms, size: elements.get(kernel) ?? 0 }];
  });
  const [first, ...others] = points;
  const start_ms = first?.ms ?? 0;
  // The least slope: whatever else disturbed one of them made it longer.
  const slopes = others.map(({ ms, size }) => (ms - start_ms) / (size - (first?.size ?? 0)));
  const handover = { start_ms, per_element_ms: Math.max(0, Math.min(...slopes, ...(slopes.length === 0 ? [0] : []))) };
  const timings = [...readings].flatMap(([kernel, ms]): KernelTiming[] => {
    if (kHandovers.includes(kernel)) return [];
    return [{ kernel, latency_ms: Math.max(ms - handoverMs(handover, elements.get(kernel) ?? 0), kLeastShare * ms) }];
  });
  return { timings, handover };
}

/** The model as estimated with what it takes to hand its input and output over. */
export function withHandover<T extends KernelEstimate>(estimate: T, handover: Handover, model: Model): T {
  const more = handoverMs(handover, elementsOf(model));
  const { latency_ms, low_ms, high_ms } = estimate;
  return { ...estimate, latency_ms: latency_ms + more, low_ms: low_ms + more, high_ms: high_ms + more };
}

export function elementsOf({ info: { inputs, outputs } }: Model): number {
  return [...inputs, ...outputs].reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0);
}

/** A model that can be run here, besides its kernels. */
export interface Runnable {
  readonly name: string;
  readonly file: Blob;
  readonly shapes: NonNullable<Written['shapes']>;
}

/** How a model is called among kernels. */
export const proofName = (name: string): string => `model: ${name}`;

/** What it needs of the mode. */
export interface BrowserPage {
  tell(action: KernelBrowserAction): void;
  engine(): Promise<Engine>;
  /** Kernels that tell platforms apart. */
  probes(): Promise<readonly string[]>;
  adapt(timings: readonly KernelTiming[]): Promise<KernelPlatform>;
  /** What is shown, where it can be run. */
  runnable(): Runnable | undefined;
  /** What is shown on the platform. */
  estimate(platform: KernelPlatform): Promise<KernelEstimate & { readonly model: Model }>;
  /** Called when the browser is known anew. */
  onKnown(platform: KernelPlatform, timings: readonly KernelTiming[]): void;
}

/** Times the kernels in this browser. */
export class KernelBrowser {
  private running: AbortController | undefined;
  private shown = false;
  private handover: Handover = { start_ms: 0, per_element_ms: 0 };
  private readonly elements = new Map<string, number>();

  constructor(private readonly page: BrowserPage) {}

  /** Brings back what an earlier visit has timed, and goes on with it where that was under way. */
  async show(): Promise<void> {
    if (this.shown) return;
    this.shown = true;
    const run = await readRun(kKernelSpace);
    if (!run) return;
    this.page.tell({ type: 'run', run });
    this.page.tell({ type: 'status', status: nextStep(run) ? 'stopped' : 'finished' });
    if (run.measured.finished) await this.learn(run);
    if (nextStep(run) && run.going) this.page.tell({ type: 'start' });
  }

  async start(before: KernelRun | undefined, setting: Setting): Promise<void> {
    if (this.running) return;
    const running = new AbortController();
    this.running = running;
    try {
      await alone(() => this.measure(before, setting, running.signal));
    } catch (caught) {
      if (!running.signal.aborted) this.page.tell({ type: 'failed', message: caught instanceof Error ? caught.message : String(caught) });
    } finally {
      this.running = undefined;
    }
  }

  stop(): void {
    this.running?.abort();
  }

  /** Runs the model that is shown beside some of the kernels. */
  async check(run: KernelRun): Promise<void> {
    const runnable = this.page.runnable();
    if (runnable) await this.start(withProof(run, [proofName(runnable.name)]), run.setting);
  }

  /** With what it takes to hand the model's input and output over. */
  whole<T extends KernelEstimate>(estimate: T, model: Model): T {
    return withHandover(estimate, this.handover, model);
  }

  private async measure(before: KernelRun | undefined, setting: Setting, signal: AbortSignal): Promise<void> {
    if (!before) await deleteRun(kKernelSpace);
    const runnable = this.page.runnable();
    const proof = runnable ? [proofName(runnable.name)] : [];
    const probes = await this.page.probes();
    let run: KernelRun = before ? { ...before, going: true } : newRun(kKernelSpace, setting, [...kHandovers, ...probes], proof);
    // What was to be run may be closed by now.
    if (run.unseen > 0 && !run.proof.finished && run.proof.architectures[0] !== proof[0]) run = withProof(run, proof);
    this.page.tell({ type: 'run', run });
    await writeRun(run);
    const engine = await this.page.engine();
    try {
      run = await runHere(
        run,
        {
          write: (name) => (name === proof[0] && runnable ? written(runnable) : engine.exportKernel(name).then((model) => ({ model }))),
          choose: async () => [],
          predict: async (soFar) => this.predict(soFar),
          onStatus: (status) => this.page.tell({ type: 'status', status }),
          onStep: async (next) => {
            run = next;
            await writeRun(run);
            this.page.tell({ type: 'run', run });
          },
        },
        signal,
      );
      if (signal.aborted) return;
      await this.learn(run);
      this.page.tell({ type: 'status', status: 'finished' });
    } finally {
      if (signal.aborted) await writeRun({ ...run, going: false });
    }
  }

  private async predict(run: KernelRun): Promise<Prediction> {
    const platform = await this.page.adapt(await this.timingsOf(run));
    try {
      const { model, ...estimate } = await this.page.estimate(platform);
      const { low_ms, latency_ms, high_ms } = this.whole(estimate, model);
      return { low: [low_ms], latency_ms: [latency_ms], high: [high_ms] };
    } finally {
      platform.dispose();
    }
  }

  private async learn(run: KernelRun): Promise<void> {
    const timings = await this.timingsOf(run);
    this.page.onKnown(await this.page.adapt(timings), timings);
  }

  private async timingsOf(run: KernelRun): Promise<readonly KernelTiming[]> {
    const engine = await this.page.engine();
    const readings = new Map(measurementsOf(run).map(({ architecture, latency_ms }) => [architecture, latency_ms]));
    for (const kernel of readings.keys()) {
      if (this.elements.has(kernel)) continue;
      const model = await engine.openModel(await engine.exportKernel(kernel));
      this.elements.set(kernel, elementsOf(model));
      model.dispose();
    }
    const { timings, handover } = separate(readings, this.elements);
    this.handover = handover;
    return timings;
  }
}

async function written({ file, shapes }: Runnable): Promise<Written> {
  return { model: new Uint8Array(await file.arrayBuffer()), shapes };
}
