/** Any model, in this thread. Fetched with its module when the first one is opened. */

import createModelsModule from '../../build-wasm/wasm/latencast-models.mjs';
import type { RawFleet, RawKernelPlatform, RawModel, RawModelsModule, RawPlatform, RawPool, RawSimilarity } from '../../wasm/latencast-models.js';

import { intervalsOf, parseJson, toJson, toList, wellFormed } from './crossing.js';
import { ask } from './envelope.js';
import { LatencastError } from './errors.js';
import { startModule, type WasmSource } from './module.js';
import { Held, own, type Owned, type Owner } from './owned.js';
import { skim } from './skim.js';
import { drive } from './slices.js';
import type {
  AdaptKernelsOptions,
  AdaptOptions,
  CompareOptions,
  Decomposition,
  ExportOptions,
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
  ModelFile,
  ModelInfo,
  ModelMeasurement,
  ModelOptions,
  Platform,
  PlatformReview,
  PoolEntry,
  RuntimeFamily,
  Similarity,
  SpaceId,
  StatedInput,
} from './types.js';

const kUsualCoverage = 0.9;

/** What an engine does with models. */
export class LocalModels {
  static async start(owner: Owner, wasm?: WasmSource): Promise<LocalModels> {
    const source = wasm ?? new URL('../../build-wasm/wasm/latencast-models.wasm', import.meta.url);
    return new LocalModels(owner, await startModule((wasmBinary, printErr) => createModelsModule({ wasmBinary, printErr }), source));
  }

  private constructor(
    private readonly owner: Owner,
    private readonly module: RawModelsModule,
  ) {}

  async inputs(file: ModelFile): Promise<StatedInput[]> {
    const bytes = await skim(file);
    return parseJson(ask(() => this.module._inputs(bytes)));
  }

  async open(file: ModelFile, { batch, inputs }: ModelOptions): Promise<Model> {
    const bytes = await skim(file);
    this.owner.alive();
    return new LocalModel(this.owner, ask(() => this.module._open(bytes, toJson({ batch, inputs }))));
  }

  runtimeFamilies(): RuntimeFamily[] {
    return parseJson(ask(() => this.module._runtimeFamilies()));
  }

  exportOnnx(space: SpaceId, architecture: string, { pixels, classes, seed }: ExportOptions): Uint8Array {
    return ask(() => this.module._exportOnnx(space, wellFormed(architecture), toJson({ pixels, classes, seed })));
  }

  exportKernel(kernel: string, { seed }: Pick<ExportOptions, 'seed'>): Uint8Array {
    return ask(() => this.module._exportKernel(wellFormed(kernel), toJson({ seed })));
  }

  loadFleet(bytes: Uint8Array): Fleet {
    return new LocalFleet(this.owner, ask(() => this.module._loadFleet(bytes)));
  }

  loadKernelPool(index: Uint8Array): KernelPool {
    return new LocalKernelPool(this.owner, ask(() => this.module._loadPool(index)));
  }

  loadKernelPlatform(bytes: Uint8Array): KernelPlatform {
    return new LocalKernelPlatform(this.owner, ask(() => this.module._loadPoolPlatform(bytes)), []);
  }

  adaptKernels(platforms: readonly KernelPlatform[], timings: readonly KernelTiming[], options: AdaptKernelsOptions): KernelPlatform {
    const { models = [], timed = 'alone' } = options;
    const held = platforms.map((platform) => {
      if (platform instanceof LocalKernelPlatform && platform.owner === this.owner) return platform;
      throw new LatencastError('argument', 'adaptKernels: a platform is of another engine; expected those that this engine loaded');
    });
    const raw = held.map((platform) => platform.raw);
    const { kernels, latencies_ms } = crossing(timings);
    const measured = rawModels(this.owner, models.map(({ model }) => model));
    const model_latencies_ms = Float64Array.from(models, ({ latency_ms }) => latency_ms);
    const family = options.family ?? held[0]?.family ?? kCommonFamily;
    const adapted = ask(() => this.module._adaptKernels(raw, kernels, latencies_ms, measured, model_latencies_ms, family, timed));
    return new LocalKernelPlatform(this.owner, adapted, held.flatMap(({ entry }) => entry ?? []), options.family);
  }

  liveHandles(): number {
    return ask(() => this.module._liveHandles());
  }
}

class LocalModel extends Held<RawModel> implements Model {
  readonly info: ModelInfo;

  constructor(owner: Owner, raw: RawModel) {
    super(owner, raw, 'model');
    this.info = parseJson(ask(() => raw._info()));
  }

  async decompose(runtime = 'none'): Promise<Decomposition> {
    return parseJson(ask(() => this.raw._decompose(runtime)));
  }
}

class LocalFleet extends Held<RawFleet> implements Fleet {
  readonly platforms: readonly KnownPlatform[];
  readonly models: readonly KnownModel[];
  readonly processors: readonly string[];
  readonly #compared = new Map<number, Owned<RawPlatform>>();

  constructor(owner: Owner, raw: RawFleet) {
    super(owner, raw, 'fleet');
    const { platforms, models, processors } = parseJson(ask(() => raw._info()));
    this.platforms = platforms;
    this.models = models;
    this.processors = processors;
  }

  async platform(id: string): Promise<Platform> {
    const place = this.#place(id);
    const { family } = this.platforms[place]!;
    return new LocalPlatform(this.owner, ask(() => this.raw._platform(place)), family);
  }

