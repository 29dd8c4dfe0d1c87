/** Everything the page shows, as one value; `reduce` is the only way it changes. No DOM, no engine, no time. */

import type {
  Accuracy,
  CheckedLine,
  Fix,
  LatencyUnit,
  Measurement,
  Method,
  Next,
  Quantity,
  Review,
  Sampler,
  TransferProgress,
} from '../api/index.js';
import { errorText, kBaseUnits } from '../api/measurements.js';
import type { Cell } from './save.js';
import { kInitialBrowser, reduceBrowser, type BrowserAction, type BrowserState } from './measure/state.js';
import {
  initialModelState,
  readModelAddress,
  reduceModel,
  writeModelAddress,
  type ModelAction,
  type ModelAddress,
  type ModelState,
} from './model/state.js';
import { csvField } from './format.js';
import { kNoTable, reduceOwnTable, type OwnTableAction, type OwnTableState, type TableExample } from './table/state.js';
import type { FigureSpec } from './figure.js';
import { knownDevices, knownText, knownTitle } from './known.js';
import { isBuiltIn, kPageSpaces, kSpaces, type PageSpace } from './spaces/index.js';
import { extendTable, joined, type NewRow, type SpaceTable } from './spaces/table.js';

/** A device of one space, as `space/name`. */
export type DeviceId = `${PageSpace}/${string}`;

/** Built-in examples: devices of families that the shipped weights of their space have never seen. */
export const kExamples: readonly { readonly id: DeviceId; readonly title: string }[] = [
  { id: 'nb201/raspi4', title: 'Raspberry Pi 4' },
  { id: 'nb201/gold_6226', title: 'Xeon Gold 6226' },
  { id: 'nb201/eyeriss', title: 'Eyeriss accelerator' },
  { id: 'fbnet/raspi4', title: 'Raspberry Pi 4' },
  { id: 'fbnet/gold_6226', title: 'Xeon Gold 6226' },
  { id: 'fbnet/eyeriss', title: 'Eyeriss accelerator' },
  { id: 'fbnet/fpga', title: 'FPGA (ZC706)' },
  { id: 'ofa/titan_rtx_1', title: 'TITAN RTX, batch 1' },
  { id: 'ofa/titan_rtx_32', title: 'TITAN RTX, batch 32' },
  { id: 'ofa/titan_rtx_64', title: 'TITAN RTX, batch 64' },
];

export function mine(space: PageSpace): DeviceId {
  return `${space}/mine`;
}

/** The browser that shows the page, as it is measured by it. */
export function browserOf(space: PageSpace): DeviceId {
  return `${space}/browser`;
}

/** Devices of each space by what they are; the user's own first. */
export const kDevicesOf = Object.fromEntries(
  kPageSpaces.map((space) => [
    space,
    {
      own: [mine(space), ...(isBuiltIn(space) ? [browserOf(space)] : [])],
      examples: kExamples.flatMap(({ id }) => (spaceOf(id) === space ? [id] : [])),
      known: knownDevices(space).map((name): DeviceId => `${space}/${name}`),
    },
  ]),
) as unknown as Readonly<Record<PageSpace, Readonly<Record<'own' | 'examples' | 'known', readonly DeviceId[]>>>>;

/** All devices, the user's own of each space first. */
export const kDevices: readonly DeviceId[] = kPageSpaces.flatMap((space) => Object.values(kDevicesOf[space]).flat());

export function spaceOf(device: DeviceId): PageSpace {
  return device.split('/')[0] as PageSpace;
}

/** The name of a device within its space: of the example's files, `mine` or `browser`. */
export function nameOf(device: DeviceId): string {
  return device.slice(device.indexOf('/') + 1);
}

export const kTabs = ['estimates', 'fit', 'devices', 'lookup', 'search', 'measure', 'table'] as const;
export type Tab = (typeof kTabs)[number];
/** What the page is about: networks of a search space, or any network out of a file. */
export type Mode = 'space' | 'model';
export type Theme = 'auto' | 'light' | 'dark';

export type UnitChoice = 'auto' | LatencyUnit;
export const kUnits: readonly UnitChoice[] = ['auto', 'ns', 'us', 'ms', 's', 'uJ', 'mJ', 'J'];

/** A measured architecture the engine accepted. */
export interface Reading {
  /** Its row of the space's table. */
  readonly index: number;
  readonly architecture: string;
  readonly latency_ms: number;
  readonly relative_error?: number;
}

/** What was made of one line of text; `line` counts from 1. */
export interface Mark {
  readonly line: number;
  readonly kind: 'good' | 'note' | 'bad' | 'skipped';
  /** Beside the line: the value as understood. */
  readonly reading: string;
  /** Below the text, for lines that need attention. */
  readonly message?: string;
  readonly fixes: readonly Fix[];
  /** What else can be done about it. */
  readonly remedies?: readonly Remedy[];
  /** The row of the architecture, where it is one. */
  readonly index?: number;
}

/** A button of a mark. */
export interface Remedy {
  readonly label: string;
  readonly action: Action;
}

/** A text as the engine understood it. */
export interface Check {
  /** The text and unit this was made from; a check of an older text says nothing about the present one. */
  readonly text: string;
  readonly unit: UnitChoice;
  readonly marks: readonly Mark[];
  readonly readings: readonly Reading[];
  /** What the text is about; of energies, `latency_ms` is in millijoules. */
  readonly quantity: Quantity;
  /** Where each of the readings stands. */
  readonly lines: readonly CheckedLine[];
  /** On the text as a whole, e.g. the unit that was guessed. */
  readonly notes: readonly { readonly message: string; readonly fixes: readonly Fix[] }[];
}

/** The measurements of one device as the user wrote them. */
export interface Sheet {
  readonly text: string;
  readonly unit: UnitChoice;
  /** Name of the file the text came from; formats such as JSON are told by it. */
  readonly filename?: string;
  /** Readings that count whatever the others say, as `readingKey` names them. */
  readonly trusted?: readonly string[];
  /** Text that a file, a reset or a remedy replaced, kept for one-click undo. */
  readonly replaced?: Pick<Sheet, 'text' | 'unit' | 'filename'>;
  readonly check?: Check;
}

