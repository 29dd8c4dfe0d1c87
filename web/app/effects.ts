/** Everything that takes time or leaves the page's memory: the engine, files, the clipboard. Answers come as actions. */

import {
  createEngine,
  fetchBytes,
  LatencastError,
  type Encoder,
  type Engine,
  type Method,
  type OwnTable,
  type Predictor,
  type PredictOptions,
  type SpaceId,
  type TransferOptions,
  type TransferProgress,
} from '../api/index.js';
import { kBaseUnits, writeMeasurements } from '../api/measurements.js';
import { turn } from '../api/slices.js';
import { budgetSummary, front, kHeavy, measured, othersThan, quality, rows } from './derive.js';
import { fetchCharts } from './charts.js';
import { setAside } from './doubts.js';
import type { FigureSpec } from './figure.js';
import { loadAccuracies, loadExample, loadTable, loadWeightsIndex, type WeightsIndex } from './examples.js';
import { ranksOf } from './compare/likeness.js';
import { count } from './format.js';
import { knownDevices, knownMeasurements } from './known.js';
import { BrowserEffects } from './measure/effects.js';
import { isBusy } from './measure/state.js';
import { ModelEffects } from './model/effects.js';
import { isModelFile, kMine, type ModelAction } from './model/state.js';
import { takeNewer } from './offline.js';
import { checkLookup, checkSheet, readQuality, spaceReader, tableReader, type Admit, type Reader } from './reading.js';
import { columnsOf, csvOf, csvOfColumns, saveFile } from './save.js';
import { isBuiltIn, kSpaces, type PageSpace } from './spaces/index.js';
import { rowOf, type SpaceTable } from './spaces/table.js';
import { tableBase, type Adapted, type Base } from './table/base.js';
import { TableEffects } from './table/effects.js';
import {
  browserOf,
  currentCheck,
  deviceTitle,
  firstDevice,
  isDue,
  isExample,
  isOwn,
  kExamples,
  kFewestToCheck,
  methodOf,
  mine,
  nameOf,
  planText,
  reduce,
  resultOf,
  sheetOf,
  spaceId,
  spaceOf,
  tableOf,
  tabOf,
  trustedOf,
  type Action,
  type DeviceId,
  type Loading,
  type Notice,
  type PlanSettings,
  type Reading,
  type Result,
  type State,
} from './state.js';

const kTypingPause = 120; // ms after the last key before the text is read again
const kConfirmation = 6000; // ms that a confirmation stays
const kMostText = 4e6; // characters; the whole space with arch strings is a third of it
const kMagic = 'LATCAST\n';
const kCoverage = 0.9; // of all intervals shown
const kSettling = 10_000; // ms that a measurement waits for the estimates at most
const kMostRefined = 500; // measurements; from more the network would learn for minutes, and keep the engine from all else
const kNextCount = 5; // architectures proposed at a time
const kMostRestarts = 3; // of the engine
const kRestartSpan = 60_000; // ms, within that time
const kSearchLimits = 8; // latencies that a search aims at, beside the user's own

export class Effects {
  private hasStarted!: (engine: Engine) => void;
  private started = new Promise<Engine>((resolve) => (this.hasStarted = resolve));
  /** When it was started again, because it had stopped by itself. */
  private readonly restarts: number[] = [];
  /** What every call to an engine that stopped ends with; said once, and not by each of them. */
  private lost: LatencastError | undefined;
  private engine: Engine | undefined;
  private index: Promise<WeightsIndex> | undefined;
  /** Tables on their way or here; asked for once. */
  private readonly tables = new Map<SpaceId, Promise<SpaceTable>>();
  private readonly bases = new Map<SpaceId, Predictor>();
  private readonly encoders = new Map<SpaceId, Promise<Encoder>>();
  /** The table of the user's own, once there is one. */
  private ownTable: { readonly table: OwnTable; readonly base: Base } | undefined;
  private readonly adapted = new Map<DeviceId, Adapted>();
  /** Estimates of added rows, one after the other. */
  private estimating: Promise<void> = Promise.resolve();
  /** Spaces whose known devices were estimated, or are. */
  private readonly compared = new Set<SpaceId>();
  private running: AbortController | undefined;
  /** Estimates in closed form under way, and what they are made from. */
  private following: { readonly stop: AbortController; readonly from: string } | undefined;
  private sheetTimer: ReturnType<typeof setTimeout> | undefined;
  private lookupTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly models: ModelEffects;
  private readonly browser: BrowserEffects;
  private readonly table: TableEffects;
  /** Who waits for the state to become something. */
  private waiting: { readonly until: () => boolean; readonly go: () => void }[] = [];

  constructor(
    private readonly send: (action: Action) => void,
    private readonly state: () => State,
  ) {
    const tell = (action: ModelAction): void => send({ type: 'model', action });
    this.models = new ModelEffects(tell, () => state().model, () => this.started);
    this.table = new TableEffects({
      send: (action) => send({ type: 'own-table', action }),
      state: () => state().ownTable,
      started: () => this.started,
      opened: (table, rows) => this.useTable(table, rows),
      failed: (what, caught) => this.fail(what, caught),
    });
    this.browser = new BrowserEffects({
      send,
      state,
      engine: () => this.started,
      base: (space) => this.base(space),
      choose: async (space) => {
        await this.base(space);
        const { settings } = this.state().plans[space];
        return { architectures: await this.chosen(await this.started, space, settings), informative: settings.sampler === 'informative' };
      },
      settled: (device) => this.settled(device),
    });
  }

