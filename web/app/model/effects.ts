/** What of the mode "Any model" takes time: reading files in the engine, estimates. Answers come as actions. */

import {
  fetchBytes,
  LatencastError,
  type AdaptKernelsOptions,
  type Engine,
  type Fleet,
  type KernelEstimate,
  type KernelPlatform,
  type KernelPool,
  type KernelTiming,
  type Model,
  type ModelEstimate,
  type ModelOptions,
  type Platform,
  type StatedInput,
} from '../../api/index.js';
import { loadWeightsIndex } from '../examples.js';
import { saveFile } from '../save.js';
import { KernelBrowser, type Runnable } from './browser.js';
import { estimateOf, kernelsCsv, platformRows, platformsCsv } from './derive.js';
import { kernelType } from './kernel-reading.js';
import { checkModels } from './reading.js';
import {
  assumedShape,
  currentCheck,
  familyOf,
  isByKernels,
  isRunnable,
  kExampleNetwork,
  kBrowserFamily,
  kMine,
  kNetworkIds,
  kNetworks,
  kThisBrowser,
  platformOf,
  readingKey,
  readShape,
  shapeText,
  timedOf,
  toldOptions,
  type Bounds,
  type ModelAction,
  type ModelName,
  type ModelReading,
  listedPool,
  type ModelState,
  type NetworkId,
  type Opened,
} from './state.js';

const kTypingPause = 300; // ms after the last key before what was typed is read
const kNextCount = 3; // models proposed at a time
const kComparedAtOnce = 8; // platforms

const kPool = 'weights/pool';

/** Whatever says how long a model takes, by whole models or by kernels. */
type Estimator = Platform | KernelPlatform;

/** A model's file, kept so that it can be read again with other shapes. */
interface Source extends Pick<Opened, 'name' | 'network' | 'bytes'> {
  readonly file: Blob;
  /** Shapes that the file leaves open, where they are known. */
  readonly inputs: NonNullable<ModelOptions['inputs']>;
}

export class ModelEffects {
  private started = false;
  private source: Source | undefined;
  private model: Model | undefined;
  /** Counts what was asked for; answers to anything but the last are dropped. */
  private turn = 0;
  private shapeTimer: ReturnType<typeof setTimeout> | undefined;
  private textTimer: ReturnType<typeof setTimeout> | undefined;
  private toldTimer: ReturnType<typeof setTimeout> | undefined;

  private fleet: Fleet | undefined;
  private pool: KernelPool | undefined;
  /** Known platforms that were asked, by id. */
  private readonly platforms = new Map<string, Promise<Estimator>>();
  private mine: Estimator | undefined;
  private browser: KernelPlatform | undefined;
  private readonly kernels: KernelBrowser;
  /** Likewise of adapting. */
  private adaptations = 0;
  private comparing: AbortController | undefined;
  /** Files that were opened, by name. */
  private readonly sources = new Map<string, Source>();
  /** Models that measurements name, by that name. */
  private readonly named = new Map<string, Promise<Model>>();

  constructor(
    private readonly send: (action: ModelAction) => void,
    private readonly state: () => ModelState,
    private readonly engine: () => Promise<Engine>,
  ) {
    this.kernels = new KernelBrowser({
      tell: (action) => send({ type: 'browser', action }),
      engine,
      probes: async () => (await this.pooled()).probes.filter((key) => key.split(',')[1] === '1'),
      adapt: (timings) => this.adaptToKernels(timings),
      runnable: () => this.runnable(),
      estimate: async (platform) => {
        const { model } = this;
        if (!model) throw new Error('no model is open');
        return { ...(await platform.estimate(model, kBrowserFamily)), model };
      },
      onKnown: (platform, timings) => {
        this.browser?.dispose();
        this.browser = platform;
        const types = [...new Set(timings.map(({ kernel }) => kernelType(kernel)))];
        send({ type: 'browser-known', known: { similar: platform.similar, types } });
        if (state().platform === kThisBrowser) this.follow();
      },
    });
  }

  /** When the mode is shown: the example at once, then what the address asks for. */
  async show(): Promise<void> {
    if (this.started) return;
    this.started = true;
    if (this.state().network === kExampleNetwork && this.turn === 0) {
      const { example } = await import('./example.js');
      this.send({ type: 'example', ...example });
    }
    void this.listFamilies();
    void this.loadPlatforms();
    const { network } = this.state();
    // A file that was dropped came first.
    if (network !== undefined && this.turn === 0) void this.openNetwork(network);
  }

