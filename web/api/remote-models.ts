/** Any model in the worker: this end of its models, fleets and platforms. */

import { LatencastError } from './errors.js';
import { kDispose, Owned } from './owned.js';
import type { HeldFleet, HeldKernelPlatform, HeldModel, HeldPlatform, HeldKernelPool } from './protocol.js';
import type { RemoteEngine } from './remote.js';
import type {
  AdaptOptions,
  CompareOptions,
  Decomposition,
  Fleet,
  Intervals,
  KernelEstimate,
  KernelPlatform,
  KernelPool,
  KernelTiming,
  KnownModel,
  KnownPlatform,
  Model,
  ModelEstimate,
  ModelInfo,
  ModelMeasurement,
  Platform,
  PlatformReview,
  PoolEntry,
  Similarity,
} from './types.js';

/** What the worker holds under a number. */
export class Remote {
  readonly #owned: Owned<number>;

  constructor(
    readonly engine: RemoteEngine,
    id: number,
    what: string,
  ) {
    this.#owned = new Owned(id, (held) => engine.release(held), what);
  }

  /** Throws `disposed` once it is. */
  get id(): number {
    return this.#owned.value;
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }
}

export class RemoteModel extends Remote implements Model {
  readonly info: ModelInfo;

  constructor(engine: RemoteEngine, { id, info }: HeldModel) {
    super(engine, id, 'model');
    this.info = info;
  }

  async decompose(runtime?: string): Promise<Decomposition> {
    const { id } = this;
    return this.engine.call((host) => host.decompose(id, runtime));
  }
}

export class RemoteFleet extends Remote implements Fleet {
  readonly platforms: readonly KnownPlatform[];
  readonly models: readonly KnownModel[];
  readonly processors: readonly string[];

  constructor(engine: RemoteEngine, { id, platforms, models, processors }: HeldFleet) {
    super(engine, id, 'fleet');
    this.platforms = platforms;
    this.models = models;
    this.processors = processors;
  }

  async platform(name: string): Promise<Platform> {
    const { id } = this;
    return new RemotePlatform(this.engine, await this.engine.call((host) => host.platform(id, name)));
  }

  async adapt(measurements: readonly ModelMeasurement[], options: AdaptOptions = {}): Promise<Platform> {
    const { id } = this;
    const models = idsOf(this.engine, measurements.map(({ model }) => model));
    const latencies_ms = measurements.map(({ latency_ms }) => latency_ms);
    return new RemotePlatform(this.engine, await this.engine.call((host) => host.adapt(id, models, latencies_ms, options)));
  }

  async compare(model: Model, options: CompareOptions = {}): Promise<Intervals> {
    const { id } = this;
    const [of] = idsOf(this.engine, [model]);
    return this.engine.work('predict', options, (host, job) => host.compare(id, job, of!, options.platforms));
  }
}

class RemotePlatform extends Remote implements Platform {
  readonly family: string;

  constructor(engine: RemoteEngine, { id, family }: HeldPlatform) {
    super(engine, id, 'platform');
    this.family = family;
  }

  async estimate(model: Model, coverage?: number): Promise<ModelEstimate> {
    const { id } = this;
    const [of] = idsOf(this.engine, [model]);
    return this.engine.call((host) => host.estimateModel(id, of!, coverage));
  }

  async review(): Promise<PlatformReview> {
    const { id } = this;
    return this.engine.call((host) => host.reviewPlatform(id));
  }

  async next(models: readonly Model[], count: number) {
    const { id } = this;
    const of = idsOf(this.engine, models);
    return this.engine.call((host) => host.nextModels(id, of, count));
  }
}

export class RemoteKernelPool extends Remote implements KernelPool {
  readonly platforms: readonly PoolEntry[];
  readonly probes: readonly string[];
  readonly enough: number;

  constructor(engine: RemoteEngine, { id, platforms, probes, enough }: HeldKernelPool) {
    super(engine, id, 'pool');
    this.platforms = platforms;
    this.probes = probes;
    this.enough = enough;
  }

  async similarities(timings: readonly KernelTiming[]): Promise<Similarity[]> {
    const { id } = this;
    return this.engine.call((host) => host.similarities(id, timings));
  }
}

export class RemoteKernelPlatform extends Remote implements KernelPlatform {
  readonly family: string;
  readonly entry: PoolEntry | undefined;
  readonly similar: readonly Similarity[];
  readonly set_aside: readonly number[];

  constructor(engine: RemoteEngine, { id, family, entry, similar, set_aside }: HeldKernelPlatform) {
    super(engine, id, 'platform');
    this.family = family;
    this.entry = entry;
    this.similar = similar;
    this.set_aside = set_aside;
  }

  async estimate(model: Model, family?: string): Promise<KernelEstimate> {
    const { id } = this;
    const [of] = idsOf(this.engine, [model]);
    return this.engine.call((host) => host.estimateKernels(id, of!, family));
  }
}

/** Throws `argument` where a platform is of another engine. */
export function kernelPlatformIds(engine: RemoteEngine, platforms: readonly KernelPlatform[]): number[] {
  return platforms.map((platform) => {
    if (platform instanceof RemoteKernelPlatform && platform.engine === engine) return platform.id;
    throw new LatencastError('argument', 'adaptKernels: a platform is of another engine; expected those that this engine loaded');
  });
}

/** Throws `argument` where a model is of another engine. */
export function idsOf(engine: RemoteEngine, models: readonly Model[]): number[] {
  return models.map((model) => {
    if (model instanceof RemoteModel && model.engine === engine) return model.id;
    throw new LatencastError('argument', 'platform: the model is of another engine; expected one that this engine opened');
  });
}