export interface LeaveOneOutResult {
  readonly latency_ms: readonly number[];
  readonly spearman: number;
  readonly mdape: number;
  /** Where each should lie with a probability of 90 %; in closed form only. */
  readonly low?: readonly number[];
  readonly high?: readonly number[];
}

/** Estimates for one device and what is known of their quality. */
export interface Result {
  /** Computed before by the shipped weights, by a transfer here, or by a predictor file. */
  readonly source: 'precomputed' | 'transfer' | 'file';
  readonly method: Method;
  /** Of energies, `latency_ms` and the like are in millijoules. */
  readonly quantity: Quantity;
  /** One per row of the space's table; NaN where not estimated, or shorter. */
  readonly latency_ms: Float64Array;
  /** Likewise: between them the truth lies with a probability of 90 %. In closed form only. */
  readonly low?: Float64Array;
  readonly high?: Float64Array;
  readonly readings: readonly Reading[];
  /** Places of readings that count whatever the others say. */
  readonly trusted: readonly number[];
  readonly nearest?: { readonly device: string; readonly spearman: number };
  readonly leaveOneOut?: LeaveOneOutResult;
  /** In closed form only. */
  readonly review?: Omit<Review, 'left_out'>;
  /** Against measurements that were not among the readings, and how many these are; for the examples only. */
  readonly accuracy?: Accuracy & { readonly count: number };
}

/** What the notebook of an example begins with. */
export interface Notebook {
  readonly text: string;
  /** Where the numbers come from, for the line under the text. */
  readonly origin: string;
  /** Said before the estimates themselves are here, so that these push nothing aside. */
  readonly quality: StatedQuality;
}

/** Of a result, what is said of how good it is. */
export type StatedQuality = Pick<Result, 'quantity' | 'review' | 'leaveOneOut'> & { readonly readings: readonly Pick<Reading, 'latency_ms'>[] };

/** A built-in example as the page's own files hold it. */
export interface Example {
  /** Known without the engine, so that the marks are there at once. */
  readonly check: Check;
  readonly result: Result;
}

/** A file the page fetches: the engine, the weights of a space. */
export type Loading =
  | { readonly status: 'loading'; readonly done: number }
  | { readonly status: 'ready'; readonly closedForm?: boolean }
  | { readonly status: 'failed'; readonly message: string };

/** Long work for a device, as far as it has come. */
export interface Job extends TransferProgress {
  readonly device: DeviceId;
}

export interface Notice {
  readonly kind: 'error' | 'info';
  readonly text: string;
}

export type SortKey = 'index' | 'cell' | 'estimate' | 'interval' | 'measured' | 'error' | 'macs' | 'params' | 'quality';

/** Limits on how many of something an architecture has. */
export interface CountFilter {
  readonly min: number;
  readonly max: number;
}

/** What may stand against latency: multiply-adds, an accuracy, or the user's own numbers. */
export const kQualities = ['macs', 'cifar10', 'cifar100', 'imagenet16', 'own'] as const;
type BuiltInQuality = (typeof kQualities)[number];
/** Of a table of the user's own, a column by its heading. */
export type QualityId = BuiltInQuality | `column:${string}`;

/** Test accuracies of NAS-Bench-201 in percent, by row. */
export type Accuracies = Readonly<Record<Exclude<BuiltInQuality, 'macs' | 'own'>, Float64Array>>;

/** Numbers of the user's by architecture; larger is better. */
export interface OwnQuality {
  readonly filename: string;
  readonly values: ReadonlyMap<string, number>;
}

/** What of a space the user is looking at. */
export interface View {
  /** A row of the table. */
  readonly selected: number;
  /** From the address: an architecture that was selected and is no row yet. */
  readonly wanted?: string;
  readonly sort: { readonly key: SortKey; readonly descending: boolean };
  readonly query: string;
  /** One for each countable of the space. */
  readonly counts: readonly CountFilter[];
  /** Latency limit; the median estimate until the user sets one. */
  readonly budget_ms?: number;
  readonly quality: QualityId;
  /** The device that the shown one is compared with, by its name in the space; the most alike one until the user chooses. */
  readonly other?: string;
  /** Devices whose latencies stand beside those of the shown one; the most alike ones until the user chooses. */
  readonly beside?: readonly string[];
  /** Rows kept to be looked at side by side. */
  readonly kept?: readonly number[];
}

export interface PlanSettings {
  /** `informative`: what the predictor itself would learn most from. */
  readonly sampler: Sampler | 'informative';
  readonly count: number;
  readonly seed: number;
}

/** Which architectures to measure. */
export interface Plan {
  readonly settings: PlanSettings;
  readonly choosing?: boolean;
  /** What was chosen, by which settings. */
  readonly chosen?: { readonly settings: PlanSettings; readonly architectures: readonly string[] };
  /** Share done of a measurement kit under way. */
  readonly packing?: number;
}

export interface Lookup {
  readonly text: string;
  readonly check?: Check;
}

export interface State {
  readonly mode: Mode;
  readonly model: ModelState;
  readonly ownTable: OwnTableState;
  readonly browsers: Readonly<Record<PageSpace, BrowserState>>;
  /** The module. */
  readonly engine: Loading;
  /** The pre-trained predictor of each space; absent until the space is shown. */
  readonly weights: Partial<Record<PageSpace, Loading>>;
  readonly tables: Partial<Record<PageSpace, SpaceTable>>;
  readonly accuracies?: Accuracies;
  readonly own: Partial<Record<PageSpace, OwnQuality>>;
  readonly device: DeviceId;
  /** How to transfer, where the weights leave the choice. */
  readonly method: Method;
  /** What the user calls their device. */
  readonly name: string;
  /** By device; absent until written in. */
  readonly sheets: Readonly<Record<DeviceId, Sheet>>;
  /** What examples' notebooks begin with; there before the examples are. */
  readonly notebooks: Readonly<Record<DeviceId, Notebook>>;
  readonly examples: Readonly<Record<DeviceId, Example>>;
  /** Of examples whose whole space is measured: the latency of every row. They come after the example. */
  readonly truths: Readonly<Record<DeviceId, Float64Array>>;
  readonly results: Readonly<Record<DeviceId, Result>>;
  /** Measurements that no estimates could be made from. */
  readonly unusable?: Check;
  /** What to measure next, where that is known. */
  readonly nexts: Readonly<Record<DeviceId, Next>>;
  /** Estimates of known devices, by shipped row, once they were asked for. */
  readonly known: Readonly<Record<DeviceId, Float64Array>>;
  /** Share done of these; absent while nobody is at it. */
  readonly comparing?: number;
  /** The device pointed at. */
  readonly hoveredDevice?: DeviceId;
  /** Devices whose adapted predictor the engine holds. */
  readonly saved: Readonly<Record<DeviceId, boolean>>;
  readonly job?: Job;
  readonly notice?: Notice;
  /** Whether the page works without a network by now, and whether a newer version waits. */
  readonly offline?: 'kept' | 'newer';
  readonly tab: Tab;
  readonly views: Readonly<Record<PageSpace, View>>;
  readonly hovered?: number;
  readonly lookups: Readonly<Record<PageSpace, Lookup>>;
  readonly plans: Readonly<Record<PageSpace, Plan>>;
  readonly theme: Theme;
}