  /** Shows the chosen example first, then fetches what everything else in its mode needs, so that nothing is fetched later. */
  async start(): Promise<void> {
    const { mode, device } = this.state();
    if (mode === 'space') this.showBrowser(spaceOf(device));
    await (mode === 'model' ? this.models.show() : this.openSpace(device));
    await this.startEngine();
    await fetchCharts();
  }

  /** Called after every action, with the state it led to. */
  react(action: Action): void {
    switch (action.type) {
      case 'text':
        this.checkSoon(kTypingPause);
        break;
      case 'model':
        this.models.react(action.action);
        return;
      case 'own-table':
        this.table.react(action.action);
        if (action.action.type === 'example') this.checkSoon(0);
        break;
      case 'browser':
        if (isBuiltIn(action.space)) this.browser.react(action.space, action.action);
        // What was held back while the browser was measured.
        if (
          ['status', 'stop', 'failed'].includes(action.action.type) &&
          this.state().device === browserOf(action.space) &&
          methodOf(this.state()) === 'closed-form'
        ) {
          void this.follow(this.state().device);
        }
        break;
      case 'mode':
      case 'device':
      case 'address':
        if (this.state().mode === 'model') {
          if (action.type === 'address' && action.address.mode === 'model') {
            this.models.react({ type: 'address', address: action.address.model });
          }
          void this.models.show();
          break;
        }
        void this.openSpace(this.state().device);
        this.showBrowser(spaceId(this.state()));
        this.checkSoon(0);
        this.lookUpSoon(0);
        void this.findWanted();
        break;
      case 'unit':
      case 'fix':
      case 'rewrite':
      case 'append':
      case 'replace-text':
      case 'adopt':
      case 'undo-replace':
      case 'restore-example':
      case 'example':
      case 'use-plan':
      case 'plan-browser':
      case 'readings':
      case 'opened':
        this.checkSoon(0);
        break;
      case 'table':
      case 'engine':
        this.checkSoon(0);
        this.lookUpSoon(0);
        void this.findWanted();
        break;
      case 'lookup':
        this.lookUpSoon(kTypingPause);
        break;
      case 'transfer':
        void this.transfer(this.state().device);
        break;
      case 'search':
        void this.search(this.state().device);
        break;
      case 'cancel':
        this.running?.abort();
        break;
      case 'take-newer':
        void takeNewer();
        break;
      case 'choose':
        void this.choose(spaceId(this.state()));
        break;
      case 'open-file':
        if (isModelFile(action.file.name, this.state().mode === 'model')) {
          this.send({ type: 'mode', mode: 'model' });
          this.send({ type: 'model', action: { type: 'open', file: action.file } });
        } else if (this.state().mode === 'model' && !action.file.name.endsWith('.latencast')) {
          void this.openTimes(action.file);
        } else if (spaceId(this.state()) === 'table' && (!tableOf(this.state()) || tabOf(this.state()) === 'table')) {
          void this.openTable(action.file);
        } else {
          void this.open(action.file);
        }
        break;
      case 'open-table':
        void this.openTable(action.file);
        break;
      case 'open-quality':
        void this.openQuality(spaceId(this.state()), action.file);
        break;
      case 'save-predictor':
        void this.savePredictor(this.state().device);
        break;
      case 'save-estimates':
        void this.saveRows(rows(this.state()), 'estimates', action.format);
        break;
      case 'save-chart':
        void this.saveChart(action.spec, `${this.fileName()}-${action.name}`, action.format);
        break;
      case 'save-table':
        saveFile(`${this.fileName()}-${action.name}.csv`, csvOf(action.rows), 'text/csv');
        break;
      case 'save-lookup': {
        const state = this.state();
        void this.saveRows(state.lookups[spaceId(state)].check?.marks.flatMap((mark) => mark.index ?? []) ?? [], 'lookup');
        break;
      }
      case 'save-front':
        void this.saveRows(front(this.state()), 'front');
        break;
      case 'save-plan': {
        const state = this.state();
        const { chosen } = state.plans[spaceId(state)];
        if (chosen) saveFile(`${spaceId(state)}-to-measure.csv`, planText(chosen.architectures), 'text/csv');
        break;
      }
      case 'save-kit':
        void this.saveKit(spaceId(this.state()));
        break;
      case 'copy':
        void this.copy(action.text, action.what);
        break;
      case 'notice':
        if (action.notice?.kind === 'info') this.clearLater(action.notice);
        break;
      default:
        break;
    }
    if (action.type !== 'hover' && isDue(this.state())) void this.follow(this.state().device);
    const { mode, tab } = this.state();
    const space = spaceId(this.state());
    if (mode === 'space' && tab === 'devices' && isBuiltIn(space)) void this.compare(space);
    this.wake();
  }

