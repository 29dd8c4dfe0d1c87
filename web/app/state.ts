/** Everything the page shows, as one value; `reduce` is the only way it changes. No DOM, no engine, no time. */

import type { Accuracy, Fix, LatencyUnit, TransferProgress } from '../api/index.js';
import { kCells, type SpaceTable } from './space.js';

export const kExamples = [
  { id: 'raspi4', title: 'Raspberry Pi 4' },
  { id: 'gold_6226', title: 'Xeon Gold 6226' },
  { id: 'eyeriss', title: 'Eyeriss accelerator' },
] as const;

export type ExampleId = (typeof kExamples)[number]['id'];
export type DeviceId = ExampleId | 'mine';
export const kDevices: readonly DeviceId[] = ['mine', ...kExamples.map((example) => example.id)];

export const kTabs = ['estimates', 'fit', 'lookup'] as const;
export type Tab = (typeof kTabs)[number];
export type Theme = 'auto' | 'light' | 'dark';

export type UnitChoice = 'auto' | LatencyUnit;
export const kUnits: readonly UnitChoice[] = ['auto', 'ns', 'us', 'ms', 's'];

/** A measured architecture the engine accepted. */
export interface Reading {
  readonly index: number;
  readonly architecture: string;
  readonly latency_ms: number;
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
  /** The architecture's official index, where it has one. */
  readonly index?: number;
}

/** A text as the engine understood it. */
export interface Check {
  /** The text and unit this was made from; a check of an older text says nothing about the present one. */
  readonly text: string;
  readonly unit: UnitChoice;
  readonly marks: readonly Mark[];
  readonly readings: readonly Reading[];
  /** On the text as a whole, e.g. the unit that was guessed. */
  readonly notes: readonly { readonly message: string; readonly fixes: readonly Fix[] }[];
}

/** The measurements of one device as the user wrote them. */
export interface Sheet {
  readonly text: string;
  readonly unit: UnitChoice;
  /** Name of the file the text came from; formats such as JSON are told by it. */
  readonly filename?: string;
  /** Text that a file or a reset replaced, kept for one-click undo. */
  readonly replaced?: Pick<Sheet, 'text' | 'unit' | 'filename'>;
  readonly check?: Check;
}

export interface LeaveOneOutResult {
  readonly latency_ms: readonly number[];
  readonly spearman: number;
  readonly mdape: number;
}

/** Estimates for one device and what is known of their quality. */
export interface Result {
  /** Computed before by the shipped weights, by a transfer here, or by a predictor file. */
  readonly source: 'precomputed' | 'transfer' | 'file';
  /** One per architecture, official order. */
  readonly latency_ms: Float64Array;
  readonly readings: readonly Reading[];
  readonly nearest?: { readonly device: string; readonly spearman: number };
  readonly leaveOneOut?: LeaveOneOutResult;
  /** Against all architectures that were not among the readings; for the examples only. */
  readonly accuracy?: Accuracy;
}

/** A built-in example as the page's own files hold it. */
export interface Example {
  readonly text: string;
  /** Known without the engine, so that the marks are there at once. */
  readonly check: Check;
  /** Where the numbers come from, for the line under the text. */
  readonly origin: string;
  readonly truth_ms: Float64Array;
  readonly result: Result;
}

export type EngineState =
  | { readonly status: 'loading'; readonly done: number }
  | { readonly status: 'ready' }
  | { readonly status: 'failed'; readonly message: string };

/** Long work for a device, as far as it has come. */
export interface Job extends TransferProgress {
  readonly device: DeviceId;
}

export interface Notice {
  readonly kind: 'error' | 'info';
  readonly text: string;
}

export type SortKey = 'index' | 'cell' | 'estimate' | 'measured' | 'error' | 'macs' | 'params';

/** Limits on how many of the six edges carry an operation. */
export interface CountFilter {
  readonly min: number;
  readonly max: number;
}

export const kAnyCount: CountFilter = { min: 0, max: 6 };