export type Action =
  | { readonly type: 'engine'; readonly engine: Loading }
  /** It stopped by itself, with everything it held; another one is being started. */
  | { readonly type: 'engine-lost' }
  | { readonly type: 'weights'; readonly space: PageSpace; readonly weights: Loading }
  | { readonly type: 'table'; readonly table: SpaceTable }
  | { readonly type: 'rows'; readonly space: PageSpace; readonly rows: readonly NewRow[] }
  | { readonly type: 'accuracies'; readonly accuracies: Accuracies }
  | { readonly type: 'notebook'; readonly id: DeviceId; readonly notebook: Notebook }
  | { readonly type: 'example'; readonly id: DeviceId; readonly example: Example }
  | { readonly type: 'truth'; readonly id: DeviceId; readonly truth_ms: Float64Array }
  | { readonly type: 'device'; readonly device: DeviceId }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'unit'; readonly unit: UnitChoice }
  | { readonly type: 'fix'; readonly fix: Fix }
  /** Other texts for some lines, which can be undone. */
  | { readonly type: 'rewrite'; readonly lines: readonly { readonly line: number; readonly text: string }[] }
  /** Whether these readings count whatever the others say. */
  | { readonly type: 'trust'; readonly readings: readonly Reading[]; readonly trusted: boolean }
  /** Further lines at the end. */
  | { readonly type: 'append'; readonly architectures: readonly string[] }
  | { readonly type: 'method'; readonly method: Method }
  | { readonly type: 'replace-text'; readonly text: string; readonly filename?: string }
  | { readonly type: 'undo-replace' }
  /** What another tab has written. */
  | { readonly type: 'adopt'; readonly sheet: readonly [DeviceId, Sheet] }
  | { readonly type: 'restore-example' }
  | { readonly type: 'checked'; readonly device: DeviceId; readonly check: Check }
  | { readonly type: 'transfer' }
  | { readonly type: 'cancel' }
  | { readonly type: 'job'; readonly job: Job }
  | { readonly type: 'job-ended' }
  | { readonly type: 'result'; readonly device: DeviceId; readonly result: Result }
  /** Estimates of rows that were added behind the others. */
  | ({ readonly type: 'more-estimates'; readonly device: DeviceId } & Pick<Result, 'latency_ms' | 'low' | 'high'>)
  | { readonly type: 'unusable'; readonly check: Check }
  | { readonly type: 'next'; readonly device: DeviceId; readonly next: Next }
  | { readonly type: 'leave-one-out'; readonly device: DeviceId; readonly leaveOneOut: LeaveOneOutResult }
  | {
      readonly type: 'opened';
      readonly device: DeviceId;
      readonly name: string;
      readonly text: string;
      readonly result: Result;
    }
  | { readonly type: 'open-file'; readonly file: File }
  | { readonly type: 'open-table'; readonly file: File }
  | { readonly type: 'save-predictor' }
  | { readonly type: 'save-estimates'; readonly format: 'csv' | 'npz' }
  | { readonly type: 'save-chart'; readonly spec: FigureSpec; readonly name: string; readonly format: 'png' | 'svg' }
  /** A table as it stands on the page. */
  | { readonly type: 'save-table'; readonly name: string; readonly rows: readonly (readonly Cell[])[] }
  | { readonly type: 'save-lookup' }
  | { readonly type: 'save-front' }
  | { readonly type: 'save-plan' }
  | { readonly type: 'save-kit' }
  /** How far a kit is; without a share, it is done or has failed. */
  | { readonly type: 'packing'; readonly space: PageSpace; readonly done?: number }
  | { readonly type: 'copy'; readonly text: string; readonly what: string }
  | { readonly type: 'notice'; readonly notice?: Notice }
  | { readonly type: 'offline'; readonly offline: NonNullable<State['offline']> }
  | { readonly type: 'take-newer' }
  | { readonly type: 'tab'; readonly tab: Tab }
  | { readonly type: 'select'; readonly index: number }
  | { readonly type: 'hover'; readonly index?: number }
  | { readonly type: 'sort'; readonly key: SortKey }
  | { readonly type: 'query'; readonly query: string }
  | { readonly type: 'count'; readonly which: number; readonly filter: CountFilter }
  | { readonly type: 'clear-filters' }
  | { readonly type: 'budget'; readonly budget_ms: number }
  | { readonly type: 'quality'; readonly quality: QualityId }
  | { readonly type: 'open-quality'; readonly file: File }
  | { readonly type: 'own-quality'; readonly space: PageSpace; readonly own: OwnQuality }
  | { readonly type: 'other'; readonly device: DeviceId }
  | { readonly type: 'hover-device'; readonly device?: DeviceId }
  /** One more device side by side, or one less; `first`: those that stand there until the user has chosen. */
  | { readonly type: 'beside'; readonly device: DeviceId; readonly chosen: boolean; readonly first: readonly DeviceId[] }
  /** Keeps a row, or no longer. */
  | { readonly type: 'keep'; readonly index: number }
  | { readonly type: 'comparing'; readonly done: number }
  | { readonly type: 'known'; readonly latencies: Readonly<Record<DeviceId, Float64Array>> }
  | { readonly type: 'search' }
  | { readonly type: 'lookup'; readonly text: string }
  | { readonly type: 'lookup-checked'; readonly space: PageSpace; readonly check: Check }
  | { readonly type: 'plan-settings'; readonly settings: Partial<PlanSettings> }
  | { readonly type: 'choose' }
  | { readonly type: 'chosen'; readonly space: PageSpace; readonly chosen?: NonNullable<Plan['chosen']> }
  | { readonly type: 'use-plan' }
  | { readonly type: 'theme'; readonly theme: Theme }
  | { readonly type: 'mode'; readonly mode: Mode }
  | { readonly type: 'model'; readonly action: ModelAction }
  | { readonly type: 'own-table'; readonly action: OwnTableAction }
  | { readonly type: 'browser'; readonly space: PageSpace; readonly action: BrowserAction }
  /** What is to be measured in this browser: becomes its text. */
  | { readonly type: 'plan-browser'; readonly space: PageSpace; readonly architectures: readonly string[] }
  /** Chosen besides; they follow what the text plans. */
  | { readonly type: 'plan-more'; readonly device: DeviceId; readonly architectures: readonly string[] }
  /** Written beside the architectures of a planned text; those that have been taken out of it stay out. */
  | { readonly type: 'readings'; readonly device: DeviceId; readonly readings: readonly Measurement[] }
  | { readonly type: 'address'; readonly address: Address };