  /** Fetches what the space of a device needs, where it has not been: table and the device's own example first. */
  private async openSpace(device: DeviceId): Promise<void> {
    const space = spaceOf(device);
    if (!isBuiltIn(space)) return this.table.show();
    if (this.tables.has(space)) return;
    const table = loadTable(space).then((loaded) => {
      this.send({ type: 'table', table: loaded });
      return loaded;
    });
    this.tables.set(space, table);
    const first = isExample(device) ? device : firstDevice(space);
    const others = kExamples.flatMap(({ id }) => (spaceOf(id) === space && id !== first ? [id] : []));
    // Before the first example, so that what stands against latency does not change under the reader.
    const accuracies = space === 'nb201' ? this.loadAccuracies(table) : Promise.resolve();
    const shown = this.loadExample(table, first, accuracies);
    try {
      await table;
    } catch (caught) {
      this.tables.delete(space);
      this.fail(`${kSpaces[space].title} could not be loaded`, caught);
      return;
    }
    await shown;
    void this.loadWeights(space);
    for (const id of others) void this.loadExample(table, id, accuracies);
  }

  private async loadAccuracies(table: Promise<SpaceTable>): Promise<void> {
    try {
      this.send({ type: 'accuracies', accuracies: await loadAccuracies(table) });
    } catch (caught) {
      this.fail('The accuracies could not be loaded', caught);
    }
  }

  private async loadExample(table: Promise<SpaceTable>, id: DeviceId, before: Promise<void>): Promise<void> {
    const coming = loadExample(id, table);
    const told = coming.truth_ms.then((truth_ms) => {
      if (truth_ms) this.send({ type: 'truth', id, truth_ms });
    });
    try {
      this.send({ type: 'notebook', id, notebook: await coming.notebook });
      const example = await coming.example;
      await before;
      const action: Action = { type: 'example', id, example };
      await this.prepare(action, id);
      this.send(action);
      await told;
    } catch (caught) {
      told.catch(() => undefined);
      this.fail('An example could not be loaded', caught);
    }
  }

  /** Has what the views compute of a device's new estimates computed before these are there, each in a task of its own. */
  private async prepare(action: Action, device: DeviceId): Promise<void> {
    for (const compute of kHeavy) {
      if (this.state().device !== device) return;
      await turn();
      compute(reduce(this.state(), action));
    }
  }

  private showBrowser(space: PageSpace): void {
    if (isBuiltIn(space)) void this.browser.show(space);
  }

  /** Takes the place of the table before. */
  private useTable(table: OwnTable, rows: SpaceTable): void {
    this.following?.stop.abort();
    this.following = undefined;
    this.ownTable?.table.dispose();
    this.ownTable = { table, base: tableBase(table) };
    this.forget(mine(rows.space));
    this.send({ type: 'table', table: rows });
  }

  /** What knows the architectures of a space; undefined until it is here. */
  private readerOf(space: PageSpace): Reader | undefined {
    if (isBuiltIn(space)) return this.engine && spaceReader(this.engine, space);
    return this.ownTable && tableReader(this.ownTable.table);
  }

  private baseOf(space: PageSpace): Base | undefined {
    return isBuiltIn(space) ? this.bases.get(space) : this.ownTable?.base;
  }

  /** The weights of a built-in space. */
  private weightsOf(space: PageSpace): Predictor | undefined {
    return isBuiltIn(space) ? this.bases.get(space) : undefined;
  }

  private async startEngine(): Promise<void> {
    try {
      const engine = await createEngine({ kind: 'worker', onFailure: (error) => void this.restart(error) });
      this.engine = engine;
      this.hasStarted(engine);
      this.send({ type: 'engine', engine: { status: 'ready' } });
    } catch (caught) {
      this.send({ type: 'engine', engine: { status: 'failed', message: reason(caught) } });
    }
  }

  /** Another engine in place of one that stopped by itself; what it was at is begun again. */
  private async restart(error: LatencastError): Promise<void> {
    const now = performance.now();
    const lately = this.restarts.filter((at) => now - at < kRestartSpan);
    const { job } = this.state();
    this.lost = error;
    this.engine?.dispose();
    this.engine = undefined;
    this.running?.abort();
    this.running = undefined;
    this.following?.stop.abort();
    this.following = undefined;
    for (const held of [this.bases, this.adapted, this.encoders]) held.clear();
    this.ownTable = undefined;
    for (const space of this.compared) if (!knownDevices(space).some((name) => this.state().known[`${space}/${name}`])) this.compared.delete(space);
    this.send({ type: 'engine-lost' });
    if (lately.length >= kMostRestarts) {
      this.send({ type: 'engine', engine: { status: 'failed', message: `it stopped ${lately.length + 1} times within a minute (${error.message})` } });
      return;
    }
    this.restarts.push(now);
    this.started = new Promise<Engine>((resolve) => (this.hasStarted = resolve));
    this.send({ type: 'notice', notice: { kind: 'info', text: 'The engine stopped and was started again. Nothing you entered is lost.' } });
    await this.startEngine();
    this.models.restart();
    this.table.restart();
    await Promise.all([...this.tables.keys()].map((space) => this.loadWeights(space)));
    if (job && job.phase !== 'search') await this.transfer(job.device);
  }

