/** Any model, in this thread. Fetched with its module when the first one is opened. */

import createModelsModule from '../../build-wasm/wasm/latencast-models.mjs';
import type { RawModel, RawModelsModule } from '../../wasm/latencast-models.js';

import { parseJson, toJson, wellFormed } from './crossing.js';
import { ask } from './errors.js';
import { startModule, type WasmSource } from './module.js';
import { kDispose, own, type Owned, type Owner } from './owned.js';
import { skim } from './skim.js';
import type {
  Decomposition,
  ExportOptions,
  Model,
  ModelFile,
  ModelInfo,
  ModelOptions,
  RuntimeFamily,
  SpaceId,
  StatedInput,
} from './types.js';

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

  liveHandles(): number {
    return ask(() => this.module._liveHandles());
  }
}

class LocalModel implements Model {
  readonly info: ModelInfo;
  readonly #owner: Owner;
  readonly #owned: Owned<RawModel>;

  constructor(owner: Owner, raw: RawModel) {
    this.#owner = owner;
    this.#owned = own(owner, raw, 'model');
    this.info = parseJson(ask(() => raw._info()));
  }

  async decompose(runtime = 'none'): Promise<Decomposition> {
    return parseJson(ask(() => this.#raw._decompose(runtime)));
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }

  get #raw(): RawModel {
    this.#owner.alive();
    return this.#owned.value;
  }
}
