import * as Comlink from 'comlink';
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs';

import type { Envelope } from '../../wasm/latencast.js';

import { unwrap } from './envelope.js';
import { asLatencastError, cancelled, LatencastError } from './errors.js';
import type { WasmSource } from './module.js';
import { kDispose, Owned } from './owned.js';
import { nodeBuiltin } from './platform.js';
import { idsOf, kernelPlatformIds, RemoteFleet, RemoteKernelPlatform, RemoteModel, RemoteKernelPool } from './remote-models.js';
import { RemoteTable } from './remote-tables.js';
import type { Held, HeldEncoder, Host, Report, SentWasm } from './protocol.js';
import { skim } from './skim.js';
import { tableText } from './table-rows.js';
import type {
  Accuracy,
  AdaptKernelsOptions,
  ArchitectureFacts,
  Cancellable,
  Encoder,
  Encoding,
  Engine,
  EngineOptions,
  ExportOptions,
  Fleet,
  Intervals,
  KernelPlatform,
  KernelPool,
  KernelTiming,
  LeaveOneOut,
  Measurement,
  Model,
  ModelFile,
  ModelOptions,
  Next,
  NextOptions,
  OwnTable,
  ParsedArchitecture,
  Predictor,
  PredictorInfo,
  PredictOptions,
  Review,
  RuntimeFamily,
  SampleOptions,
  SearchOptions,
  SearchResult,
  SpaceId,
  SpaceInfo,
  StatedInput,
  TableOptions,
  TableRows,
  TableSketch,
  TransferOptions,
  TransferProgress,
} from './types.js';

/** A worker of either world, and how to hear of its failure. */
interface Thread {
  readonly endpoint: Comlink.Endpoint;
  onFailure(tell: (reason: string) => void): void;
  terminate(): void;
}

function startThread(script: EngineOptions['worker']): Thread {
  const threads = nodeBuiltin('node:worker_threads');
  if (threads) {
    // Taken apart, so that a bundler does not add the file a second time for the sake of Node.
    const here = import.meta.url;
    const worker = new threads.Worker(new URL(script ?? './worker.js', here), { execArgv: [] });
    return {
      endpoint: nodeEndpoint(worker),
      onFailure: (tell) => {
        worker.on('error', (error) => tell(error.message));
        worker.on('exit', (code) => tell(`exit code ${code}`));
      },
      terminate: () => void worker.terminate(),
    };
  }
  const worker =
    script === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'latencast' })
      : startWorker(new URL(script, document.baseURI));
  return {
    endpoint: worker,
    onFailure: (tell) => {
      worker.onerror = (event) => tell(event.message || 'its script could not be loaded');
    },
    terminate: () => worker.terminate(),
  };
}

/** A worker's script must be of the page's origin, but what it imports need not be. */
function startWorker(script: URL): Worker {
  const options = { type: 'module', name: 'latencast' } as const;
  if (script.origin === location.origin) return new Worker(script, options);
  const importing = URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: 'text/javascript' }));
  const worker = new Worker(importing, options);
  // Once it answers, or cannot, its script has been read.
  for (const event of ['message', 'error']) worker.addEventListener(event, () => URL.revokeObjectURL(importing), { once: true });
  return worker;
}

/** The engine in a worker: every call is passed on, and the promises end here even where the worker cannot answer. */
export class RemoteEngine implements Engine {
  readonly kind = 'worker';
  readonly #thread: Owned<Thread>;
  readonly #host: Comlink.Remote<Host>;
  readonly #listeners = new Map<number, (progress: TransferProgress) => void>();
  /** Rejections of everything that still waits. */
  readonly #waiting = new Set<(reason: LatencastError) => void>();
  #failure: LatencastError | undefined;
  #onFailure: EngineOptions['onFailure'];
  #jobs = 0;

