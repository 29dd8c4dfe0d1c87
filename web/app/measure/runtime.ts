/** A real runtime, in the thread it is called from: onnxruntime-web. Nothing of it is fetched before `loadRuntime`. */

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import gpuGlue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import gpuWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import glue from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { visitPlan } from './schedule.js';
import type { Setting } from './setting.js';

/** One visit to a network. */
export interface Reading {
  /** Of one run: the lowest reading of the visit. */
  readonly latency_ms: number;
  /** Loading the network included. */
  readonly spent_ms: number;
}

/** A network to run. */
export interface Written {
  readonly model: Uint8Array;
  /** Shapes of inputs by name, where the model leaves them open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
}

/** Networks held ready take memory: their weights, and the runtime's own copy of them. */
const kMostHeld = 600e6; // bytes of models

const kTimerTrials = 20;

interface Held {
  readonly session: InferenceSession;
  readonly feeds: Record<string, Tensor>;
  readonly bytes: number;
}

/** Runs networks that `write` gives as ONNX models. */
export class Runtime {
  readonly tick_ms = timerTick();
  /** By name, the longest unused first. */
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly ort: typeof import('onnxruntime-web'),
    private readonly provider: Setting['provider'],
    private readonly write: (network: string) => Promise<Written>,
  ) {}

  /** Runs a network until there are enough readings of it. */
  async visit(network: string): Promise<Reading> {
    const start = performance.now();
    const { session, feeds } = await this.session(network);
    // The caches hold another network still.
    await session.run(feeds);
    const first = performance.now();
    await session.run(feeds);
    const { runs, samples } = visitPlan(Math.max(performance.now() - first, this.tick_ms), this.tick_ms);
    let lowest = Infinity;
    for (let sample = 0; sample < samples; ++sample) {
      const begin = performance.now();
      for (let run = 0; run < runs; ++run) await session.run(feeds);
      lowest = Math.min(lowest, (performance.now() - begin) / runs);
    }
    return { latency_ms: lowest, spent_ms: performance.now() - start };
  }

  /** Loads a network, so that its next visit finds it there. */
  async prepare(network: string): Promise<void> {
    await this.session(network);
  }

  private async session(network: string): Promise<Held> {
    const known = this.held.get(network);
    if (known) {
      this.held.delete(network);
      this.held.set(network, known);
      return known;
    }
    const { model, shapes = {} } = await this.write(network);
    let bytes = model.length;
    for (const { bytes: each } of this.held.values()) bytes += each;
    for (const [name, { session, bytes: each }] of this.held) {
      if (bytes <= kMostHeld) break;
      await session.release();
      this.held.delete(name);
      bytes -= each;
    }
    const session = await this.ort.InferenceSession.create(model, {
      executionProviders: [this.provider],
      graphOptimizationLevel: 'all',
    });
    const held = { session, feeds: this.feedsOf(session, shapes), bytes: model.length };
    this.held.set(network, held);
    return held;
  }

  private feedsOf(session: InferenceSession, shapes: NonNullable<Written['shapes']>): Record<string, Tensor> {
    return Object.fromEntries(
      session.inputMetadata.map((input): [string, Tensor] => {
        if (!input.isTensor) throw new Error(`the input ${input.name} is no tensor`);
        const dims = [...(shapes[input.name] ?? input.shape.map(Number))];
        const length = dims.reduce((product, each) => product * each, 1);
        // Indices: of whatever, the first.
        if (input.type === 'int64') return [input.name, new this.ort.Tensor('int64', new BigInt64Array(length), dims)];
        if (input.type === 'int32') return [input.name, new this.ort.Tensor('int32', new Int32Array(length), dims)];
        const values = new Float32Array(length);
        // Any values but zeros, which compress the work of some processors.
        for (let i = 0; i < values.length; ++i) values[i] = Math.sin(i);
        return [input.name, new this.ort.Tensor('float32', values, dims)];
      }),
    );
  }
}

/** Fetches the runtime. */
export async function loadRuntime(setting: Setting, write: (network: string) => Promise<Written>): Promise<Runtime> {
  const plain = setting.provider === 'wasm';
  const ort = await (plain ? import('onnxruntime-web/wasm') : import('onnxruntime-web/webgpu'));
  const [mjs, binary] = plain ? [glue, wasm] : [gpuGlue, gpuWasm];
  ort.env.wasm.wasmPaths = { mjs: new URL(mjs, import.meta.url).href, wasm: new URL(binary, import.meta.url).href };
  ort.env.wasm.numThreads = setting.threads;
  ort.env.logLevel = 'error';
  return new Runtime(ort, setting.provider, write);
}

/** The smallest step of the clock. Browsers coarsen it, by up to .1 ms where the page is not isolated. */
function timerTick(): number {
  let tick = Infinity;
  for (let trial = 0; trial < kTimerTrials; ++trial) {
    const begin = performance.now();
    let now = begin;
    while (now === begin) now = performance.now();
    tick = Math.min(tick, now - begin);
  }
  return tick;
}
