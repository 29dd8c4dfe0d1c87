/** The mode "Any model" as one value; `reduceModel` is the only way it changes. No DOM, no engine, no time. */

import type {
  AdaptOptions,
  Decomposition,
  KernelEstimate,
  KnownModel,
  KnownPlatform,
  ModelEstimate,
  ModelInfo,
  PlatformReview,
  PoolEntry,
  RuntimeFamily,
  Similarity,
  StatedInput,
  Timed,
} from '../../api/index.js';
import type { Run } from '../measure/run.js';
import { kInitialBrowser, reduceBrowser, type BrowserAction, type BrowserState } from '../measure/state.js';
import type { Mark } from '../state.js';
import type { KernelReading } from './kernel-reading.js';

/** Networks that the page knows by name, in the order in which they are offered. */
export const kNetworks = {
  mobilenet_v2: 'MobileNetV2',
  mobilenet_v3: 'MobileNetV3 large',
  mobilenet: 'MobileNet',
  mnasnet: 'MnasNet',
  proxylessnasnet: 'ProxylessNAS',
  efficientnet_b0: 'EfficientNet-B0',
  efficientnetv2_b0: 'EfficientNetV2-B0',
  regnety_400m: 'RegNetY-400M',
  shufflenet: 'ShuffleNet',
  shufflenet_v2: 'ShuffleNetV2',
  squeezenet: 'SqueezeNet',
  resnet18: 'ResNet-18',
  resnet50: 'ResNet-50',
  googlenet: 'GoogLeNet',
  alexnet: 'AlexNet',
  vgg16: 'VGG-16',
  vision_transformer: 'Vision Transformer',
  blazeface: 'BlazeFace',
  nanodet_m: 'NanoDet-m',
  FastestDet: 'FastestDet',
  'yolo-fastest-1.1': 'Yolo-Fastest 1.1',
  'yolo-fastestv2': 'Yolo-FastestV2',
  'yolov4-tiny': 'YOLOv4-tiny',
  mobilenet_yolo: 'MobileNet-YOLO',
  mobilenetv2_yolov3: 'MobileNetV2-YOLOv3',
  mobilenet_ssd: 'MobileNet-SSD',
  squeezenet_ssd: 'SqueezeNet-SSD',
  mobilenet_int8: 'MobileNet, int8',
  squeezenet_int8: 'SqueezeNet, int8',
  resnet18_int8: 'ResNet-18, int8',
  resnet50_int8: 'ResNet-50, int8',
  googlenet_int8: 'GoogLeNet, int8',
  vgg16_int8: 'VGG-16, int8',
  mobilenet_ssd_int8: 'MobileNet-SSD, int8',
  squeezenet_ssd_int8: 'SqueezeNet-SSD, int8',
} as const;
export type NetworkId = keyof typeof kNetworks;
export const kNetworkIds = Object.keys(kNetworks) as readonly NetworkId[];

/** The order of the kernels. */
export const kOrders = ['graph', 'cost'] as const;
export type Order = (typeof kOrders)[number];

/** What a kernel's bar stands for; milliseconds where there is a platform that says. */
export const kWorks = ['ms', 'macs', 'bytes'] as const;
export type Work = (typeof kWorks)[number];

/** A model that is being read, or could not be. */
export type Opening =
  | { readonly status: 'reading'; readonly name: string }
  | { readonly status: 'failed'; readonly name: string; readonly message: string };

/** A model's file, and what was read from it. */
export interface Opened {
  /** Of the file, or the network's title. */
  readonly name: string;
  /** Where the page knows it by name; such a one can be linked to. */
  readonly network?: NetworkId;
  /** Of the file. */
  readonly bytes?: number;
  readonly stated: readonly StatedInput[];
  /** As written by the user or assumed, by input: `1x3x224x224`. */
  readonly shapes: Readonly<Record<string, string>>;
  /** With these shapes, where it could be read. */
  readonly info?: ModelInfo;
  /** As the chosen family executes it. */
  readonly kernels?: Decomposition;
}

/** What is known of platforms, as far as it has arrived. */
export type FleetLoading =
  /** Of some it is known beforehand what they are. */
  | { readonly status: 'loading'; readonly platforms: readonly KnownPlatform[] }
  | {
      readonly status: 'ready';
      readonly platforms: readonly KnownPlatform[];
      readonly models: readonly KnownModel[];
      readonly processors: readonly string[];
    }
  | { readonly status: 'failed'; readonly message: string };