  private async loadWeights(space: SpaceId): Promise<void> {
    const tell = (weights: Loading): void => this.send({ type: 'weights', space, weights });
    tell({ status: 'loading', done: 0 });
    try {
      const file = await this.fileOf(space, 'file', 'weights');
      const bytes = await fetchBytes(new URL(`weights/${file}`, document.baseURI), {
        onProgress: (received, total) => {
          if (total > 0) tell({ status: 'loading', done: received / total });
        },
      });
      const engine = await this.started;
      const base = await engine.load(bytes);
      this.bases.set(space, base);
      tell({ status: 'ready', closedForm: base.info.closed_form });
    } catch (caught) {
      tell({ status: 'failed', message: reason(caught) });
    }
  }

  /** The pre-trained predictor of a space, once it is here. Throws where it does not come. */
  private async base(space: SpaceId): Promise<Predictor> {
    const weights = (): Loading | undefined => this.state().weights[space];
    await this.until(() => weights()?.status === 'ready' || weights()?.status === 'failed');
    const base = this.bases.get(space);
    if (!base) throw new Error(`the weights of ${kSpaces[space].title} did not load`);
    return base;
  }

  /** Resolves when the estimates of a device are those of its text; at once where it is not shown, as nothing follows then. */
  private async settled(device: DeviceId): Promise<void> {
    const timeout = setTimeout(() => this.wake(), kSettling);
    const late = performance.now() + kSettling;
    await this.until(() => {
      const state = this.state();
      if (state.device !== device || state.notice?.kind === 'error' || performance.now() > late) return true;
      return currentCheck(sheetOf(state)) !== undefined && !isDue(state) && !this.following;
    });
    clearTimeout(timeout);
  }

  private wake(): void {
    this.waiting = this.waiting.filter(({ until, go }) => {
      const there = until();
      if (there) go();
      return !there;
    });
  }

  private until(until: () => boolean): Promise<void> {
    return until() ? Promise.resolve() : new Promise((go) => this.waiting.push({ until, go }));
  }

  /** A shipped file of a space. Throws where there is none. */
  private async fileOf(space: SpaceId, which: 'file' | 'encoder', what: string): Promise<string> {
    // What failed may be tried again.
    this.index ??= loadWeightsIndex().catch((caught: unknown) => {
      this.index = undefined;
      throw caught;
    });
    const name = (await this.index)[space]?.[which];
    if (name === undefined) throw new Error(`no ${what} of ${kSpaces[space].title} are shipped`);
    return name;
  }

  private checkSoon(pause: number): void {
    clearTimeout(this.sheetTimer);
    const { device } = this.state();
    this.sheetTimer = setTimeout(() => void this.check(device), pause);
  }

  private async check(device: DeviceId): Promise<void> {
    const space = spaceOf(device);
    const sheet = sheetOf(this.state(), device);
    const reader = this.readerOf(space);
    const table = this.state().tables[space];
    if (!reader || !table || currentCheck(sheet)) return;
    try {
      const check = await checkSheet(reader, this.admitting(space), sheet);
      // Rows of another table are others.
      if (!isBuiltIn(space) && this.state().tables[space] !== table) return;
      this.send({ type: 'checked', device, check });
    } catch (caught) {
      this.fail('The measurements could not be read', caught);
    }
  }

  private lookUpSoon(pause: number): void {
    clearTimeout(this.lookupTimer);
    const space = spaceId(this.state());
    this.lookupTimer = setTimeout(() => void this.lookUp(space), pause);
  }

  private async lookUp(space: PageSpace): Promise<void> {
    const { text, check } = this.state().lookups[space];
    const reader = this.readerOf(space);
    if (!reader || !this.state().tables[space] || check?.text === text) return;
    try {
      this.send({ type: 'lookup-checked', space, check: await checkLookup(reader, this.admitting(space), text) });
    } catch (caught) {
      this.fail('The architectures could not be read', caught);
    }
  }

  /** Selects the architecture that the address names. */
  private async findWanted(): Promise<void> {
    const space = spaceId(this.state());
    const { wanted } = this.state().views[space];
    const reader = this.readerOf(space);
    if (!reader || !this.state().tables[space] || wanted === undefined) return;
    try {
      const [found] = await reader.parse([wanted]);
      if (!found?.ok) throw new Error(found?.message ?? 'not understood');
      const table = await this.admitting(space)([found.architecture]);
      if (spaceId(this.state()) === space) this.send({ type: 'select', index: rowOf(table, found.architecture) });
    } catch (caught) {
      this.fail('The architecture in the address was not understood', caught);
    }
  }