/** The part of the state that the URL carries: of the model, or of the space that is shown. */
export type Address = ModelPlace | SpacePlace;

export interface ModelPlace {
  readonly mode: 'model';
  readonly model: ModelAddress;
}

export interface SpacePlace {
  readonly mode: 'space';
  readonly device: DeviceId;
  readonly tab: Tab;
  readonly view: View;
}

const kEmptySheet: Sheet = { text: '', unit: 'auto' };

/** The first row, which every example's estimates begin with. */
const kFirstSelected = 0;

/** Before a column is chosen: the first that fits. */
const kFirstColumn = 'column:';

function eachSpace<T>(make: (space: PageSpace) => T): Readonly<Record<PageSpace, T>> {
  return Object.fromEntries(kPageSpaces.map((space) => [space, make(space)])) as unknown as Readonly<Record<PageSpace, T>>;
}

function initialView(space: PageSpace): View {
  return {
    selected: kFirstSelected,
    sort: { key: 'index', descending: false },
    query: '',
    counts: anyCounts(space),
    quality: space === 'nb201' ? 'cifar10' : space === 'table' ? kFirstColumn : 'macs',
  };
}

/** Filters that leave nothing out. */
export function anyCounts(space: PageSpace): readonly CountFilter[] {
  return kSpaces[space].countables.map(({ most }) => ({ min: 0, max: most }));
}

export function initialState(): State {
  return {
    mode: 'space',
    model: initialModelState(),
    ownTable: kNoTable,
    browsers: eachSpace(() => kInitialBrowser),
    engine: { status: 'loading', done: 0 },
    weights: {},
    tables: {},
    own: {},
    device: 'nb201/raspi4',
    method: 'closed-form',
    name: 'my device',
    sheets: {},
    notebooks: {},
    examples: {},
    truths: {},
    results: {},
    nexts: {},
    known: {},
    saved: {},
    tab: 'estimates',
    views: eachSpace(initialView),
    lookups: eachSpace(() => ({ text: '' })),
    plans: eachSpace(() => ({ settings: { sampler: 'informative', count: kUsualReadings, seed: 0 } })),
    theme: 'auto',
  };
}

/** Fewer cannot be transferred from. */
export const kFewestReadings = 3;
/** Fewer cannot be checked by leaving one out: too few would be left. */
export const kFewestToCheck = kFewestReadings + 1;
/** What the accuracy figures stand for. */
export const kUsualReadings = 20;
/** What can be asked for in one plan. */
export const kPlanCounts = { fewest: 5, most: 100 } as const;

/** Whether what is measured of it is the user's. */
export function isOwn(device: DeviceId): boolean {
  return ['mine', 'browser'].includes(nameOf(device));
}

export function isExample(device: DeviceId): boolean {
  return kDevicesOf[spaceOf(device)].examples.includes(device);
}

/** Whether the weights have learned from it. */
export function isKnown(device: DeviceId): boolean {
  return kDevicesOf[spaceOf(device)].known.includes(device);
}

export function deviceTitle(state: State, device: DeviceId = state.device): string {
  if (nameOf(device) === 'browser') return 'this browser';
  if (isOwn(device)) return state.name.trim() || 'my device';
  return kExamples.find((example) => example.id === device)?.title ?? knownTitle(nameOf(device));
}

/** The space that is shown. */
export function spaceId(state: State): PageSpace {
  return spaceOf(state.device);
}

/** Its table, once it has arrived. */
export function tableOf(state: State): SpaceTable | undefined {
  return state.tables[spaceId(state)];
}

/** What of it the user is looking at. */
export function viewOf(state: State): View {
  return state.views[spaceId(state)];
}

export function resultOf(state: State): Result | undefined {
  return state.results[state.device];
}

/** The quality of its result or, until that is here, of the example that it will be of. */
export function qualityOf(state: State): StatedQuality | undefined {
  const notebook = state.notebooks[state.device];
  return resultOf(state) ?? (notebook?.text === sheetOf(state).text ? notebook.quality : undefined);
}

/** The unit of everything shown of the device. */
export function unitOf(state: State): 'ms' | 'mJ' {
  return kBaseUnits[resultOf(state)?.quantity ?? 'latency'];
}

export function sheetOf(state: State, device: DeviceId = state.device): Sheet {
  return state.sheets[device] ?? knownSheet(device) ?? kEmptySheet;
}

const kKnownSheets = new Map<DeviceId, Sheet | undefined>();

/** What the notebook of a known device holds until the user writes in it; always the same object. */
function knownSheet(device: DeviceId): Sheet | undefined {
  if (!kKnownSheets.has(device)) {
    const text = knownText(spaceOf(device), nameOf(device));
    kKnownSheets.set(device, text === undefined ? undefined : { text, unit: 'auto' });
  }
  return kKnownSheets.get(device);
}

/** The text that a device's notebook begins with: of its own that is none. */
export function originalText(state: State, device: DeviceId = state.device): string | undefined {
  return state.notebooks[device]?.text ?? knownSheet(device)?.text;
}