/** Platforms whose kernels were timed one by one, as far as it has arrived which there are. */
export type PoolLoading =
  | { readonly status: 'loading' }
  | { readonly status: 'ready'; readonly platforms: readonly PoolEntry[] }
  | { readonly status: 'failed'; readonly message: string };

/** A platform that can be chosen: known by whole models, or by its kernels. */
export type AnyPlatform = KnownPlatform | PoolEntry;

export function isOfPool(platform: AnyPlatform): platform is PoolEntry {
  return 'timings' in platform;
}

/** In place of a platform's id: the user's own, adapted to measurements. */
export const kMine = 'mine';

/** Likewise: this browser, by kernels that were timed in it. */
export const kThisBrowser = 'browser';

/** Which fusions its runtime makes. */
export const kBrowserFamily = 'onnxruntime';
/** Where kernels were timed inside networks: what a runtime fuses more takes next to nothing there. */
const kInsideFamily = 'tflite';

export const kKernelSpace = 'kernels';
export type KernelRun = Run<typeof kKernelSpace>;
export type KernelBrowserAction = BrowserAction<KernelRun>;

/** A measured model that was recognised. */
export interface ModelReading {
  readonly line: number;
  /** As the text calls it. */
  readonly text: string;
  readonly model: ModelName;
  readonly latency_ms: number;
}

/** A model that has a name here: a known network, or a file that was opened. */
export type ModelName = { readonly network: NetworkId } | { readonly file: string };

/** The text of measurements as it was understood. */
export interface ModelCheck {
  /** What this was made from. */
  readonly text: string;
  readonly marks: readonly Mark[];
  readonly readings: readonly ModelReading[];
  /** Single kernels; where there are any, whole models beside them say how kernels add up. */
  readonly kernels: readonly KernelReading[];
}

/** A device adapted to timings of its kernels. */
export interface AdaptedKernels {
  readonly timings: readonly KernelReading[];
  /** Whole models that were measured beside them. */
  readonly readings: readonly ModelReading[];
  /** Platforms that it is like, most similar first. */
  readonly similar: readonly Similarity[];
  /** Places of timings that fit nothing. */
  readonly set_aside: readonly number[];
}

/** This browser, known by its kernels. */
export interface BrowserKnown extends Pick<AdaptedKernels, 'similar'> {
  /** Types of kernels that were timed. */
  readonly types: readonly string[];
}

/** What the user's device is, as far as the user says. */
export interface Told {
  /** One of `Fleet.processors`. */
  readonly processor?: string | undefined;
  /** As typed; empty where it is not told. */
  readonly threads: string;
  /** How its kernels were timed; each alone, unless told. */
  readonly timed?: Timed | undefined;
}

/** The user's device, adapted. */
export interface Adapted {
  readonly readings: readonly ModelReading[];
  readonly review: PlatformReview;
  /** What to measure next. */
  readonly next: readonly NetworkId[];
  readonly worth: number;
}

/** An estimate, and where the truth lies with a probability of 90 %. */
export interface Bounds {
  readonly low: number;
  readonly latency_ms: number;
  readonly high: number;
}

/** What a model takes on a platform. */
export interface Estimated extends KernelEstimate {
  readonly platform: string;
  /** What it rests on; `kernels`: on single kernels that were timed. */
  readonly knowledge: ModelEstimate['knowledge'] | 'kernels';
}

/** What is shown before the engine is there. */
export interface Example {
  readonly opened: Opened;
  readonly families: readonly RuntimeFamily[];
  readonly estimate: Estimated;
  readonly platforms: readonly KnownPlatform[];
  readonly compared: ModelState['compared'];
}