  /** With another engine, as the one before has stopped: everything it held is read again. */
  restart(): void {
    if (!this.started) return;
    this.model = undefined;
    this.mine = undefined;
    this.browser = undefined;
    this.fleet = undefined;
    this.pool = undefined;
    this.platforms.clear();
    this.named.clear();
    void this.loadPlatforms();
    const { network } = this.state();
    if (this.source) void this.open(this.source);
    else if (network !== undefined) void this.openNetwork(network);
  }

  /** Called after every action of the mode, with the state it led to. */
  react(action: ModelAction): void {
    switch (action.type) {
      case 'network':
        void this.openNetwork(action.network);
        break;
      case 'address': {
        const { network } = this.state();
        // What is shown already is not read again.
        if (this.started && network !== undefined && network !== this.source?.network) void this.openNetwork(network);
        else this.follow();
        void this.compare();
        break;
      }
      case 'open': {
        const { file } = action;
        void this.open({ name: file.name, file, bytes: file.size, inputs: {} });
        break;
      }
      case 'shape':
        clearTimeout(this.shapeTimer);
        this.shapeTimer = setTimeout(() => void this.readAgain(), kTypingPause);
        break;
      case 'platform':
        if (action.platform === kThisBrowser) void this.kernels.show();
        this.follow();
        break;
      case 'family':
        this.follow();
        if (this.state().adaptedKernels?.readings.length) void this.adapt();
        break;
      case 'browser': {
        const { run, setting } = this.state().browser;
        if (action.action.type === 'start') void this.kernels.start(run, setting);
        else if (action.action.type === 'again') void this.kernels.start(undefined, setting);
        else if (action.action.type === 'stop') this.kernels.stop();
        break;
      }
      case 'check-by-running': {
        const { run } = this.state().browser;
        if (run) void this.kernels.check(run);
        break;
      }
      case 'pin':
      case 'view':
      case 'whole':
        void this.compare();
        break;
      case 'fleet':
      case 'pool':
        this.checkText();
        this.follow();
        break;
      case 'text':
        clearTimeout(this.textTimer);
        this.textTimer = setTimeout(() => this.checkText(), kTypingPause);
        break;
      case 'told':
        clearTimeout(this.toldTimer);
        this.toldTimer = setTimeout(() => void this.adapt(), kTypingPause);
        break;
      case 'append':
      case 'replace-text':
      case 'undo-replace':
      case 'stated':
        // A file may have come that the text names.
        this.checkText();
        break;
      case 'checked':
      case 'trust':
        void this.adapt();
        break;
      case 'save-kernels': {
        const { opened } = this.state();
        const csv = opened?.kernels && kernelsCsv(opened.kernels, estimateOf(this.state())?.kernel_ms);
        if (csv) saveFile(`${stem(opened.name)}-kernels.csv`, csv, 'text/csv');
        break;
      }
      case 'save-platforms': {
        const { opened } = this.state();
        if (opened) saveFile(`${stem(opened.name)}-platforms.csv`, platformsCsv(platformRows(this.state())), 'text/csv');
        break;
      }
      default:
        break;
    }
  }

  // ---- the model ----

  private async listFamilies(): Promise<void> {
    try {
      this.send({ type: 'families', families: await (await this.engine()).runtimeFamilies() });
    } catch {
      // The same module reads the model, and says there what is wrong.
    }
  }

  private async openNetwork(network: NetworkId): Promise<void> {
    const turn = ++this.turn;
    try {
      const source = await networkSource(network);
      if (turn === this.turn) await this.open(source);
    } catch (caught) {
      if (turn === this.turn) this.fail(kNetworks[network], caught);
    }
  }

  private async open(source: Source): Promise<void> {
    const turn = ++this.turn;
    clearTimeout(this.shapeTimer);
    const { name, network, bytes, file } = source;
    this.send({ type: 'reading', name });
    try {
      const engine = await this.engine();
      const { stated, shapes } = await shapesOf(engine, source);
      if (turn !== this.turn) return;
      const opened: Opened = {
        name,
        ...(network === undefined ? {} : { network }),
        ...(bytes === undefined ? {} : { bytes }),
        stated,
        shapes,
      };
      this.source = source;
      if (network === undefined) {
        this.sources.set(name, source);
        this.named.delete(name);
      }
      try {
        const { model, kernels } = await this.read(engine, file, stated, shapes);
        if (!this.keep(turn, model)) return;
        this.send({ type: 'stated', opened: { ...opened, info: model.info, kernels } });
        this.estimateAll();
      } catch (caught) {
        if (turn !== this.turn) return;
        // Its inputs are known, and perhaps other shapes are all it needs.
        this.send({ type: 'stated', opened });
        this.fail(name, caught);
      }
    } catch (caught) {
      if (turn === this.turn) this.fail(name, caught);
    }
  }