/** The tabs of the space that is shown. */
export function tabsOf(state: State): readonly Tab[] {
  // Devices are compared by what the weights of a space say of them.
  const foreign: Tab = isBuiltIn(spaceId(state)) ? 'table' : 'devices';
  return kTabs.filter((tab) => tab !== foreign);
}

/** The one that is shown. */
export function tabOf(state: State): Tab {
  return tabsOf(state).find((tab) => tab === state.tab) ?? kTabs[0];
}

/** What a transfer waits for, as one: the engine, then the weights of the space that is shown. */
export function readiness(state: State): Loading {
  if (state.engine.status !== 'ready' || state.mode === 'model' || !isBuiltIn(spaceId(state))) return state.engine;
  return state.weights[spaceId(state)] ?? { status: 'loading', done: 0 };
}

/** The check of the present text, not of an older one. */
export function currentCheck(sheet: Sheet): Check | undefined {
  return sheet.check?.text === sheet.text && sheet.check.unit === sheet.unit ? sheet.check : undefined;
}

/** The method that a transfer would use; undefined until it is known whether the weights can be adapted in closed form. */
export function methodOf(state: State): Method | undefined {
  if (!isBuiltIn(spaceId(state))) return 'closed-form';
  const weights = state.weights[spaceId(state)];
  if (state.method === 'finetune') return 'finetune';
  if (weights?.status !== 'ready') return undefined;
  return weights.closedForm ? 'closed-form' : 'finetune';
}

/** One reading among others, whatever line it is on. */
export function readingKey({ architecture, latency_ms }: Reading): string {
  return `${architecture} ${latency_ms}`;
}

/** Places of the readings that the user trusts. */
export function trustedOf(sheet: Sheet): readonly number[] {
  const { trusted = [] } = sheet;
  if (trusted.length === 0) return [];
  return (currentCheck(sheet)?.readings ?? []).flatMap((reading, i) => (trusted.includes(readingKey(reading)) ? [i] : []));
}

/** Whether estimates in closed form are due: they are quick enough to follow every change. */
export function isDue(state: State): boolean {
  const check = currentCheck(sheetOf(state));
  if (methodOf(state) !== 'closed-form' || readiness(state).status !== 'ready' || !check) return false;
  if (check.readings.length < kFewestReadings) return false;
  const result = resultOf(state);
  // What is shown may have been computed beforehand, or by an engine that has stopped.
  return !result || result.source === 'precomputed' || state.saved[state.device] !== true || isStale(state);
}

/** Whether the shown result was made from other measurements than the sheet now holds, or in another way. */
export function isStale(state: State): boolean {
  const result = resultOf(state);
  const sheet = sheetOf(state);
  const check = currentCheck(sheet);
  if (!result || !check) return false;
  const method = methodOf(state);
  const byHand = result.method === 'finetune';
  if (result.source === 'transfer' && method && byHand !== (method === 'finetune')) return true;
  if (!byHand && String(trustedOf(sheet)) !== String(result.trusted)) return true;
  return !isOf(result, check);
}

/** Whether a result was made from the measurements of a text. */
function isOf(result: Result, { readings, quantity }: Check): boolean {
  return (
    result.quantity === quantity &&
    readings.length === result.readings.length &&
    readings.every((reading, i) => {
      const used = result.readings[i];
      return used?.index === reading.index && Math.abs(used.latency_ms - reading.latency_ms) <= 1e-9 * used.latency_ms;
    })
  );
}

/** Whether the shown result is of earlier measurements and stays so: of the present ones none can be made, or none has been asked for. */
export function isOutdated(state: State): boolean {
  const result = resultOf(state);
  const check = currentCheck(sheetOf(state));
  return result !== undefined && check !== undefined && !isOf(result, check) && (!isDue(state) || state.unusable === check);
}

export function isFiltered(state: State): boolean {
  const { query, counts } = viewOf(state);
  return query.trim() !== '' || limits(spaceId(state), counts).length > 0;
}