export interface State {
  readonly engine: EngineState;
  readonly space?: SpaceTable;
  readonly device: DeviceId;
  /** What the user calls their device. */
  readonly name: string;
  readonly sheets: Readonly<Record<DeviceId, Sheet>>;
  readonly examples: Readonly<Partial<Record<ExampleId, Example>>>;
  readonly results: Readonly<Partial<Record<DeviceId, Result>>>;
  /** Devices whose transferred predictor the engine holds and can save. */
  readonly saved: Readonly<Partial<Record<DeviceId, true>>>;
  readonly job?: Job;
  readonly notice?: Notice;
  readonly tab: Tab;
  readonly selected: number;
  readonly hovered?: number;
  readonly sort: { readonly key: SortKey; readonly descending: boolean };
  readonly query: string;
  /** By operation digit. */
  readonly counts: readonly CountFilter[];
  /** Latency limit in ms; undefined until the user sets one, then the median is shown. */
  readonly budget_ms?: number;
  readonly lookup: { readonly text: string; readonly check?: Check };
  readonly theme: Theme;
}

export type Action =
  | { readonly type: 'engine'; readonly engine: EngineState }
  | { readonly type: 'space'; readonly space: SpaceTable }
  | { readonly type: 'example'; readonly id: ExampleId; readonly example: Example }
  | { readonly type: 'device'; readonly device: DeviceId }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'unit'; readonly unit: UnitChoice }
  | { readonly type: 'fix'; readonly fix: Fix }
  | { readonly type: 'replace-text'; readonly text: string; readonly filename?: string }
  | { readonly type: 'undo-replace' }
  | { readonly type: 'restore-example' }
  | { readonly type: 'checked'; readonly device: DeviceId; readonly check: Check }
  | { readonly type: 'transfer' }
  | { readonly type: 'cancel' }
  | { readonly type: 'job'; readonly job: Job }
  | { readonly type: 'job-ended' }
  | { readonly type: 'result'; readonly device: DeviceId; readonly result: Result }
  | { readonly type: 'leave-one-out'; readonly device: DeviceId; readonly leaveOneOut: LeaveOneOutResult }
  | { readonly type: 'opened'; readonly name: string; readonly text: string; readonly result: Result }
  | { readonly type: 'open-file'; readonly file: File }
  | { readonly type: 'save-predictor' }
  | { readonly type: 'save-estimates' }
  | { readonly type: 'save-lookup' }
  | { readonly type: 'copy'; readonly text: string; readonly what: string }
  | { readonly type: 'notice'; readonly notice?: Notice }
  | { readonly type: 'tab'; readonly tab: Tab }
  | { readonly type: 'select'; readonly index: number }
  | { readonly type: 'hover'; readonly index?: number }
  | { readonly type: 'sort'; readonly key: SortKey }
  | { readonly type: 'query'; readonly query: string }
  | { readonly type: 'count'; readonly operation: number; readonly filter: CountFilter }
  | { readonly type: 'clear-filters' }
  | { readonly type: 'budget'; readonly budget_ms: number }
  | { readonly type: 'lookup'; readonly text: string }
  | { readonly type: 'lookup-checked'; readonly check: Check }
  | { readonly type: 'theme'; readonly theme: Theme }
  | { readonly type: 'address'; readonly address: Address };

/** The part of the state that the URL carries. */
export type Address = Pick<State, 'device' | 'tab' | 'selected' | 'sort' | 'query' | 'counts'> & {
  readonly budget_ms: number | undefined;
};

const kEmptySheet: Sheet = { text: '', unit: 'auto' };
const kAnyCounts: readonly CountFilter[] = [kAnyCount, kAnyCount, kAnyCount, kAnyCount, kAnyCount];

/** `421211`, the cell all examples begin with. */
const kFirstSelected = 0;

export function initialState(): State {
  return {
    engine: { status: 'loading', done: 0 },
    device: 'raspi4',
    name: 'my device',
    sheets: { mine: kEmptySheet, raspi4: kEmptySheet, gold_6226: kEmptySheet, eyeriss: kEmptySheet },
    examples: {},
    results: {},
    saved: {},
    tab: 'estimates',
    selected: kFirstSelected,
    sort: { key: 'index', descending: false },
    query: '',
    counts: kAnyCounts,
    lookup: { text: '' },
    theme: 'auto',
  };
}

/** Fewer cannot be transferred from. */
export const kFewestReadings = 3;
/** Fewer cannot be checked by leaving one out: too few would be left. */
export const kFewestToCheck = kFewestReadings + 1;
/** What the accuracy figures stand for. */
export const kUsualReadings = 20;