  /** With other shapes, or for another family. */
  private async readAgain(): Promise<void> {
    const { source } = this;
    const { opened } = this.state();
    if (!source || !opened) return;
    const turn = ++this.turn;
    try {
      const { model, kernels } = await this.read(await this.engine(), source.file, opened.stated, opened.shapes);
      if (!this.keep(turn, model)) return;
      this.send({ type: 'read', info: model.info, kernels });
      this.estimateAll();
    } catch (caught) {
      if (turn === this.turn) this.fail(source.name, caught);
    }
  }

  private async read(engine: Engine, file: Blob, stated: readonly StatedInput[], shapes: Opened['shapes']) {
    const inputs = Object.fromEntries(
      stated.map(({ name }): [string, readonly number[]] => {
        const text = shapes[name] ?? '';
        const shape = readShape(text);
        if (!shape) throw new Error(`input ${name}: "${text}" is no list of lengths; expected one such as 1x3x224x224`);
        return [name, shape];
      }),
    );
    const model = await engine.openModel(file, { inputs });
    return { model, kernels: await model.decompose(familyOf(this.state())) };
  }

  /** Whether the answer is still wanted; the model before it is freed. */
  private keep(turn: number, model: Model): boolean {
    if (turn !== this.turn) {
      model.dispose();
      return false;
    }
    this.comparing?.abort();
    this.model?.dispose();
    this.model = model;
    return true;
  }

  // ---- platforms ----

  private async loadPlatforms(): Promise<void> {
    await Promise.all([this.loadFleet(), this.loadPool()]);
    const { platform } = this.state();
    if (platform === kThisBrowser) void this.kernels.show();
    else if (platform !== undefined && platform !== kMine && !platformOf(this.state())) {
      this.send({ type: 'platform', platform: undefined });
    }
    void this.compare();
  }

  private async loadPool(): Promise<void> {
    try {
      const bytes = await fetchBytes(new URL(`${kPool}/index.json`, document.baseURI));
      this.pool = await (await this.engine()).loadKernelPool(bytes);
      this.send({ type: 'pool', pool: { status: 'ready', platforms: this.pool.platforms } });
    } catch (caught) {
      this.send({ type: 'pool', pool: { status: 'failed', message: reason(caught) } });
    }
  }

  private async loadFleet(): Promise<void> {
    try {
      const { fleet: file } = await loadWeightsIndex();
      if (!file) throw new Error('no platforms are shipped');
      const bytes = await fetchBytes(new URL(`weights/${file.file}`, document.baseURI));
      this.fleet = await (await this.engine()).loadFleet(bytes);
      const { platforms, models, processors } = this.fleet;
      this.send({ type: 'fleet', fleet: { status: 'ready', platforms, models, processors } });
      void this.compare();
    } catch (caught) {
      this.send({ type: 'fleet', fleet: { status: 'failed', message: reason(caught) } });
    }
  }

  /** The kernels that the platform's runtime has, and the estimate there. */
  private follow(): void {
    const { kernels } = this.state().opened ?? {};
    if (kernels && kernels.runtime !== familyOf(this.state())) void this.readAgain();
    else void this.estimate();
  }

  private estimateAll(): void {
    void this.estimate();
    void this.compare();
  }

  private async estimate(): Promise<void> {
    const { model } = this;
    const { platform: id } = this.state();
    if (!model || id === undefined) return;
    try {
      const own = (): Estimator | undefined => (id === kMine ? this.mine : this.browser);
      const isOwn = id === kMine || id === kThisBrowser;
      const platform = isOwn ? own() : await this.known(id);
      if (!platform) return;
      const kernels = await this.ask(platform, model);
      const estimate = id === kThisBrowser ? this.kernels.whole(kernels, model) : kernels;
      if (model === this.model && (!isOwn || platform === own())) {
        this.send({ type: 'estimate', estimate: { ...estimate, platform: id } });
      }
    } catch (caught) {
      if (model === this.model) this.fail(this.state().opened?.name ?? '', caught);
    }
  }

  private async ask(platform: Estimator, model: Model): Promise<KernelEstimate & { knowledge: ModelEstimate['knowledge'] | 'kernels' }> {
    // A device of one's own has the fusions that the user says; all others have their own.
    if (!isByTimings(platform)) return platform.estimate(model);
    return { ...(await platform.estimate(model, platform.entry?.family ?? familyOf(this.state()))), knowledge: 'kernels' };
  }