/** The filters that leave anything out, each with its place among the space's countables. */
export function limits(
  space: PageSpace,
  counts: readonly CountFilter[],
): readonly (CountFilter & { readonly which: number })[] {
  const any = anyCounts(space);
  return counts
    .map((filter, which) => ({ ...filter, which }))
    .filter(({ min, max, which }) => min > (any[which]?.min ?? 0) || max < (any[which]?.max ?? 0));
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'engine':
      return { ...state, engine: action.engine };
    case 'engine-lost': {
      const { check: _, ...ownTable } = state.ownTable;
      return { ...without(state, 'job', 'comparing'), engine: { status: 'loading', done: 0 }, weights: {}, saved: {}, ownTable };
    }
    case 'weights':
      return { ...state, weights: { ...state.weights, [action.space]: action.weights } };
    case 'table':
      return withTable(state, action.table);
    case 'rows': {
      const table = state.tables[action.space];
      return table ? { ...state, tables: { ...state.tables, [action.space]: extendTable(table, action.rows) } } : state;
    }
    case 'accuracies':
      return { ...state, accuracies: action.accuracies };
    case 'notebook':
      return withNotebook(state, action.id, action.notebook);
    case 'example':
      return withExample(state, action.id, action.example);
    case 'truth':
      return { ...state, truths: { ...state.truths, [action.id]: action.truth_ms } };
    case 'device':
      return without({ ...state, device: action.device }, 'notice', 'hovered', 'hoveredDevice');
    case 'name':
      return { ...state, name: action.name };
    case 'text':
      return withSheet(state, { ...sheetOf(state), text: action.text });
    case 'unit':
      return withSheet(state, { ...sheetOf(state), unit: action.unit });
    case 'fix':
      return withSheet(state, applyFix(sheetOf(state), action.fix));
    case 'rewrite':
      return withSheet(state, rewriteLines(sheetOf(state), action.lines));
    case 'trust': {
      const sheet = sheetOf(state);
      const keys = action.readings.map(readingKey);
      const others = (sheet.trusted ?? []).filter((key) => !keys.includes(key));
      return withSheet(state, { ...sheet, trusted: action.trusted ? [...others, ...keys] : others });
    }
    case 'append': {
      const sheet = sheetOf(state);
      const text = sheet.text === '' || sheet.text.endsWith('\n') ? sheet.text : `${sheet.text}\n`;
      const lines = action.architectures.map((architecture) => `${csvField(architecture)},\n`).join('');
      return withSheet(state, { ...sheet, text: text + lines });
    }
    case 'method':
      return { ...state, method: action.method };
    case 'replace-text':
      return withSheet(
        state,
        replaceText(sheetOf(state), {
          text: action.text,
          unit: 'auto',
          ...(action.filename === undefined ? {} : { filename: action.filename }),
        }),
      );
    case 'adopt':
      return { ...state, sheets: { ...state.sheets, ...Object.fromEntries([action.sheet]) } };
    case 'undo-replace': {
      const { replaced, trusted = [] } = sheetOf(state);
      return replaced ? withSheet(state, { ...replaced, trusted }) : state;
    }
    case 'restore-example': {
      const text = originalText(state);
      if (text === undefined) return state;
      const check = state.examples[state.device]?.check;
      return withSheet(state, replaceText(sheetOf(state), { text, unit: 'auto', ...(check ? { check } : {}) }));
    }
    case 'checked': {
      const sheet = { ...sheetOf(state, action.device), check: action.check };
      return { ...state, sheets: { ...state.sheets, [action.device]: sheet } };
    }
    case 'transfer':
    case 'search':
      return without(state, 'notice');
    case 'job':
      return { ...state, job: action.job };
    case 'job-ended':
      return without(state, 'job');
    case 'result':
      return {
        ...withoutNext(state, action.device),
        results: { ...state.results, [action.device]: action.result },
        saved: { ...state.saved, [action.device]: true },
      };
    case 'more-estimates': {
      const result = state.results[action.device];
      if (!result) return state;
      const { low, high } = result;
      const longer = {
        ...result,
        latency_ms: joined(result.latency_ms, action.latency_ms),
        ...(low && action.low ? { low: joined(low, action.low) } : {}),
        ...(high && action.high ? { high: joined(high, action.high) } : {}),
      };
      return { ...state, results: { ...state.results, [action.device]: longer } };
    }
    case 'next':
      return { ...state, nexts: { ...state.nexts, [action.device]: action.next } };
    case 'unusable':
      return { ...state, unusable: action.check };
    case 'leave-one-out': {
      const result = state.results[action.device];
      if (!result) return state;
      const checked = { ...result, leaveOneOut: action.leaveOneOut };
      return { ...state, results: { ...state.results, [action.device]: checked } };
    }
    case 'opened': {
      const sheet = replaceText(sheetOf(state, action.device), { text: action.text, unit: 'auto' });
      return without(
        {
          ...withoutNext(state, action.device),
          mode: 'space',
          device: action.device,
          name: action.name,
          sheets: { ...state.sheets, [action.device]: sheet },
          results: { ...state.results, [action.device]: action.result },
          saved: { ...state.saved, [action.device]: true },
        },
        'hovered',
      );
    }
    case 'notice':
      return action.notice ? { ...state, notice: action.notice } : without(state, 'notice');
    case 'offline':
      return { ...state, offline: action.offline };
    case 'tab':
      return { ...state, tab: action.tab };
    case 'select':
      return withView(withoutWanted(state), { selected: action.index });
    case 'hover':
      return action.index === undefined ? without(state, 'hovered') : { ...state, hovered: action.index };
    case 'sort': {
      const { sort } = viewOf(state);
      const descending = sort.key === action.key && !sort.descending;
      return withView(state, { sort: { key: action.key, descending } });
    }
    case 'query':
      return withView(state, { query: action.query });
    case 'count': {
      const counts = viewOf(state).counts.map((filter, which) => (which === action.which ? action.filter : filter));
      return withView(state, { counts });
    }
    case 'clear-filters':
      return withView(state, { query: '', counts: anyCounts(spaceId(state)) });
    case 'budget':
      return withView(state, { budget_ms: action.budget_ms });
    case 'quality':
      return withView(state, { quality: action.quality });
    case 'other':
      return withView(state, { other: nameOf(action.device) });
    case 'hover-device':
      return action.device === undefined ? without(state, 'hoveredDevice') : { ...state, hoveredDevice: action.device };
    case 'beside': {
      const name = nameOf(action.device);
      const others = (viewOf(state).beside ?? action.first.map(nameOf)).filter((each) => each !== name);
      return withView(state, { beside: action.chosen ? [...others, name] : others });
    }
    case 'keep': {
      const { kept = [] } = viewOf(state);
      const others = kept.filter((index) => index !== action.index);
      return withView(state, { kept: others.length === kept.length ? [...kept, action.index] : others });
    }
    case 'comparing':
      return { ...state, comparing: action.done };
    case 'known':
      return { ...without(state, 'comparing'), known: { ...state.known, ...action.latencies } };
    case 'own-quality': {
      const { space, own } = action;
      const views = { ...state.views, [space]: { ...state.views[space], quality: 'own' as const } };
      return { ...state, own: { ...state.own, [space]: own }, views };
    }
    case 'lookup':
      return withLookup(state, spaceId(state), { ...state.lookups[spaceId(state)], text: action.text });
    case 'lookup-checked':
      return withLookup(state, action.space, { ...state.lookups[action.space], check: action.check });
    case 'plan-settings': {
      const plan = state.plans[spaceId(state)];
      return withPlan(state, spaceId(state), { ...plan, settings: { ...plan.settings, ...action.settings } });
    }
    case 'choose':
      return withPlan(state, spaceId(state), { ...state.plans[spaceId(state)], choosing: true });
    case 'chosen': {
      const { settings, chosen, packing } = { ...state.plans[action.space], ...action };
      return withPlan(state, action.space, { settings, ...(chosen && { chosen }), ...(packing !== undefined && { packing }) });
    }
    case 'packing': {
      const { packing: _, ...plan } = state.plans[action.space];
      return withPlan(state, action.space, { ...plan, ...(action.done !== undefined && { packing: action.done }) });
    }
    case 'use-plan': {
      const { chosen } = state.plans[spaceId(state)];
      return chosen ? withPlannedText(state, mine(spaceId(state)), chosen.architectures) : state;
    }
    case 'own-table': {
      const next = { ...state, ownTable: reduceOwnTable(state.ownTable, action.action) };
      return action.action.type === 'example' ? withTableExample(next, action.action.example) : next;
    }
    case 'browser': {
      const browser = reduceBrowser(state.browsers[action.space], action.action);
      return { ...state, browsers: { ...state.browsers, [action.space]: browser } };
    }
    case 'plan-browser':
      return withPlannedText(state, browserOf(action.space), action.architectures);
    case 'plan-more': {
      const sheet = sheetOf(state, action.device);
      const text = [sheet.text.replace(/\n*$/, ''), ...action.architectures.map(planLine), ''].join('\n');
      return { ...state, sheets: { ...state.sheets, [action.device]: { ...sheet, text } } };
    }
    case 'readings': {
      const sheet = sheetOf(state, action.device);
      const text = withReadings(sheet.text, action.readings);
      return { ...state, sheets: { ...state.sheets, [action.device]: { ...sheet, text } } };
    }
    case 'theme':
      return { ...state, theme: action.theme };
    case 'mode':
      return without({ ...state, mode: action.mode }, 'notice', 'hovered');
    case 'model':
      return { ...state, model: reduceModel(state.model, action.action) };
    case 'address': {
      if (action.address.mode === 'model') {
        const model = reduceModel(state.model, { type: 'address', address: action.address.model });
        return { ...without(state, 'hovered'), mode: 'model', model };
      }
      const { mode, device, tab, view } = action.address;
      return { ...without(state, 'hovered'), mode, device, tab, views: { ...state.views, [spaceOf(device)]: view } };
    }
    // What these ask for happens outside the state; its outcome comes back as another action.
    case 'cancel':
    case 'take-newer':
    case 'open-file':
    case 'open-table':
    case 'open-quality':
    case 'save-predictor':
    case 'save-estimates':
    case 'save-chart':
    case 'save-table':
    case 'save-lookup':
    case 'save-front':
    case 'save-plan':
    case 'save-kit':
    case 'copy':
      return state;
  }
}