  /** Adds architectures to the table of a space, and their estimates wherever the engine holds a predictor. */
  private admitting(space: PageSpace): Admit {
    return async (architectures) => {
      const table = await this.tableNow(space);
      const missing = [...new Set(architectures)].filter((architecture) => !table.indexOf.has(architecture));
      // A table of the user's own knows its rows and no others.
      if (missing.length === 0 || !isBuiltIn(space)) return table;
      const facts = (await this.engine?.facts(space, missing)) ?? [];
      this.send({
        type: 'rows',
        space,
        rows: facts.map(({ macs, params }, i) => ({ architecture: missing[i] ?? '', macs, params })),
      });
      this.estimateAdded(space);
      return this.tableNow(space);
    };
  }

  /** The table with everything that has been added to it. */
  private async tableNow(space: PageSpace): Promise<SpaceTable> {
    const shipped = isBuiltIn(space) ? await this.tables.get(space) : undefined;
    const table = this.state().tables[space] ?? shipped;
    if (!table) throw new Error(`the table of ${kSpaces[space].title} is not there`);
    return table;
  }

  private estimateAdded(space: PageSpace): void {
    this.estimating = this.estimating.then(async () => {
      for (const [device, predictor] of this.adapted) {
        const result = this.state().results[device];
        const table = this.state().tables[space];
        if (spaceOf(device) !== space || !result || !table) continue;
        const added = table.architectures.slice(result.latency_ms.length);
        if (added.length === 0) continue;
        try {
          const more = await estimatesOf(predictor, added);
          if (this.state().results[device] === result) this.send({ type: 'more-estimates', device, ...more });
        } catch (caught) {
          this.fail('Some architectures could not be estimated', caught);
        }
      }
    });
  }

  /** Estimates in closed form: quick enough to follow every change of the measurements, without progress. */
  private async follow(device: DeviceId): Promise<void> {
    const base = this.baseOf(spaceOf(device));
    const sheet = sheetOf(this.state(), device);
    const check = currentCheck(sheet);
    if (!base || !check) return;
    const { readings, quantity } = check;
    const trusted = trustedOf(sheet);
    const measured = this.isMeasured(device);
    const from = JSON.stringify([device, readings, quantity, trusted, measured]);
    // The same again would end the same way, also where it failed.
    if (this.following?.from === from) return;
    this.following?.stop.abort();
    const stop = new AbortController();
    this.following = { stop, from };
    const { signal } = stop;
    try {
      const options = { device: this.deviceName(device), quantity, trusted, signal };
      let predictor: Adapted | undefined;
      const shown = this.state().results[device];
      // At once, then better where the network adds something. What was computed beforehand is that good already.
      const methods: Method[] = shown?.source === 'precomputed' && readings.length <= kMostRefined ? [] : ['closed-form'];
      // While this browser is measured, nothing else should be at work for long.
      if (!measured && isBuiltIn(spaceOf(device)) && readings.length <= kMostRefined) methods.push('combined');
      for (const method of methods) {
        const adapted = await base.transfer(readings, { ...options, method });
        if (predictor && adapted.info.method !== method) {
          adapted.dispose();
          continue;
        }
        const result = await this.resultOf(device, adapted, readings, 'transfer', options);
        const action: Action = { type: 'result', device, result };
        if (!signal.aborted) await this.prepare(action, device);
        if (signal.aborted) {
          adapted.dispose();
          return;
        }
        this.keep(device, adapted);
        predictor = adapted;
        this.send(action);
        this.estimateAdded(spaceOf(device));
      }
      const next = await predictor?.next({ count: kNextCount, pool: (await this.tableNow(spaceOf(device))).architectures });
      if (signal.aborted) return;
      this.following = undefined;
      if (next) this.send({ type: 'next', device, next });
    } catch (caught) {
      if (signal.aborted) return;
      this.send({ type: 'unusable', check });
      this.fail('The measurements could not be used', caught);
    }
  }

  /** Estimates of all known devices of a space, once; one after the other, so that nothing else waits for long. */
  private async compare(space: SpaceId): Promise<void> {
    const base = this.bases.get(space);
    const table = this.state().tables[space];
    if (!base?.info.closed_form || !table || this.compared.has(space)) return;
    this.compared.add(space);
    const architectures = table.architectures.slice(0, table.shipped);
    const devices = knownDevices(space);
    const latencies: Record<DeviceId, Float64Array> = {};
    try {
      for (const [i, device] of devices.entries()) {
        this.send({ type: 'comparing', done: i / devices.length });
        const predictor = await base.transfer(knownMeasurements(space, device), { device, method: 'closed-form' });
        const latency_ms = await predictor.predict(architectures);
        predictor.dispose();
        ranksOf(latency_ms, table.shipped);
        latencies[`${space}/${device}`] = latency_ms;
      }
    } catch (caught) {
      this.compared.delete(space);
      this.fail('The known devices could not be estimated', caught);
    }
    this.send({ type: 'known', latencies });
  }

  /** Whether a device is this browser, and being measured. */
  private isMeasured(device: DeviceId): boolean {
    const space = spaceOf(device);
    return isBuiltIn(space) && device === browserOf(space) && isBusy(this.state().browsers[space]);
  }

  private deviceName(device: DeviceId): string {
    return isOwn(device) ? deviceTitle(this.state(), device) : nameOf(device);
  }