  /** Undefined where it has not arrived what it is. */
  private known(id: string): Promise<Estimator> | undefined {
    const held = this.platforms.get(id) ?? this.load(id);
    if (!held) return undefined;
    this.platforms.set(id, held);
    held.catch(() => this.platforms.delete(id));
    return held;
  }

  private load(id: string): Promise<Estimator> | undefined {
    if (this.fleet?.platforms.some((one) => one.id === id)) return this.fleet.platform(id);
    return this.pool?.platforms.some((one) => one.id === id) ? this.ofPool(id) : undefined;
  }

  private async ofPool(id: string): Promise<KernelPlatform> {
    const bytes = await fetchBytes(new URL(`${kPool}/${id}.latencast`, document.baseURI));
    return (await this.engine()).loadKernelPlatform(bytes);
  }

  /** On the platforms to compare with, and on all others where they are shown: some at a time, because the first time takes a while. */
  private async compare(): Promise<void> {
    const { model, fleet, pool } = this;
    if (!model) return;
    this.comparing?.abort();
    const comparing = new AbortController();
    this.comparing = comparing;
    const { signal } = comparing;
    const { pinned, view, whole, compared } = this.state();
    const wanted = (all: readonly string[], every: boolean): string[] =>
      [...new Set([...pinned.filter((id) => all.includes(id)), ...(every ? all : [])])].filter((id) => !compared[id]);
    const missing = wanted(fleet?.platforms.map(({ id }) => id) ?? [], view === 'platforms');
    const listed = listedPool(this.state()).map(({ id }) => id);
    const timed = [...new Set([...wanted(pool?.platforms.map(({ id }) => id) ?? [], false), ...wanted(listed, view === 'platforms' && whole)])];
    try {
      for (let i = 0; i < timed.length; i += kComparedAtOnce) {
        const found = await Promise.all(timed.slice(i, i + kComparedAtOnce).map((id) => this.boundsOf(id, model)));
        if (signal.aborted) return;
        this.send({ type: 'compared', compared: Object.fromEntries(found.flat()) });
      }
      for (let i = 0; fleet && i < missing.length; i += kComparedAtOnce) {
        const platforms = missing.slice(i, i + kComparedAtOnce);
        const { low, latency_ms, high } = await fleet.compare(model, { platforms, signal });
        const found = platforms.map((id, k) => [id, { low: low[k]!, latency_ms: latency_ms[k]!, high: high[k]! }] as const);
        if (signal.aborted) return;
        this.send({ type: 'compared', compared: Object.fromEntries(found) });
      }
    } catch (caught) {
      if (!signal.aborted) this.fail(this.state().opened?.name ?? '', caught);
    }
  }

  private async boundsOf(id: string, model: Model): Promise<(readonly [string, Bounds])[]> {
    const platform = await this.known(id);
    if (!platform) return [];
    const { low_ms, latency_ms, high_ms } = await this.ask(platform, model);
    return [[id, { low: low_ms, latency_ms, high: high_ms }]];
  }

  // ---- the user's device ----

  private checkText(): void {
    const { text, files } = this.state();
    this.send({ type: 'checked', check: checkModels(text, files) });
  }

  private async pooled(): Promise<KernelPool> {
    if (!this.pool) throw new Error('the platforms whose kernels were timed are not there');
    return this.pool;
  }

  /** What is shown, as a file with weights: the only kind that other runtimes run. */
  private runnable(): Runnable | undefined {
    const { source } = this;
    const { opened } = this.state();
    if (!source || !opened || !isRunnable(opened)) return undefined;
    const shapes = Object.entries(opened.shapes).flatMap(([input, text]) => {
      const shape = readShape(text);
      return shape ? [[input, shape] as const] : [];
    });
    return { name: source.name, file: source.file, shapes: Object.fromEntries(shapes) };
  }

  /** To timings of kernels: by the platforms of the pool that are most similar. */
  private async adaptToKernels(timings: readonly KernelTiming[], options: AdaptKernelsOptions = {}): Promise<KernelPlatform> {
    const pool = await this.pooled();
    // Only platforms timed in the same way say how kernels add up. This browser times each alone.
    const { timed = 'alone' } = options;
    const comparable = new Set(pool.platforms.filter((one) => one.timed === timed).map(({ id }) => id));
    const ordered = timings.length < 2 ? [] : await pool.similarities(timings);
    const similar = ordered.filter(({ platform }) => comparable.has(platform)).slice(0, pool.enough);
    const platforms = await Promise.all(similar.flatMap(({ platform }) => this.known(platform) ?? []));
    return (await this.engine()).adaptKernels(platforms.filter(isByTimings), timings, options);
  }