/** A list of architectures as a file whose second column is to be filled in; the notebook reads it back. */
export function planText(architectures: readonly string[]): string {
  return ['arch,latency_ms', ...architectures.map(planLine), ''].join('\n');
}

function planLine(architecture: string): string {
  return `${csvField(architecture)},`;
}

/** Significant digits of a latency in a planned text. */
const kDigits = 5;
const kErrorDigits = 2;

function withReadings(text: string, readings: readonly Measurement[]): string {
  const known = new Map(readings.map((reading) => [reading.architecture, reading]));
  const lines = text.split('\n').map((line) => {
    const reading = known.get(line.slice(0, line.indexOf(',')));
    if (!reading) return line;
    const { architecture, latency_ms, relative_error = 0 } = reading;
    const error = errorText(Number(relative_error.toPrecision(kErrorDigits)));
    return `${architecture},${Number(latency_ms.toPrecision(kDigits))}${error}`;
  });
  return lines.join('\n');
}

/** Shows a device whose text is a list of architectures to measure. */
function withPlannedText(state: State, device: DeviceId, architectures: readonly string[]): State {
  const sheet = replaceText(sheetOf(state, device), { text: planText(architectures), unit: 'auto' });
  return without({ ...state, device, sheets: { ...state.sheets, [device]: sheet } }, 'notice', 'hovered');
}

/** The worked example: its measurements in the notebook. */
function withTableExample(state: State, { measurements }: TableExample): State {
  const device = mine('table');
  const sheet = replaceText(sheetOf(state, device), { text: measurements, unit: 'auto' });
  return without({ ...state, tab: 'estimates', sheets: { ...state.sheets, [device]: sheet } }, 'notice');
}

function withTable(state: State, table: SpaceTable): State {
  const next = { ...state, tables: { ...state.tables, [table.space]: table } };
  return isBuiltIn(table.space) ? next : forgetting(next, table.space);
}

/** Rows of another table are others, so that nothing said of the earlier ones holds; what the user wrote stays. */
function forgetting(state: State, space: PageSpace): State {
  const device = mine(space);
  const { [device]: _result, ...results } = state.results;
  const { [device]: _saved, ...saved } = state.saved;
  const { check: _check, ...sheet } = sheetOf(state, device);
  const { chosen: _chosen, ...plan } = state.plans[space];
  return without(
    {
      ...withoutNext(state, device),
      results,
      saved,
      sheets: { ...state.sheets, [device]: sheet },
      lookups: { ...state.lookups, [space]: { text: state.lookups[space].text } },
      plans: { ...state.plans, [space]: plan },
      views: { ...state.views, [space]: { ...state.views[space], selected: kFirstSelected } },
    },
    'hovered',
  );
}

function without<K extends keyof State>(state: State, ...keys: K[]): State {
  const copy: Partial<State> = { ...state };
  for (const key of keys) delete copy[key];
  return copy as State;
}

function withoutNext(state: State, device: DeviceId): State {
  const { [device]: _, ...nexts } = state.nexts;
  return { ...state, nexts };
}

function withView(state: State, change: Partial<View>): State {
  return { ...state, views: { ...state.views, [spaceId(state)]: { ...viewOf(state), ...change } } };
}

function withoutWanted(state: State): State {
  const { wanted: _, ...view } = viewOf(state);
  return { ...state, views: { ...state.views, [spaceId(state)]: view } };
}

function withLookup(state: State, space: PageSpace, lookup: Lookup): State {
  return { ...state, lookups: { ...state.lookups, [space]: lookup } };
}

function withPlan(state: State, space: PageSpace, plan: Plan): State {
  return { ...state, plans: { ...state.plans, [space]: plan } };
}

function withSheet(state: State, sheet: Sheet): State {
  return { ...state, sheets: { ...state.sheets, [state.device]: sheet } };
}

function replaceText(sheet: Sheet, next: Omit<Sheet, 'replaced'>): Sheet {
  if (sheet.text.trim() === '' || sheet.text === next.text) return next;
  const replaced = {
    text: sheet.text,
    unit: sheet.unit,
    ...(sheet.filename === undefined ? {} : { filename: sheet.filename }),
  };
  return { ...next, replaced };
}

function rewriteLines(sheet: Sheet, changes: readonly { readonly line: number; readonly text: string }[]): Sheet {
  const lines = sheet.text.split('\n');
  for (const { line, text } of changes) lines[line - 1] = text;
  const { check: _, ...rest } = sheet;
  return replaceText(sheet, { ...rest, text: lines.join('\n') });
}