  /** Fine-tunes, estimates everything, then checks by leaving each measurement out; each part shows when it is done. */
  private async transfer(device: DeviceId): Promise<void> {
    const base = this.weightsOf(spaceOf(device));
    const { readings, quantity } = currentCheck(sheetOf(this.state(), device)) ?? {};
    if (!base || !readings || !quantity) return;
    const { signal, onProgress, end } = this.begin(device, 'transfer');
    const options: TransferOptions = { device: this.deviceName(device), quantity, method: 'finetune', signal, onProgress };
    try {
      const predictor = await base.transfer(readings, options);
      const result = await this.resultOf(device, predictor, readings, 'transfer', { signal, onProgress });
      this.keep(device, predictor);
      this.send({ type: 'result', device, result });
      this.estimateAdded(spaceOf(device));
      if (readings.length < kFewestToCheck) return;
      try {
        const { latency_ms, spearman, mdape } = await base.leaveOneOut(readings, options);
        this.send({ type: 'leave-one-out', device, leaveOneOut: { latency_ms: [...latency_ms], spearman, mdape } });
      } catch (caught) {
        if (!signal.aborted) this.fail('The estimates are ready, but their quality could not be checked', caught);
      }
    } catch (caught) {
      if (!signal.aborted) this.fail('The transfer stopped', caught);
    } finally {
      end();
    }
  }

  /** Looks for better architectures than the table holds, and adds what it finds. */
  private async search(device: DeviceId): Promise<void> {
    const predictor = this.adapted.get(device);
    const state = this.state();
    const table = state.tables[spaceOf(device)];
    const budget = budgetSummary(state);
    if (!predictor?.search || !table || !budget) return;
    const known = front(state);
    const start = known.map((row) => table.architectures[row] ?? '');
    const along = known.map((row) => resultOf(state)?.latency_ms[row] ?? Number.NaN);
    const [least, most] = [along[0] ?? budget.budget_ms, along.at(-1) ?? budget.budget_ms];
    const limits = Array.from({ length: kSearchLimits }, (_, i) => least + ((most - least) * (i + 1)) / kSearchLimits);
    const { signal, onProgress, end } = this.begin(device, 'search');
    try {
      const found = await predictor.search([...limits, budget.budget_ms], { start, signal, onProgress });
      const before = table.architectures.length;
      const { architectures } = await this.admitting(table.space)(found.front.map(({ architecture }) => architecture));
      const text = `The search found ${count(architectures.length - before)} architectures that are now among the estimates.`;
      this.send({ type: 'notice', notice: { kind: 'info', text } });
    } catch (caught) {
      if (!signal.aborted) this.fail('The search stopped', caught);
    } finally {
      end();
    }
  }

  /** One long piece of work at a time: an earlier one is cancelled. */
  private begin(device: DeviceId, phase: TransferProgress['phase']) {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const { signal } = running;
    const onProgress = (progress: TransferProgress): void => {
      if (!signal.aborted) this.send({ type: 'job', job: { device, ...progress } });
    };
    onProgress({ phase, done: 0, epoch: 0, epochs: 0, loss: 0, seconds_left: Number.NaN });
    const end = (): void => {
      if (this.running !== running) return;
      this.running = undefined;
      this.send({ type: 'job-ended' });
    };
    return { signal, onProgress, end };
  }

  private async resultOf(
    device: DeviceId,
    predictor: Adapted,
    readings: readonly Reading[],
    source: Result['source'],
    options: Pick<TransferOptions, 'trusted' | 'signal' | 'onProgress'> = {},
  ): Promise<Result> {
    const { architectures } = await this.tableNow(spaceOf(device));
    const { latency_ms, ...bounds } = await estimatesOf(predictor, architectures, options);
    const truth = this.state().truths[device];
    const others = othersThan(readings, latency_ms.length);
    const pick = (values: Float64Array): Float64Array =>
      Float64Array.from(others, (index) => values[index] ?? Number.NaN);
    const accuracy = truth && (await this.engine?.accuracy(pick(latency_ms), pick(truth)));
    const { nearest, method = 'finetune', quantity = 'latency' } = predictor.info;
    return {
      source,
      method,
      quantity,
      latency_ms,
      ...bounds,
      readings,
      trusted: options.trusted ?? [],
      ...(method === 'finetune' ? {} : await this.reviewOf(predictor, readings)),
      ...(nearest ? { nearest } : {}),
      ...(accuracy ? { accuracy: { ...accuracy, count: others.length } } : {}),
    };
  }

  /** What a predictor in closed form says of itself. */
  private async reviewOf(
    predictor: Adapted,
    readings: readonly Reading[],
  ): Promise<Pick<Result, 'review' | 'leaveOneOut'>> {
    const { left_out, ...review } = await predictor.review();
    const aside = setAside(review);
    const counting = readings.flatMap((_, i) => (aside.has(i) ? [] : [i]));
    if (counting.length < kFewestToCheck) return { review };
    const accuracy = await this.engine?.accuracy(
      Float64Array.from(counting, (i) => left_out.latency_ms[i] ?? Number.NaN),
      Float64Array.from(counting, (i) => readings[i]?.latency_ms ?? Number.NaN),
    );
    if (!accuracy) return { review };
    const { spearman, mdape } = accuracy;
    const { low, latency_ms, high } = left_out;
    return { review, leaveOneOut: { low: [...low], latency_ms: [...latency_ms], high: [...high], spearman, mdape } };
  }