export interface ModelState {
  /** The network that is to be shown; a file takes its place. */
  readonly network: NetworkId | undefined;
  readonly opened?: Opened;
  readonly opening?: Opening;
  readonly families: readonly RuntimeFamily[];
  readonly family: string;
  readonly order: Order;
  readonly work: Work;
  /** A kernel, by its place. */
  readonly selected?: number;
  readonly fleet: FleetLoading;
  readonly pool: PoolLoading;
  /** Whether the list of all platforms asks those of the pool too; to load them all takes a while. */
  readonly whole: boolean;
  /** What it runs on: the id of a known platform, `mine`, or undefined where only the work counts. */
  readonly platform: string | undefined;
  /** Of what is shown, on that platform. */
  readonly estimate?: Estimated;
  /** Of what is shown, on known platforms by id, as far as they have been asked. */
  readonly compared: Readonly<Record<string, Bounds>>;
  /** Platforms to compare with, by id. */
  readonly pinned: readonly string[];
  readonly view: View;
  /** Search among the platforms. */
  readonly find: string;
  /** Measurements of the user's device: a model and its latency a line. */
  readonly text: string;
  /** What a file replaced. */
  readonly replaced?: string;
  readonly check?: ModelCheck;
  /** Readings that count whatever the others say, as `readingKey` names them. */
  readonly trusted: readonly string[];
  readonly told: Told;
  readonly adapted?: Adapted;
  /** Likewise, from kernels. */
  readonly adaptedKernels?: AdaptedKernels;
  /** Timing the kernels of this browser. */
  readonly browser: BrowserState<KernelRun>;
  /** What it is like, once they are timed. */
  readonly browserKnown?: BrowserKnown;
  /** Why it could not be adapted. */
  readonly adapting?: string;
  /** Files that were opened, by name; measurements may name them. */
  readonly files: readonly string[];
}

export const kViews = ['kernels', 'platforms'] as const;
export type View = (typeof kViews)[number];

/** Names a reading across edits of the text. */
export function readingKey({ text, latency_ms }: ModelReading): string {
  return `${text}=${latency_ms}`;
}

export type ModelAction =
  | { readonly type: 'network'; readonly network: NetworkId }
  | { readonly type: 'open'; readonly file: File }
  | { readonly type: 'reading'; readonly name: string }
  /** A file takes the place of what was shown, read or with its inputs alone. */
  | { readonly type: 'stated'; readonly opened: Opened }
  /** Read again, with other shapes or for another family. */
  | { readonly type: 'read'; readonly info: ModelInfo; readonly kernels: Decomposition }
  | { readonly type: 'failed'; readonly name: string; readonly message: string }
  | { readonly type: 'dismiss' }
  | { readonly type: 'shape'; readonly input: string; readonly text: string }
  | { readonly type: 'families'; readonly families: readonly RuntimeFamily[] }
  | { readonly type: 'family'; readonly family: string }
  | { readonly type: 'order'; readonly order: Order }
  | { readonly type: 'work'; readonly work: Work }
  | { readonly type: 'select'; readonly index: number }
  | ({ readonly type: 'example' } & Example)
  | { readonly type: 'save-kernels' }
  | { readonly type: 'save-platforms' }
  | { readonly type: 'fleet'; readonly fleet: FleetLoading }
  | { readonly type: 'pool'; readonly pool: PoolLoading }
  | { readonly type: 'whole' }
  | { readonly type: 'platform'; readonly platform: string | undefined }
  | { readonly type: 'estimate'; readonly estimate: Estimated }
  | { readonly type: 'compared'; readonly compared: Readonly<Record<string, Bounds>> }
  | { readonly type: 'pin'; readonly platform: string; readonly pinned: boolean }
  | { readonly type: 'view'; readonly view: View }
  | { readonly type: 'find'; readonly find: string }
  | { readonly type: 'text'; readonly text: string }
  /** By a file; what was there can be brought back. */
  | { readonly type: 'replace-text'; readonly text: string }
  | { readonly type: 'undo-replace' }
  /** A further line at the end. */
  | { readonly type: 'append'; readonly names: readonly string[] }
  | { readonly type: 'checked'; readonly check: ModelCheck }
  | { readonly type: 'trust'; readonly reading: ModelReading; readonly trusted: boolean }
  /** What changes of it: two changes may come before the page is painted again. */
  | { readonly type: 'told'; readonly told: Partial<Told> }
  | { readonly type: 'adapted'; readonly adapted: Adapted }
  | { readonly type: 'adapted-kernels'; readonly adapted: AdaptedKernels }
  | { readonly type: 'not-adapted'; readonly message: string }
  | { readonly type: 'browser'; readonly action: KernelBrowserAction }
  | { readonly type: 'browser-known'; readonly known: BrowserKnown }
  /** Runs the model that is shown in this browser. */
  | { readonly type: 'check-by-running' }
  | { readonly type: 'address'; readonly address: ModelAddress };