export function isExample(device: DeviceId): device is ExampleId {
  return device !== 'mine';
}

export function deviceTitle(state: State, device: DeviceId = state.device): string {
  if (device === 'mine') return state.name.trim() || 'my device';
  return kExamples.find((example) => example.id === device)?.title ?? device;
}

/** The check of the present text, not of an older one. */
export function currentCheck(sheet: Sheet): Check | undefined {
  return sheet.check?.text === sheet.text && sheet.check.unit === sheet.unit ? sheet.check : undefined;
}

/** Whether the shown result was made from other measurements than the sheet now holds. */
export function isStale(state: State): boolean {
  const result = state.results[state.device];
  const check = currentCheck(state.sheets[state.device]);
  if (!result || !check) return false;
  const same =
    check.readings.length === result.readings.length &&
    check.readings.every((reading, i) => {
      const used = result.readings[i];
      return used?.index === reading.index && Math.abs(used.latency_ms - reading.latency_ms) <= 1e-9 * used.latency_ms;
    });
  return !same;
}

export function isFiltered(state: State): boolean {
  return state.query.trim() !== '' || state.counts.some(isLimit);
}

/** Whether a filter leaves anything out. */
export function isLimit(filter: CountFilter): boolean {
  return filter.min > kAnyCount.min || filter.max < kAnyCount.max;
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'engine':
      return { ...state, engine: action.engine };
    case 'space':
      return { ...state, space: action.space };
    case 'example':
      return withExample(state, action.id, action.example);
    case 'device':
      return without({ ...state, device: action.device }, 'notice', 'hovered');
    case 'name':
      return { ...state, name: action.name };
    case 'text':
      return withSheet(state, { ...state.sheets[state.device], text: action.text });
    case 'unit':
      return withSheet(state, { ...state.sheets[state.device], unit: action.unit });
    case 'fix':
      return withSheet(state, applyFix(state.sheets[state.device], action.fix));
    case 'replace-text':
      return withSheet(
        state,
        replaceText(state.sheets[state.device], {
          text: action.text,
          unit: 'auto',
          ...(action.filename === undefined ? {} : { filename: action.filename }),
        }),
      );
    case 'undo-replace': {
      const { replaced } = state.sheets[state.device];
      return replaced ? withSheet(state, replaced) : state;
    }
    case 'restore-example': {
      const example = isExample(state.device) ? state.examples[state.device] : undefined;
      if (!example) return state;
      return withSheet(
        state,
        replaceText(state.sheets[state.device], { text: example.text, unit: 'auto', check: example.check }),
      );
    }
    case 'checked': {
      const sheet = { ...state.sheets[action.device], check: action.check };
      return { ...state, sheets: { ...state.sheets, [action.device]: sheet } };
    }
    case 'transfer':
      return without(state, 'notice');
    case 'job':
      return { ...state, job: action.job };
    case 'job-ended':
      return without(state, 'job');
    case 'result':
      return {
        ...state,
        results: { ...state.results, [action.device]: action.result },
        saved: { ...state.saved, [action.device]: true },
      };
    case 'leave-one-out': {
      const result = state.results[action.device];
      if (!result) return state;
      const checked = { ...result, leaveOneOut: action.leaveOneOut };
      return { ...state, results: { ...state.results, [action.device]: checked } };
    }
    case 'opened': {
      const sheet = replaceText(state.sheets.mine, { text: action.text, unit: 'auto' });
      return {
        ...state,
        device: 'mine',
        name: action.name,
        sheets: { ...state.sheets, mine: sheet },
        results: { ...state.results, mine: action.result },
        saved: { ...state.saved, mine: true },
      };
    }
    case 'notice':
      return action.notice ? { ...state, notice: action.notice } : without(state, 'notice');
    case 'tab':
      return { ...state, tab: action.tab };
    case 'select':
      return { ...state, selected: action.index };
    case 'hover':
      return action.index === undefined ? without(state, 'hovered') : { ...state, hovered: action.index };
    case 'sort': {
      const descending = state.sort.key === action.key && !state.sort.descending;
      return { ...state, sort: { key: action.key, descending } };
    }
    case 'query':
      return { ...state, query: action.query };
    case 'count': {
      const counts = state.counts.map((filter, op) => (op === action.operation ? action.filter : filter));
      return { ...state, counts };
    }
    case 'clear-filters':
      return { ...state, query: '', counts: kAnyCounts };
    case 'budget':
      return { ...state, budget_ms: action.budget_ms };
    case 'lookup':
      return { ...state, lookup: { ...state.lookup, text: action.text } };
    case 'lookup-checked':
      return { ...state, lookup: { ...state.lookup, check: action.check } };
    case 'theme':
      return { ...state, theme: action.theme };
    case 'address': {
      const { budget_ms, ...rest } = action.address;
      const next = { ...without(state, 'budget_ms'), ...rest };
      return budget_ms === undefined ? next : { ...next, budget_ms };
    }
    // What these ask for happens outside the state; its outcome comes back as another action.
    case 'cancel':
    case 'open-file':
    case 'save-predictor':
    case 'save-estimates':
    case 'save-lookup':
    case 'copy':
      return state;
  }
}