  static async start({ wasm, restWasm, modelsWasm, tablesWasm, worker, onFailure }: EngineOptions): Promise<RemoteEngine> {
    const engine = new RemoteEngine(startThread(worker));
    // A worker that is closed or killed tells nobody. Of Node's threads the end is an event.
    const life = !nodeBuiltin('node:worker_threads') && 'locks' in navigator ? `latencast-${crypto.randomUUID()}` : undefined;
    try {
      await engine.#begin(sendable(wasm), sendable(restWasm), sendable(modelsWasm), sendable(tablesWasm), life);
      engine.#onFailure = onFailure;
      if (life !== undefined) void navigator.locks.request(life, () => engine.#fail(new LatencastError('load', 'worker: stopped (it was ended)')));
      return engine;
    } catch (caught) {
      engine.dispose();
      throw caught;
    }
  }

  private constructor(thread: Thread) {
    this.#thread = new Owned(thread, (held) => held.terminate(), 'engine');
    this.#host = Comlink.wrap<Host>(thread.endpoint);
    thread.onFailure((reason) => this.#fail(new LatencastError('load', `worker: stopped (${reason})`)));
  }

  async load(bytes: Uint8Array): Promise<Predictor> {
    return new RemotePredictor(this, await this.call((host) => host.load(bytes)));
  }

  async loadEncoder(bytes: Uint8Array): Promise<Encoder> {
    return new RemoteEncoder(this, await this.call((host) => host.loadEncoder(bytes)));
  }

  spaces(): Promise<SpaceInfo[]> {
    return this.call((host) => host.spaces());
  }

  parse(space: SpaceId, texts: readonly string[]): Promise<ParsedArchitecture[]> {
    return this.call((host) => host.parse(space, texts));
  }

  facts(space: SpaceId, architectures: readonly string[]): Promise<ArchitectureFacts[]> {
    return this.call((host) => host.facts(space, architectures));
  }

  enumerate(space: SpaceId): Promise<string[]> {
    return this.call((host) => host.enumerate(space));
  }

  random(space: SpaceId, count: number, seed?: number): Promise<string[]> {
    return this.call((host) => host.random(space, count, seed));
  }

  pool(space: SpaceId): Promise<string[]> {
    return this.call((host) => host.pool(space));
  }

  neighbours(space: SpaceId, architecture: string): Promise<string[]> {
    return this.call((host) => host.neighbours(space, architecture));
  }

  async chooseSamples(space: SpaceId, { encoder, ...settings }: SampleOptions = {}): Promise<string[]> {
    if (encoder && !(encoder instanceof RemoteEncoder && encoder.engine === this)) {
      throw new LatencastError('argument', 'samples: the encoder is of another engine; expected one that this engine loaded');
    }
    const id = encoder instanceof RemoteEncoder ? { encoder: encoder.id } : {};
    return this.call((host) => host.chooseSamples(space, { ...settings, ...id }));
  }

  async modelInputs(file: ModelFile): Promise<StatedInput[]> {
    const part = await toSend(file);
    return this.call((host) => host.modelInputs(part));
  }

  async openModel(file: ModelFile, options: ModelOptions = {}): Promise<Model> {
    const part = await toSend(file);
    return new RemoteModel(this, await this.call((host) => host.openModel(part, options)));
  }

  runtimeFamilies(): Promise<RuntimeFamily[]> {
    return this.call((host) => host.runtimeFamilies());
  }

  exportOnnx(space: SpaceId, architecture: string, options: ExportOptions = {}): Promise<Uint8Array> {
    return this.call((host) => host.exportOnnx(space, architecture, options));
  }

  exportKernel(kernel: string, options: Pick<ExportOptions, 'seed'> = {}): Promise<Uint8Array> {
    return this.call((host) => host.exportKernel(kernel, options));
  }

  async loadFleet(bytes: Uint8Array): Promise<Fleet> {
    return new RemoteFleet(this, await this.call((host) => host.loadFleet(bytes)));
  }

  async loadKernelPool(index: Uint8Array): Promise<KernelPool> {
    return new RemoteKernelPool(this, await this.call((host) => host.loadKernelPool(index)));
  }

  async loadKernelPlatform(bytes: Uint8Array): Promise<KernelPlatform> {
    return new RemoteKernelPlatform(this, await this.call((host) => host.loadKernelPlatform(bytes)));
  }

  async adaptKernels(
    platforms: readonly KernelPlatform[],
    timings: readonly KernelTiming[],
    { models = [], ...options }: AdaptKernelsOptions = {},
  ): Promise<KernelPlatform> {
    const ids = kernelPlatformIds(this, platforms);
    const measured = idsOf(this, models.map(({ model }) => model));
    const latencies_ms = models.map(({ latency_ms }) => latency_ms);
    return new RemoteKernelPlatform(this, await this.call((host) => host.adaptKernels(ids, timings, options, measured, latencies_ms)));
  }

  async sketchTable(table: TableRows, options: TableOptions = {}): Promise<TableSketch> {
    const csv = await tableText(table);
    return this.call((host) => host.sketchTable(csv, options));
  }

  async openTable(table: TableRows, options: TableOptions = {}): Promise<OwnTable> {
    const csv = await tableText(table);
    return new RemoteTable(this, await this.call((host) => host.openTable(csv, options)));
  }

  accuracy(predicted: Float64Array, truth: Float64Array): Promise<Accuracy> {
    return this.call((host) => host.accuracy(predicted, truth));
  }

  liveHandles(): Promise<number> {
    return this.call((host) => host.liveHandles());
  }

  dispose(): void {
    this.#thread.dispose();
    this.#fail(new LatencastError('disposed', 'engine: disposed while at work'));
  }

  [kDispose](): void {
    this.dispose();
  }

  release(id: number): void {
    if (!this.#failure) void this.#host.release(id);
  }

  /** One question to the worker. Rejects when the worker has failed or the engine is disposed, now or meanwhile. */
  async call<T>(ask: (host: Comlink.Remote<Host>) => Promise<Envelope<T>>): Promise<T> {
    void this.#thread.value;
    if (this.#failure) throw this.#failure;
    let reject!: (reason: LatencastError) => void;
    const ended = new Promise<never>((_, refuse) => (reject = refuse));
    this.#waiting.add(reject);
    try {
      return unwrap(await Promise.race([ask(this.#host), ended]));
    } catch (caught) {
      // What cannot be sent is refused by the browser with an error of its own.
      throw asLatencastError(caught);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  /**
   * The same for work with progress that can be cancelled. An abort rejects here at once; the worker stops at its next slice.
   * `discard` gets a result that arrives after the abort.
   */
  async work<T>(
    phase: TransferProgress['phase'],
    { signal, onProgress }: PredictOptions,
    ask: (host: Comlink.Remote<Host>, job: number) => Promise<Envelope<T>>,
    discard: (late: T) => void = () => {},
  ): Promise<T> {
    if (signal?.aborted) throw cancelled(phase);
    const job = ++this.#jobs;
    const answer = this.call((host) => ask(host, job));
    let stop!: (reason: LatencastError) => void;
    const stopped = new Promise<never>((_, reject) => {
      stop = (reason) => {
        void this.#host.cancel(job);
        answer.then(discard, () => {});
        reject(reason);
      };
    });
    const abort = () => stop(cancelled(phase));
    signal?.addEventListener('abort', abort);
    if (onProgress) {
      this.#listeners.set(job, (progress) => {
        try {
          onProgress(progress);
        } catch (caught) {
          stop(asLatencastError(caught));
        }
      });
    }
    try {
      return await Promise.race([answer, stopped]);
    } finally {
      this.#listeners.delete(job);
      signal?.removeEventListener('abort', abort);
    }
  }

  #begin(wasm: SentWasm, restWasm: SentWasm, modelsWasm: SentWasm, tablesWasm: SentWasm, life?: string): Promise<null> {
    const report: Report = async (job, progress) => this.#listeners.get(job)?.(progress);
    return this.call((host) => host.start(wasm, restWasm, modelsWasm, tablesWasm, Comlink.proxy(report), life));
  }

  #fail(reason: LatencastError): void {
    for (const reject of this.#waiting) reject(reason);
    if (this.#failure) return;
    this.#failure = reason;
    if (reason.code !== 'disposed') this.#onFailure?.(reason);
  }
}

class RemotePredictor implements Predictor {
  readonly info: PredictorInfo;
  readonly #engine: RemoteEngine;
  readonly #owned: Owned<number>;

  constructor(engine: RemoteEngine, { id, info }: Held) {
    this.info = info;
    this.#engine = engine;
    this.#owned = new Owned(id, (held) => engine.release(held), 'predictor');
  }

  async scores(device: string, architectures: readonly string[], options: PredictOptions = {}): Promise<Float64Array> {
    const id = this.#owned.value;
    return this.#engine.work('predict', options, (host, job) => host.scores(id, job, device, architectures));
  }

  async predict(architectures: readonly string[], options: PredictOptions = {}): Promise<Float64Array> {
    const id = this.#owned.value;
    return this.#engine.work('predict', options, (host, job) => host.predict(id, job, architectures));
  }

  async predictAll(options: PredictOptions = {}): Promise<Float64Array> {
    const id = this.#owned.value;
    return this.#engine.work('predict', options, (host, job) => host.predictAll(id, job));
  }

  async transfer(measurements: readonly Measurement[], options: TransferOptions = {}): Promise<Predictor> {
    const id = this.#owned.value;
    const engine = this.#engine;
    const held = await engine.work(
      'transfer',
      options,
      (host, job) => host.transfer(id, job, measurements, settings(options)),
      (late) => engine.release(late.id),
    );
    return new RemotePredictor(engine, held);
  }

  async leaveOneOut(measurements: readonly Measurement[], options: TransferOptions = {}): Promise<LeaveOneOut> {
    const id = this.#owned.value;
    return this.#engine.work('leave-one-out', options, (host, job) =>
      host.leaveOneOut(id, job, measurements, settings(options)),
    );
  }

  async intervals(
    architectures: readonly string[],
    coverage?: number,
    options: PredictOptions = {},
  ): Promise<Intervals> {
    const id = this.#owned.value;
    return this.#engine.work('predict', options, (host, job) => host.intervals(id, job, architectures, coverage));
  }

  async review(): Promise<Review> {
    const id = this.#owned.value;
    return this.#engine.call((host) => host.review(id));
  }

  async next(options: NextOptions = {}): Promise<Next> {
    const id = this.#owned.value;
    return this.#engine.call((host) => host.next(id, options));
  }

  async search(limits_ms: readonly number[], options: SearchOptions = {}): Promise<SearchResult> {
    const id = this.#owned.value;
    return this.#engine.work('search', options, (host, job) => host.search(id, job, limits_ms, settings(options)));
  }

  async save(): Promise<Uint8Array> {
    const id = this.#owned.value;
    return this.#engine.call((host) => host.save(id));
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }
}

class RemoteEncoder implements Encoder {
  readonly space: SpaceId;
  readonly #owned: Owned<number>;

  constructor(
    readonly engine: RemoteEngine,
    { id, space }: HeldEncoder,
  ) {
    this.space = space;
    this.#owned = new Owned(id, (held) => engine.release(held), 'encoder');
  }

  /** Throws `disposed` once the encoder is. */
  get id(): number {
    return this.#owned.value;
  }

  async encode(encoding: Encoding, architectures: readonly string[]): Promise<Float32Array> {
    const { id } = this;
    return this.engine.call((host) => host.encode(id, encoding, architectures));
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }
}

/** Bytes would be copied to the worker; without the weights they are few. A Blob is read there, but Node cannot send one of a file. */
async function toSend(file: ModelFile): Promise<ModelFile> {
  return file instanceof Uint8Array || nodeBuiltin('node:worker_threads') ? skim(file) : file;
}

/** An address as the page means it; the worker's own folder is another. */
function sendable(wasm: WasmSource | undefined): SentWasm {
  if (wasm === undefined || wasm instanceof Uint8Array) return wasm;
  return typeof document === 'object' ? new URL(wasm, document.baseURI).href : String(wasm);
}

/** Options without what cannot be sent. */
function settings<T extends Cancellable & { readonly onProgress?: unknown }>(
  options: T,
): Omit<T, 'signal' | 'onProgress'> {
  const { signal: _signal, onProgress: _onProgress, ...sendable } = options;
  return sendable;
}