/** The part that the URL carries. */
export interface ModelAddress {
  readonly network: NetworkId | undefined;
  readonly family: string;
  readonly order: Order;
  readonly work: Work;
  readonly platform: string | undefined;
  readonly pinned: readonly string[];
  readonly view: View;
}

/** What is shown first; computed beforehand with this family. */
export const kExampleNetwork: NetworkId = 'mobilenet_v2';
const kExampleFamily = 'ncnn';
export const kExamplePlatform = 'raspberry-pi-5-broadcom-bcm2712-cortex-a76-4t';
export const kExamplePinned: readonly string[] = [kExamplePlatform, 'qualcomm-snapdragon-888-8t', 'macbook-air-1t', 'nvidia-rtx3090-gpu'];

export function initialModelState(): ModelState {
  return {
    network: kExampleNetwork,
    families: [],
    family: kExampleFamily,
    order: 'graph',
    work: 'ms',
    fleet: { status: 'loading', platforms: [] },
    pool: { status: 'loading' },
    whole: false,
    browser: kInitialBrowser,
    platform: kExamplePlatform,
    pinned: kExamplePinned,
    view: 'kernels',
    find: '',
    text: '',
    compared: {},
    trusted: [],
    told: { threads: '' },
    files: [],
  };
}

export function reduceModel(state: ModelState, action: ModelAction): ModelState {
  switch (action.type) {
    case 'network':
      return { ...state, network: action.network };
    case 'reading':
      return { ...state, opening: { status: 'reading', name: action.name } };
    case 'stated': {
      const { opened } = action;
      // What the example says of a model holds for the model itself, and what was selected in it stays selected.
      const { opening: _, ...kept } = state;
      const rest = isSame(state.opened, opened) ? kept : withoutSelected(withoutEstimates(kept));
      const named = opened.network === undefined && !state.files.includes(opened.name);
      return { ...rest, network: opened.network, opened, files: named ? [...state.files, opened.name] : state.files };
    }
    case 'read': {
      const { opening: _, ...rest } = withoutEstimates(state);
      const { opened } = state;
      if (!opened) return state;
      const { info, kernels } = action;
      // What was typed meanwhile stays; it is read next.
      const next = { ...rest, opened: { ...opened, info, kernels } };
      return keepSelected(next);
    }
    case 'failed':
      return { ...state, opening: { status: 'failed', name: action.name, message: action.message } };
    case 'dismiss': {
      const { opening: _, ...rest } = state;
      return rest;
    }
    case 'shape': {
      const { opened } = state;
      if (!opened) return state;
      return { ...state, opened: { ...opened, shapes: { ...opened.shapes, [action.input]: action.text } } };
    }
    case 'families':
      return { ...state, families: action.families };
    case 'family':
      return { ...state, family: action.family };
    case 'order':
      return { ...state, order: action.order };
    case 'work':
      return { ...state, work: action.work };
    case 'select':
      return { ...state, selected: action.index };
    case 'example':
      // It came too late where the user was quicker.
      if (state.opened) return state;
      return {
        ...state,
        opened: action.opened,
        families: action.families,
        compared: action.compared,
        ...(state.fleet.status === 'loading' ? { fleet: { status: 'loading', platforms: action.platforms } } : {}),
        ...(state.platform === action.estimate.platform ? { estimate: action.estimate } : {}),
      };
    case 'address': {
      const { network, ...rest } = action.address;
      const next = { ...state, ...rest, network: network ?? state.network };
      return rest.platform === state.platform ? next : withoutEstimate(next);
    }
    case 'fleet':
      return { ...state, fleet: action.fleet };
    case 'pool':
      return { ...state, pool: action.pool };
    case 'whole':
      return { ...state, whole: true };
    case 'platform':
      return withoutEstimate({ ...state, platform: action.platform });
    case 'estimate':
      // It came too late where another platform was chosen meanwhile.
      return action.estimate.platform === state.platform ? { ...state, estimate: action.estimate } : state;
    case 'compared':
      return { ...state, compared: { ...state.compared, ...action.compared } };
    case 'pin': {
      const others = state.pinned.filter((id) => id !== action.platform);
      return { ...state, pinned: action.pinned ? [...others, action.platform] : others };
    }
    case 'view':
      return { ...state, view: action.view };
    case 'find':
      return { ...state, find: action.find };
    case 'text':
      return { ...state, text: action.text };
    case 'replace-text':
      return { ...state, text: action.text, ...(state.text.trim() === '' ? {} : { replaced: state.text }) };
    case 'undo-replace': {
      const { replaced, ...rest } = state;
      return replaced === undefined ? state : { ...rest, text: replaced };
    }
    case 'append': {
      const { text } = state;
      const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
      return { ...state, text: before + action.names.map((name) => `${name}, \n`).join('') };
    }
    case 'checked':
      return { ...state, check: action.check };
    case 'trust': {
      const key = readingKey(action.reading);
      const others = state.trusted.filter((each) => each !== key);
      return { ...state, trusted: action.trusted ? [...others, key] : others };
    }
    case 'told':
      return { ...state, told: { ...state.told, ...action.told } };
    case 'adapted': {
      const { adapting: _, adaptedKernels: __, ...rest } = state;
      return { ...rest, adapted: action.adapted };
    }
    case 'adapted-kernels': {
      const { adapting: _, adapted: __, ...rest } = state;
      return { ...rest, adaptedKernels: action.adapted };
    }
    case 'browser':
      return { ...state, browser: reduceBrowser(state.browser, action.action) };
    case 'browser-known':
      return { ...state, browserKnown: action.known };
    case 'check-by-running':
      return { ...state, browser: reduceBrowser(state.browser, { type: 'start' }) };
    case 'not-adapted':
      return { ...state, adapting: action.message };
    // What these ask for happens outside the state.
    case 'open':
    case 'save-kernels':
    case 'save-platforms':
      return state;
  }
}