  private keep(device: DeviceId, predictor: Adapted): void {
    this.adapted.get(device)?.dispose();
    this.adapted.set(device, predictor);
  }

  private forget(device: DeviceId): void {
    this.adapted.get(device)?.dispose();
    this.adapted.delete(device);
  }

  private async choose(space: PageSpace): Promise<void> {
    const { engine } = this;
    const { settings } = this.state().plans[space];
    if (!engine) return;
    try {
      const architectures = await this.chosen(engine, space, settings);
      this.send({ type: 'chosen', space, chosen: { settings, architectures } });
    } catch (caught) {
      this.send({ type: 'chosen', space });
      this.fail('No architectures could be chosen', caught);
    }
  }

  private async chosen(engine: Engine, space: PageSpace, { sampler, count, seed }: PlanSettings): Promise<readonly string[]> {
    if (sampler === 'informative') {
      const base = this.baseOf(space);
      if (!base) throw new Error('the weights are not here yet');
      return (await base.next({ count })).architectures;
    }
    if (!isBuiltIn(space)) throw new Error('of a table only the most informative ones can be chosen');
    // A sampler that names an encoding ends in it.
    const encoder = sampler.includes('-') ? { encoder: await this.encoder(engine, space) } : {};
    return engine.chooseSamples(space, { sampler, count, seed, ...encoder });
  }

  /** The list to measure as networks, with scripts that measure them anywhere. */
  private async saveKit(space: PageSpace): Promise<void> {
    const { engine } = this;
    const { chosen, packing } = this.state().plans[space];
    if (!engine || !chosen || packing !== undefined || !isBuiltIn(space)) return;
    const onProgress = (done: number): void => this.send({ type: 'packing', space, done });
    onProgress(0);
    try {
      const { downloadKit } = await import('./kit.js');
      await downloadKit(engine, space, chosen.architectures, { sampler: chosen.settings.sampler, onProgress });
    } catch (caught) {
      this.fail('The kit could not be made', caught);
    }
    this.send({ type: 'packing', space });
  }

  /** Fetched when it is first needed. */
  private encoder(engine: Engine, space: SpaceId): Promise<Encoder> {
    const known = this.encoders.get(space);
    if (known) return known;
    const loading = (async () => {
      const file = await this.fileOf(space, 'encoder', 'encoders');
      return engine.loadEncoder(await fetchBytes(new URL(`weights/${file}`, document.baseURI)));
    })();
    this.encoders.set(space, loading);
    // Here too.
    loading.catch(() => this.encoders.delete(space));
    return loading;
  }