function applyFix(sheet: Sheet, fix: Fix): Sheet {
  if ('unit' in fix) return { ...sheet, unit: fix.unit };
  const lines = sheet.text.split('\n');
  lines[fix.line - 1] = fix.text;
  return { ...sheet, text: lines.join('\n') };
}

function withNotebook(state: State, id: DeviceId, notebook: Notebook): State {
  // A draft of the user's, kept from an earlier visit, stays; the example only fills an untouched sheet.
  const untouched = sheetOf(state, id).text === '';
  return {
    ...state,
    notebooks: { ...state.notebooks, [id]: notebook },
    sheets: untouched ? { ...state.sheets, [id]: { text: notebook.text, unit: 'auto' } } : state.sheets,
  };
}

function withExample(state: State, id: DeviceId, example: Example): State {
  const sheet = sheetOf(state, id);
  const untouched = sheet.text === example.check.text && sheet.unit === 'auto' && !currentCheck(sheet);
  return {
    ...state,
    examples: { ...state.examples, [id]: example },
    sheets: untouched ? { ...state.sheets, [id]: { ...sheet, check: example.check } } : state.sheets,
    results: state.results[id] ? state.results : { ...state.results, [id]: example.result },
  };
}

const kSortKeys: readonly SortKey[] = ['index', 'cell', 'estimate', 'interval', 'measured', 'error', 'macs', 'params', 'quality'];

/** The shareable part of the state as a URL fragment without `#`; only what differs from the beginning. */
export function writeAddress(state: State): string {
  const start = initialState();
  const space = spaceId(state);
  const { selected, wanted, sort, query, counts, budget_ms, quality, other, beside, kept = [] } = viewOf(state);
  const first = start.views[space];
  const params = new URLSearchParams();
  if (state.mode === 'model') {
    params.set('mode', 'model');
    writeModelAddress(state.model, params);
    return params.toString();
  }
  if (space !== spaceId(start)) params.set('space', space);
  if (state.device !== firstDevice(space)) params.set('device', nameOf(state.device));
  if (state.tab !== start.tab) params.set('tab', state.tab);
  const table = state.tables[space];
  // Rows that were added are others the next time.
  const added = wanted ?? (table && selected >= table.shipped ? table.architectures[selected] : undefined);
  if (added !== undefined) params.set('arch', added);
  else if (selected !== first.selected) params.set('cell', String(selected));
  if (sort.key !== first.sort.key || sort.descending) params.set('sort', (sort.descending ? '-' : '') + sort.key);
  if (query !== '') params.set('find', query);
  if (limits(space, counts).length > 0) {
    params.set('ops', counts.map((filter) => `${filter.min}-${filter.max}`).join('.'));
  }
  if (budget_ms !== undefined) params.set('under', String(budget_ms));
  if (quality !== first.quality) params.set('against', quality);
  if (other !== undefined) params.set('with', other);
  if (beside !== undefined) params.set('beside', beside.join('.'));
  // Rows that were added are others the next time.
  const lasting = kept.filter((index) => !table || index < table.shipped);
  if (lasting.length > 0) params.set('kept', lasting.join('.'));
  return params.toString();
}

/** What a space is first shown with: its first example. */
export function firstDevice(space: PageSpace): DeviceId {
  return kExamples.find(({ id }) => spaceOf(id) === space)?.id ?? mine(space);
}

/** The inverse; whatever a fragment says that is not understood is left out. */
export function readAddress(fragment: string): Address {
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  if (params.get('mode') === 'model') return { mode: 'model', model: readModelAddress(params) };
  const start = initialState();
  const space = kPageSpaces.find((id) => id === params.get('space')) ?? spaceId(start);
  const first = start.views[space];
  const device = kDevices.find((id) => id === `${space}/${params.get('device')}`) ?? firstDevice(space);
  const tab = kTabs.find((id) => id === params.get('tab')) ?? start.tab;
  const row = Number(params.get('cell') ?? Number.NaN);
  const wanted = params.get('arch');
  const sortText = params.get('sort') ?? '';
  const key = kSortKeys.find((name) => name === sortText.replace(/^-/, ''));
  const any = anyCounts(space);
  const counts = (params.get('ops') ?? '').split('.').flatMap((pair, which): CountFilter[] => {
    const match = /^(\d+)-(\d+)$/.exec(pair);
    const filter = { min: Number(match?.[1]), max: Number(match?.[2]) };
    return match && filter.min <= (any[which]?.max ?? 0) && filter.max <= (any[which]?.max ?? 0) ? [filter] : [];
  });
  const budget_ms = Number(params.get('under') ?? Number.NaN);
  const named = (text: string | null): string[] => (text ?? '').split('.').filter((name) => kDevices.includes(`${space}/${name}`));
  const [other] = named(params.get('with'));
  const kept = (params.get('kept') ?? '').split('.').filter((text) => /^\d{1,7}$/.test(text)).map(Number);
  return {
    mode: 'space',
    device,
    tab,
    view: {
      selected: Number.isSafeInteger(row) && row >= 0 ? row : first.selected,
      ...(wanted ? { wanted } : {}),
      sort: key ? { key, descending: sortText.startsWith('-') } : first.sort,
      query: params.get('find') ?? '',
      counts: counts.length === any.length ? counts : any,
      ...(Number.isFinite(budget_ms) && budget_ms > 0 ? { budget_ms } : {}),
      quality: against(space, params.get('against') ?? '') ?? first.quality,
      ...(other === undefined ? {} : { other }),
      ...(params.has('beside') ? { beside: named(params.get('beside')) } : {}),
      ...(kept.length > 0 ? { kept } : {}),
    },
  };
}

function against(space: PageSpace, text: string): QualityId | undefined {
  if (!isBuiltIn(space) && text.startsWith(kColumn)) return `column:${text.slice(kColumn.length)}`;
  return kQualities.find((id) => id === text && canShow(space, id));
}

const kColumn = 'column:';

/** Accuracies are known of NAS-Bench-201 only, and multiply-adds not of a table. */
export function canShow(space: PageSpace, quality: QualityId): boolean {
  if (!isBuiltIn(space)) return quality === 'own' || quality.startsWith(kColumn);
  return space === 'nb201' || quality === 'macs' || quality === 'own';
}
