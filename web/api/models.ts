/** Any model, in this thread. Fetched with its module when the first one is opened. */

import createModelsModule from '../../build-wasm/wasm/latencast-models.mjs';
import type { RawFleet, RawModel, RawModelsModule, RawPlatform } from '../../wasm/latencast-models.js';
import type { RawHandle } from '../../wasm/latencast.js';

import { intervalsOf, parseJson, toJson, wellFormed } from './crossing.js';
import { ask, LatencastError } from './errors.js';
import { startModule, type WasmSource } from './module.js';
import { kDispose, own, type Owned, type Owner } from './owned.js';
import { skim } from './skim.js';
import { drive } from './slices.js';
import type {
  AdaptOptions,
  Decomposition,
  ExportOptions,
  Fleet,
  Intervals,
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
  PredictOptions,
  RuntimeFamily,
  SpaceId,
  StatedInput,
} from './types.js';

const kUsualCoverage = 0.9;

/** What an engine does with models. */
export class LocalModels {
  static async start(owner: Owner, wasm?: WasmSource): Promise<LocalModels> {
    const source = wasm ?? new URL('../../build-wasm/wasm/latencast-models.wasm', import.meta.url);
    return new LocalModels(owner, await startModule(createModelsModule, source));
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

  loadFleet(bytes: Uint8Array): Fleet {
    return new LocalFleet(this.owner, ask(() => this.module._loadFleet(bytes)));
  }

  liveHandles(): number {
    return ask(() => this.module._liveHandles());
  }
}

/** What lives in the module. */
class Held<T extends RawHandle> {
  readonly #owned: Owned<T>;

  constructor(
    readonly owner: Owner,
    raw: T,
    what: string,
  ) {
    this.#owned = own(owner, raw, what);
  }

  /** Throws `disposed` once it is, or its engine. */
  get raw(): T {
    this.owner.alive();
    return this.#owned.value;
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
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

  constructor(owner: Owner, raw: RawFleet) {
    super(owner, raw, 'fleet');
    const { platforms, models } = parseJson(ask(() => raw._info()));
    this.platforms = platforms;
    this.models = models;
  }

  async platform(id: string): Promise<Platform> {
    return this.#known(this.platforms.findIndex((known) => known.id === id), id);
  }

  async adapt(measurements: readonly ModelMeasurement[], options: AdaptOptions = {}): Promise<Platform> {
    const { family = this.platforms[0]?.family ?? 'none', trusted } = options;
    const models = rawModels(this.owner, measurements.map(({ model }) => model));
    const latencies_ms = Float64Array.from(measurements, ({ latency_ms }) => latency_ms);
    return new LocalPlatform(this.owner, ask(() => this.raw._adapt(models, latencies_ms, toJson({ family, trusted }))), family);
  }

  async compare(model: Model, options: PredictOptions = {}): Promise<Intervals> {
    const { owner, platforms } = this;
    const [raw] = rawModels(owner, [model]);
    const fleet = () => this.raw;
    return drive(
      'predict',
      function* () {
        const low = new Float64Array(platforms.length);
        const latency_ms = new Float64Array(platforms.length);
        const high = new Float64Array(platforms.length);
        for (let i = 0; i < platforms.length; ++i) {
          const platform = ask(() => fleet()._platform(i));
          try {
            const found = ask(() => platform._estimate(raw!, kUsualCoverage));
            [low[i], latency_ms[i], high[i]] = [found.low_ms, found.latency_ms, found.high_ms];
          } finally {
            platform.delete();
          }
          yield { done: (i + 1) / platforms.length };
        }
        return { low, latency_ms, high };
      },
      options,
    );
  }

  #known(index: number, id: string): Platform {
    const known = this.platforms[index];
    if (!known) {
      throw new LatencastError('argument', `fleet: no platform ${JSON.stringify(id)}; expected one of Fleet.platforms`);
    }
    return new LocalPlatform(this.owner, ask(() => this.raw._platform(index)), known.family);
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