/** Whether it is the same network with the same shapes as the same runtime has it; of files only their names are known. */
function isSame(before: Opened | undefined, { network, shapes, kernels }: Opened): boolean {
  if (network === undefined || before?.network !== network || before.kernels?.runtime !== kernels?.runtime) return false;
  return Object.entries(shapes).every(([input, shape]) => before.shapes[input] === shape);
}

function withoutEstimates(state: ModelState): ModelState {
  return { ...withoutEstimate(state), compared: {} };
}

function withoutEstimate(state: ModelState): ModelState {
  const { estimate: _, ...rest } = state;
  return rest;
}

/** The check of the present text, not of an older one. */
export function currentCheck({ text, check }: ModelState): ModelCheck | undefined {
  return check?.text === text ? check : undefined;
}

/** Everything that can be chosen, as far as it has arrived: what whole models were measured on, then what kernels were timed on. */
export function knownPlatforms(state: ModelState): readonly AnyPlatform[] {
  return [...(state.fleet.status === 'failed' ? [] : state.fleet.platforms), ...listedPool(state)];
}

/** Those of the pool that are offered: where kernels were timed inside networks as well, that gives the better estimates of whole models. */
export function listedPool({ pool }: ModelState): readonly PoolEntry[] {
  if (pool.status !== 'ready') return [];
  const ids = new Set(pool.platforms.map(({ id }) => id));
  return pool.platforms.filter(({ id }) => !ids.has(`${id}-inside`));
}

function allPlatforms({ fleet, pool }: ModelState): readonly AnyPlatform[] {
  return [...(fleet.status === 'failed' ? [] : fleet.platforms), ...(pool.status === 'ready' ? pool.platforms : [])];
}

/** The platform that is chosen, where it is a known one; a link or saved work may name one that is no longer listed. */
export function platformOf(state: ModelState, id = state.platform): AnyPlatform | undefined {
  return id === undefined ? undefined : allPlatforms(state).find((known) => known.id === id);
}

/** Whether a runtime of the browser can be asked to run it: an ONNX file, whose weights are in it as far as is known. */
export function isRunnable({ name, network, info }: Opened): boolean {
  return network === undefined && info?.format === 'ONNX' && /\.onnx$/i.test(name);
}

/** Whether the user's device is known by its kernels. */
export function isByKernels(state: ModelState): boolean {
  return (currentCheck(state)?.kernels.length ?? 0) > 0;
}

/** A number of threads, as the user writes it; undefined where it is none. */
export function readThreads(text: string): number | undefined {
  return /^[1-9]\d{0,3}$/.test(text.trim()) ? Number(text) : undefined;
}

