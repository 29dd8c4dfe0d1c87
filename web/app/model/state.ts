/** The mode "Any model" as one value; `reduceModel` is the only way it changes. No DOM, no engine, no time. */

import type { Decomposition, ModelInfo, RuntimeFamily, StatedInput } from '../../api/index.js';

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

/** What a kernel's bar stands for where no platform says milliseconds. */
export const kWorks = ['macs', 'bytes'] as const;
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
  | { readonly type: 'example'; readonly opened: Opened; readonly families: readonly RuntimeFamily[] }
  | { readonly type: 'save-kernels' }
  | { readonly type: 'address'; readonly address: ModelAddress };

/** The part that the URL carries. */
export interface ModelAddress {
  readonly network: NetworkId | undefined;
  readonly family: string;
  readonly order: Order;
  readonly work: Work;
}

/** What is shown first; computed beforehand with this family. */
export const kExampleNetwork: NetworkId = 'mobilenet_v2';
const kExampleFamily = 'ncnn';

export function initialModelState(): ModelState {
  return { network: kExampleNetwork, families: [], family: kExampleFamily, order: 'graph', work: 'macs' };
}

export function reduceModel(state: ModelState, action: ModelAction): ModelState {
  switch (action.type) {
    case 'network':
      return { ...state, network: action.network };
    case 'reading':
      return { ...state, opening: { status: 'reading', name: action.name } };
    case 'stated': {
      const { opening: _, selected: __, ...rest } = state;
      return { ...rest, network: action.opened.network, opened: action.opened };
    }
    case 'read': {
      const { opening: _, ...rest } = state;
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
      return { ...state, opened: action.opened, families: action.families };
    case 'address': {
      const { network, family, order, work } = action.address;
      return { ...state, network: network ?? state.network, family, order, work };
    }
    // What these ask for happens outside the state.
    case 'open':
    case 'save-kernels':
      return state;
  }
}

function keepSelected(state: ModelState): ModelState {
  const count = state.opened?.kernels?.kernels.length ?? 0;
  if (state.selected === undefined || state.selected < count) return state;
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
export function writeModelAddress({ network, family, order, work }: ModelState, params: URLSearchParams): void {
  const first = initialModelState();
  if (network !== undefined && network !== first.network) params.set('net', network);
  if (family !== first.family) params.set('runtime', family);
  if (order !== first.order) params.set('order', order);
  if (work !== first.work) params.set('by', work);
}

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
  };
}