  async adapt(measurements: readonly ModelMeasurement[], options: AdaptOptions = {}): Promise<Platform> {
    const { family = this.platforms[0]?.family ?? 'none', trusted, processor, threads } = options;
    const models = rawModels(this.owner, measurements.map(({ model }) => model));
    const latencies_ms = Float64Array.from(measurements, ({ latency_ms }) => latency_ms);
    return new LocalPlatform(this.owner, ask(() => this.raw._adapt(models, latencies_ms, toJson({ family, trusted, processor, threads }))), family);
  }

  async compare(model: Model, options: CompareOptions = {}): Promise<Intervals> {
    const { platforms: ids = this.platforms.map(({ id }) => id) } = options;
    const places = ids.map((id) => this.#place(id));
    const [raw] = rawModels(this.owner, [model]);
    const platform = (place: number) => this.#platformAt(place);
    return drive(
      'predict',
      function* () {
        const [low, latency_ms, high] = [places, places, places].map(({ length }) => new Float64Array(length)) as [
          Float64Array,
          Float64Array,
          Float64Array,
        ];
        for (const [i, place] of places.entries()) {
          const found = ask(() => platform(place)._estimate(raw!, kUsualCoverage));
          [low[i], latency_ms[i], high[i]] = [found.low_ms, found.latency_ms, found.high_ms];
          yield { done: (i + 1) / places.length };
        }
        return { low, latency_ms, high };
      },
      options,
    );
  }

  override dispose(): void {
    for (const platform of this.#compared.values()) platform.dispose();
    super.dispose();
  }

  /** For comparisons: made once. */
  #platformAt(place: number): RawPlatform {
    const { raw } = this;
    let known = this.#compared.get(place);
    if (!known) {
      known = own(this.owner, ask(() => raw._platform(place)), 'platform');
      this.#compared.set(place, known);
    }
    return known.value;
  }

  #place(id: string): number {
    const place = this.platforms.findIndex((known) => known.id === id);
    if (place >= 0) return place;
    throw new LatencastError('argument', `fleet: no platform ${JSON.stringify(id)}; expected one of Fleet.platforms`);
  }
}

class LocalPlatform extends Held<RawPlatform> implements Platform {
  constructor(
    owner: Owner,
    raw: RawPlatform,
    readonly family: string,
  ) {
    super(owner, raw, 'platform');
  }

  async estimate(model: Model, coverage = kUsualCoverage): Promise<ModelEstimate> {
    const [raw] = rawModels(this.owner, [model]);
    return ask(() => this.raw._estimate(raw!, coverage));
  }

  async review(): Promise<PlatformReview> {
    const { left_out, ...rest } = parseJson(ask(() => this.raw._review()));
    return { ...rest, left_out: intervalsOf(left_out) };
  }

  async next(models: readonly Model[], count: number) {
    const raw = rawModels(this.owner, models);
    return parseJson(ask(() => this.raw._next(raw, count)));
  }
}

/** Models of this very engine. Throws `argument` where one is of another. */
function rawModels(owner: Owner, models: readonly Model[]): RawModel[] {
  return models.map((model) => {
    if (model instanceof LocalModel && model.owner === owner) return model.raw;
    throw new LatencastError('argument', 'platform: the model is of another engine; expected one that this engine opened');
  });
}

/** The family whose fusions all runtimes have. */
const kCommonFamily = 'onnxruntime';

function crossing(timings: readonly KernelTiming[]) {
  return {
    kernels: toList(timings.map(({ kernel }) => kernel)),
    latencies_ms: Float64Array.from(timings, ({ latency_ms }) => latency_ms),
  };
}

/** raw: by their places among `platforms`. */
function named(raw: readonly RawSimilarity[], platforms: readonly PoolEntry[]): Similarity[] {
  return raw.map((one) => ({ ...one, platform: platforms[one.platform]?.id ?? '' }));
}

class LocalKernelPool extends Held<RawPool> implements KernelPool {
  readonly platforms: readonly PoolEntry[];
  readonly probes: readonly string[];
  readonly enough: number;

  constructor(owner: Owner, raw: RawPool) {
    super(owner, raw, 'pool');
    ({ platforms: this.platforms, probes: this.probes, enough: this.enough } = parseJson(ask(() => raw._info())));
  }

  async similarities(timings: readonly KernelTiming[]): Promise<Similarity[]> {
    const { kernels, latencies_ms } = crossing(timings);
    return named(parseJson(ask(() => this.raw._similar(kernels, latencies_ms))), this.platforms);
  }
}

class LocalKernelPlatform extends Held<RawKernelPlatform> implements KernelPlatform {
  readonly family: string;
  readonly entry: PoolEntry | undefined;
  readonly similar: readonly Similarity[];
  readonly set_aside: readonly number[];

  /** from: what it was adapted from. family: where it is known. */
  constructor(owner: Owner, raw: RawKernelPlatform, from: readonly PoolEntry[], family?: string) {
    super(owner, raw, 'platform');
    const { entry, similar, set_aside } = parseJson(ask(() => raw._info()));
    this.entry = entry;
    this.similar = named(similar, from);
    this.set_aside = set_aside;
    this.family = family ?? entry?.family ?? from[similar[0]?.platform ?? -1]?.family ?? kCommonFamily;
  }

  async estimate(model: Model, family = this.family): Promise<KernelEstimate> {
    const [raw] = rawModels(this.owner, [model]);
    return ask(() => this.raw._estimate(raw!, family));
  }
}