/** What is told, as far as it can be understood: of a saved processor this version may know nothing. */
export function toldOptions({ fleet, told }: ModelState): Pick<AdaptOptions, 'processor' | 'threads'> {
  const { processor } = told;
  const threads = readThreads(told.threads);
  return {
    ...(processor !== undefined && fleet.status === 'ready' && fleet.processors.includes(processor) ? { processor } : {}),
    ...(threads === undefined ? {} : { threads }),
  };
}

/** How the kernels of the user's device were timed. */
export function timedOf({ told }: ModelState): Timed {
  return told.timed ?? 'alone';
}

/** Whose kernels are shown: those of the platform's runtime, where there is one. */
export function familyOf(state: ModelState): string {
  const { fleet, platform, family } = state;
  if (platform === kThisBrowser) return kBrowserFamily;
  if (platform === kMine && isByKernels(state) && timedOf(state) === 'inside') return kInsideFamily;
  const ofModels = platform === kMine && fleet.status === 'ready' && !isByKernels(state);
  return (ofModels ? fleet.platforms[0]?.family : platformOf(state)?.family) ?? family;
}

function keepSelected(state: ModelState): ModelState {
  const count = state.opened?.kernels?.kernels.length ?? 0;
  return state.selected === undefined || state.selected < count ? state : withoutSelected(state);
}

function withoutSelected(state: ModelState): ModelState {
  const { selected: _, ...rest } = state;
  return rest;
}

/** Of images; what a network of today takes. */
const kAssumed = { batch: 1, channels: 3, side: 224, other: 128 } as const;

/** By its name. `expected`: whether the mode is shown, where what is not known to be something else is taken for a model. */
export function isModelFile(name: string, expected: boolean): boolean {
  return /\.(onnx|param)$/i.test(name) || (expected && !/\.(csv|tsv|txt|latencast)$/i.test(name));
}

/** What stands for the lengths that a file leaves open, until the user says otherwise. */
export function assumedShape({ shape }: StatedInput): readonly number[] {
  const { batch, channels, side, other } = kAssumed;
  if (shape === null) return [batch, channels, side, side];
  return shape.map((length, axis) => {
    if (length !== null) return length;
    if (axis === 0) return batch;
    return shape.length !== 4 ? other : axis === 1 ? channels : side;
  });
}

export function shapeText(shape: readonly number[]): string {
  return shape.join('x');
}

/** `1x3x224x224`, however its lengths are separated; undefined where it is no list of lengths. */
export function readShape(text: string): readonly number[] | undefined {
  const lengths = text.trim().split(/\s*[x×*,;\s]\s*/iu);
  return lengths.every((length) => /^[1-9]\d{0,8}$/.test(length)) ? lengths.map(Number) : undefined;
}

/** Whether a file leaves anything of its inputs to the user. */
export function isOpen({ shape }: StatedInput): boolean {
  return shape === null || shape.includes(null);
}

/** Only what differs from the beginning. */
export function writeModelAddress(state: ModelState, params: URLSearchParams): void {
  const first = initialModelState();
  const { network, family, order, work, platform, pinned, view } = state;
  if (network !== undefined && network !== first.network) params.set('net', network);
  if (family !== first.family) params.set('runtime', family);
  if (order !== first.order) params.set('order', order);
  if (work !== first.work) params.set('by', work);
  if (platform !== first.platform) params.set('on', platform ?? kNone);
  if (pinned.join() !== first.pinned.join()) params.set('with', pinned.join());
  if (view !== first.view) params.set('view', view);
}

/** In an address: no platform. */
const kNone = 'none';

/** The inverse; what is not understood is left out. */
export function readModelAddress(params: URLSearchParams): ModelAddress {
  const first = initialModelState();
  return {
    // A file has no address, so what names no network leaves what is shown.
    network: kNetworkIds.find((id) => id === params.get('net')),
    // Which families there are the engine says; an unknown one falls back there.
    family: params.get('runtime') ?? first.family,
    order: kOrders.find((id) => id === params.get('order')) ?? first.order,
    work: kWorks.find((id) => id === params.get('by')) ?? first.work,
    // Likewise which platforms there are is known later.
    platform: params.get('on') === kNone ? undefined : (params.get('on') ?? first.platform),
    pinned: params.has('with') ? (params.get('with') ?? '').split(',').filter((id) => id !== '') : first.pinned,
    view: kViews.find((id) => id === params.get('view')) ?? first.view,
  };
}