  private async open(file: File): Promise<void> {
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const isPredictor = latin(bytes.subarray(0, kMagic.length)) === kMagic || file.name.endsWith('.latencast');
      if (isPredictor) await this.openPredictor(file.name, bytes);
      else this.send({ type: 'replace-text', text: textOf(bytes), filename: file.name });
    } catch (caught) {
      this.fail(`${file.name} could not be opened`, caught);
    }
  }

  private async openTable(file: File): Promise<void> {
    try {
      const text = textOf(new Uint8Array(await file.arrayBuffer()));
      this.send({ type: 'own-table', action: { type: 'replace', source: { text, filename: file.name, roles: {} } } });
    } catch (caught) {
      this.fail(`${file.name} could not be opened`, caught);
    }
  }

  /** Measurements of whole models. */
  private async openTimes(file: File): Promise<void> {
    try {
      const text = textOf(new Uint8Array(await file.arrayBuffer()));
      this.send({ type: 'model', action: { type: 'platform', platform: kMine } });
      this.send({ type: 'model', action: { type: 'replace-text', text } });
    } catch (caught) {
      this.fail(`${file.name} could not be opened`, caught);
    }
  }

  private async openPredictor(filename: string, bytes: Uint8Array): Promise<void> {
    const { engine } = this;
    if (!engine) throw new Error('the engine is not ready yet; open it again in a moment');
    const predictor = await engine.load(bytes);
    const { space, target, measurements } = predictor.info;
    if (target === undefined) {
      predictor.dispose();
      throw new Error('it is a pre-trained predictor without a device; expected one saved after a transfer');
    }
    const device = mine(space);
    await this.openSpace(device);
    const table = await this.admitting(space)(measurements.map(({ architecture }) => architecture));
    const readings = measurements.map((each) => ({ ...each, index: rowOf(table, each.architecture) }));
    const result = await this.resultOf(device, predictor, readings, 'file');
    this.keep(device, predictor);
    this.send({ type: 'opened', device, name: target, text: writeMeasurements(measurements, result.quantity), result });
    this.send({ type: 'notice', notice: { kind: 'info', text: `${filename}: predictor of ${target} opened.` } });
  }

  private async openQuality(space: PageSpace, file: File): Promise<void> {
    try {
      const reader = this.readerOf(space);
      if (!reader) throw new Error('the engine is not ready yet; open it again in a moment');
      const values = await readQuality(reader, textOf(new Uint8Array(await file.arrayBuffer())));
      await this.admitting(space)([...values.keys()]);
      this.send({ type: 'own-quality', space, own: { filename: file.name, values } });
    } catch (caught) {
      this.fail(`${file.name} could not be opened`, caught);
    }
  }

  private async savePredictor(device: DeviceId): Promise<void> {
    const predictor = this.adapted.get(device);
    const result = this.state().results[device];
    if (!predictor || !result) return;
    try {
      saveFile(
        `${slug(deviceTitle(this.state(), device))}.latencast`,
        await this.bytesOf(device, predictor, result),
        'application/octet-stream',
      );
    } catch (caught) {
      this.fail('The predictor could not be saved', caught);
    }
  }

  /** A device may have got its name after its estimates. */
  private async bytesOf(device: DeviceId, predictor: Adapted, { method, quantity, readings, trusted }: Result): Promise<Uint8Array> {
    if (!predictor.save) throw new Error('a table has no predictor file; expected one of a built-in space');
    const base = this.weightsOf(spaceOf(device));
    const name = this.deviceName(device);
    if (method === 'finetune' || predictor.info.target === name || !base) return predictor.save();
    const named = await base.transfer(readings, { device: name, quantity, method, trusted });
    try {
      return await named.save();
    } finally {
      named.dispose();
    }
  }

  private async saveRows(indices: ArrayLike<number>, what: string, format: 'csv' | 'npz' = 'csv'): Promise<void> {
    const state = this.state();
    const table = tableOf(state);
    const result = resultOf(state);
    const known = measured(state);
    const against = quality(state);
    if (!table || !result || !known || !against) return;
    const more = against.id === 'macs' ? [] : [{ name: table.columns ? against.title : against.id, values: against.values }];
    const columns = columnsOf(table, indices, result, known, more, kBaseUnits[result.quantity]);
    const name = `${this.fileName()}-${what}.${format}`;
    try {
      if (format === 'csv') saveFile(name, csvOfColumns(columns), 'text/csv');
      else saveFile(name, (await import('../api/npz.js')).npz(columns), 'application/zip');
    } catch (caught) {
      this.fail('The estimates could not be saved', caught);
    }
  }

  private async saveChart(spec: FigureSpec, name: string, format: 'png' | 'svg'): Promise<void> {
    try {
      const { pngOf, svgOf } = await import('./figure.js');
      const styles = getComputedStyle(document.documentElement);
      const token = (each: string): string => styles.getPropertyValue(each);
      if (format === 'svg') saveFile(`${name}.svg`, svgOf(spec, token), 'image/svg+xml');
      else saveFile(`${name}.png`, await pngOf(spec, token), 'image/png');
    } catch (caught) {
      this.fail('The chart could not be saved', caught);
    }
  }

  /** What files about the shown device, or the model, begin with. */
  private fileName(): string {
    const { mode, model } = this.state();
    if (mode === 'model') return slug(model.opened?.name.replace(/\.(onnx|param|json)$/i, '') ?? 'model');
    return slug(deviceTitle(this.state()));
  }

  private async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.send({ type: 'notice', notice: { kind: 'info', text: `${what} copied.` } });
    } catch {
      this.send({
        type: 'notice',
        notice: { kind: 'error', text: `This browser does not let the page copy: ${text}` },
      });
    }
  }

  /** What merely confirms goes away by itself; errors stay until they are closed. */
  private clearLater(notice: Notice): void {
    setTimeout(() => {
      if (this.state().notice === notice) this.send({ type: 'notice' });
    }, kConfirmation);
  }

  private fail(what: string, caught: unknown): void {
    if (caught !== undefined && caught === this.lost) return;
    this.send({ type: 'notice', notice: { kind: 'error', text: `${what}: ${reason(caught)}` } });
  }
}

/** With where the truth lies with 90 %, where the predictor can say. */
async function estimatesOf(
  predictor: Adapted,
  architectures: readonly string[],
  options: PredictOptions = {},
): Promise<Pick<Result, 'latency_ms' | 'low' | 'high'>> {
  if (predictor.info.method === 'finetune') return { latency_ms: await predictor.predict(architectures, options) };
  return predictor.intervals(architectures, kCoverage, options);
}

function reason(caught: unknown): string {
  if (caught instanceof LatencastError || caught instanceof Error) return caught.message;
  return String(caught);
}

/** A file's text. Throws where it is none, or far too long. */
function textOf(bytes: Uint8Array): string {
  if (bytes.length > kMostText || bytes.includes(0)) {
    const found = bytes.includes(0) ? 'bytes that are no text' : `${Math.round(bytes.length / 1e6)} MB of text`;
    throw new Error(`it holds ${found}; expected a CSV, TSV or JSON list, or a .latencast file`);
  }
  return new TextDecoder().decode(bytes).replace(/\r\n?/g, '\n');
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'device'
  );
}