function without<K extends keyof State>(state: State, ...keys: K[]): State {
  const copy: Partial<State> = { ...state };
  for (const key of keys) delete copy[key];
  return copy as State;
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

function applyFix(sheet: Sheet, fix: Fix): Sheet {
  if ('unit' in fix) return { ...sheet, unit: fix.unit };
  const lines = sheet.text.split('\n');
  lines[fix.line - 1] = fix.text;
  return { ...sheet, text: lines.join('\n') };
}

function withExample(state: State, id: ExampleId, example: Example): State {
  const sheet = state.sheets[id];
  // A draft of the user's, kept from an earlier visit, stays; the example only fills an untouched sheet.
  const untouched = sheet.text === '';
  return {
    ...state,
    examples: { ...state.examples, [id]: example },
    sheets: untouched
      ? { ...state.sheets, [id]: { text: example.text, unit: 'auto', check: example.check } }
      : state.sheets,
    results: state.results[id] ? state.results : { ...state.results, [id]: example.result },
  };
}

const kSortKeys: readonly SortKey[] = ['index', 'cell', 'estimate', 'measured', 'error', 'macs', 'params'];

/** The shareable part of the state as a URL fragment without `#`; only what differs from the beginning. */
export function writeAddress(state: State): string {
  const start = initialState();
  const params = new URLSearchParams();
  if (state.device !== start.device) params.set('device', state.device);
  if (state.tab !== start.tab) params.set('tab', state.tab);
  if (state.selected !== start.selected) params.set('cell', String(state.selected));
  if (state.sort.key !== start.sort.key || state.sort.descending) {
    params.set('sort', (state.sort.descending ? '-' : '') + state.sort.key);
  }
  if (state.query !== '') params.set('find', state.query);
  if (state.counts.some(isLimit)) {
    params.set('ops', state.counts.map((filter) => `${filter.min}${filter.max}`).join('.'));
  }
  if (state.budget_ms !== undefined) params.set('under', String(state.budget_ms));
  return params.toString();
}

/** The inverse; whatever a fragment says that is not understood is left out. */
export function readAddress(fragment: string): Address {
  const params = new URLSearchParams(fragment.replace(/^#/, ''));
  const start = initialState();
  const device = kDevices.find((id) => id === params.get('device')) ?? start.device;
  const tab = kTabs.find((id) => id === params.get('tab')) ?? start.tab;
  const cell = Number(params.get('cell') ?? Number.NaN);
  const sortText = params.get('sort') ?? '';
  const key = kSortKeys.find((name) => name === sortText.replace(/^-/, ''));
  const counts = (params.get('ops') ?? '').split('.').map((pair): CountFilter | undefined => {
    const match = /^([0-6])([0-6])$/.exec(pair);
    return match ? { min: Number(match[1]), max: Number(match[2]) } : undefined;
  });
  const known = counts.filter((filter) => filter !== undefined);
  const budget_ms = Number(params.get('under') ?? Number.NaN);
  return {
    device,
    tab,
    selected: Number.isInteger(cell) && cell >= 0 && cell < kCells ? cell : start.selected,
    sort: key ? { key, descending: sortText.startsWith('-') } : start.sort,
    query: params.get('find') ?? '',
    counts: known.length === kAnyCounts.length ? known : kAnyCounts,
    budget_ms: Number.isFinite(budget_ms) && budget_ms > 0 ? budget_ms : undefined,
  };
}