  private async adapt(): Promise<void> {
    const { fleet } = this;
    const check = currentCheck(this.state());
    if (!check) return;
    const turn = ++this.adaptations;
    const { readings, kernels } = check;
    if (isByKernels(this.state())) {
      try {
        // Whole models are taken apart as the runtime that is chosen would.
        const models = readings.length === 0 ? {} : { family: familyOf(this.state()), models: await this.measuredModels(readings) };
        const platform = await this.adaptToKernels(kernels, { timed: timedOf(this.state()), ...models });
        if (turn !== this.adaptations) return platform.dispose();
        this.mine?.dispose();
        this.mine = platform;
        const { similar, set_aside } = platform;
        this.send({ type: 'adapted-kernels', adapted: { timings: kernels, readings, similar, set_aside } });
        this.follow();
      } catch (caught) {
        if (turn === this.adaptations) this.send({ type: 'not-adapted', message: reason(caught) });
      }
      return;
    }
    if (!fleet) return;
    try {
      const { trusted } = this.state();
      const platform = await fleet.adapt(await this.measuredModels(readings), {
        trusted: readings.flatMap((reading, i) => (trusted.includes(readingKey(reading)) ? [i] : [])),
        ...toldOptions(this.state()),
      });
      const review = await platform.review();
      if (turn !== this.adaptations) {
        platform.dispose();
        return;
      }
      this.mine?.dispose();
      this.mine = platform;
      this.send({ type: 'adapted', adapted: { readings, review, next: [], worth: 0 } });
      this.follow();
      const measured = new Set(readings.map(({ model }) => nameOf(model)));
      const candidates = kNetworkIds.filter((id) => !measured.has(id));
      const models = await Promise.all(candidates.map((network) => this.modelOf({ network })));
      if (turn !== this.adaptations) return;
      const { models: places, worth } = await platform.next(models, kNextCount);
      const next = places.flatMap((place) => candidates[place] ?? []);
      if (turn === this.adaptations) this.send({ type: 'adapted', adapted: { readings, review, next, worth } });
    } catch (caught) {
      if (turn === this.adaptations) this.send({ type: 'not-adapted', message: reason(caught) });
    }
  }

  private measuredModels(readings: readonly ModelReading[]): Promise<{ readonly model: Model; readonly latency_ms: number }[]> {
    return Promise.all(readings.map(async ({ model, latency_ms }) => ({ model: await this.modelOf(model), latency_ms })));
  }

  /** Held as long as the page: measurements name it again and again. */
  private modelOf(name: ModelName): Promise<Model> {
    const key = nameOf(name);
    const held = this.named.get(key);
    if (held) return held;
    const opening = (async () => {
      const source = 'network' in name ? await networkSource(name.network) : this.sources.get(name.file);
      if (!source) throw new Error(`${key} is not open any more`);
      const engine = await this.engine();
      const { stated, shapes } = await shapesOf(engine, source);
      // As it is shown, where it is.
      const shown = this.source === source ? (this.state().opened?.shapes ?? shapes) : shapes;
      return (await this.read(engine, source.file, stated, shown)).model;
    })();
    this.named.set(key, opening);
    opening.catch(() => this.named.delete(key));
    return opening;
  }

  private fail(name: string, caught: unknown): void {
    this.send({ type: 'failed', name, message: reason(caught) });
  }
}

async function networkSource(network: NetworkId): Promise<Source> {
  const { networkFile, networkInputs } = await import('./networks.js');
  return { name: kNetworks[network], network, file: networkFile(network), inputs: networkInputs(network) };
}

/** What a file says of its inputs, with what is assumed where it says nothing. */
async function shapesOf(engine: Engine, { file, inputs }: Source) {
  const stated = await engine.modelInputs(file);
  const shapes = Object.fromEntries(stated.map((input) => [input.name, shapeText(inputs[input.name] ?? assumedShape(input))]));
  return { stated, shapes };
}

function isByTimings(platform: Estimator): platform is KernelPlatform {
  return 'similar' in platform;
}

function nameOf(name: ModelName): string {
  return 'network' in name ? name.network : name.file;
}

function reason(caught: unknown): string {
  const message = caught instanceof LatencastError || caught instanceof Error ? caught.message : String(caught);
  return message.replace(/^model: /, '');
}

/** A file's name without its ending, for the files made from it. */
function stem(name: string): string {
  return name.replace(/\.(onnx|param|json)$/i, '').replace(/[^\w.-]+/g, '-') || 'model';
}
