/** What the mode shows, computed from its state. Pure. */

import type { Decomposition, ModelKernel } from '../../api/index.js';
import { significant } from '../format.js';
import type { ModelState } from './state.js';

/** What the bars stand for. */
export interface Cost {
  /** Of each kernel, in the order of execution. */
  readonly values: readonly number[];
  readonly total: number;
  /** With its unit. */
  text(value: number): string;
}

export function traffic({ bytes_in, bytes_weights, bytes_out }: ModelKernel): number {
  return bytes_in + bytes_weights + bytes_out;
}

export function costOf({ opened, work }: ModelState): Cost | undefined {
  const kernels = opened?.kernels?.kernels;
  if (!kernels) return undefined;
  const values = kernels.map((kernel) => (work === 'macs' ? kernel.macs : traffic(kernel)));
  const total = values.reduce((sum, value) => sum + value, 0);
  return { values, total, text: work === 'macs' ? macsText : bytesText };
}

/** Places of kernels as they are listed. */
export function listed(state: ModelState, cost: Cost): readonly number[] {
  const places = cost.values.map((_, i) => i);
  return state.order === 'graph' ? places : byCost(places, cost);
}

function byCost(places: readonly number[], { values }: Cost): number[] {
  return [...places].sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
}

const kMostExpensive = 10;

/** The most expensive kernels, without those that cost nothing. */
export function mostExpensive(cost: Cost): readonly number[] {
  return byCost(cost.values.map((_, i) => i), cost)
    .slice(0, kMostExpensive)
    .filter((i) => (cost.values[i] ?? 0) > 0);
}

/** What all kernels of a type cost together, most first. */
export interface TypeShare {
  readonly type: string;
  readonly count: number;
  readonly value: number;
}

export function byType({ kernels }: Decomposition, { values }: Cost): readonly TypeShare[] {
  const shares = new Map<string, { count: number; value: number }>();
  kernels.forEach(({ type }, i) => {
    const { count, value } = shares.get(type) ?? { count: 0, value: 0 };
    shares.set(type, { count: count + 1, value: value + (values[i] ?? 0) });
  });
  return [...shares].map(([type, share]) => ({ type, ...share })).sort((a, b) => b.value - a.value || b.count - a.count);
}

const kTypeTitles: Readonly<Record<string, string>> = {
  conv: 'convolution',
  dwconv: 'depthwise conv.',
  fc: 'fully connected',
  maxpool: 'max pool',
  avgpool: 'average pool',
  gap: 'global pool',
  add: 'addition',
  se: 'squeeze-excite',
  swish: 'swish',
  hswish: 'h-swish',
  matmul: 'matrix product',
  layernorm: 'layer norm',
  softmax: 'softmax',
  attention: 'attention',
  other: 'other',
};

export function typeTitle(type: string): string {
  return kTypeTitles[type] ?? type;
}

const kShortTitles: Readonly<Record<string, string>> = { conv: 'conv', dwconv: 'depthwise', fc: 'fc' };

/** What a kernel is called: its type with its window, or its operator where it has no type. */
export function kernelTitle({ type, op, key }: ModelKernel): string {
  const [, , , , , , kh, kw] = key.split(',');
  return [type === 'other' ? op : (kShortTitles[type] ?? typeTitle(type)), ...(kh ? [`${kh}×${kw}`] : [])].join(' ');
}

/** The operator of the file that a person would look for: the one that decides the cost. */
export function layerName({ nodes, op }: ModelKernel): string {
  return (nodes.find((node) => node.op === op) ?? nodes[0])?.name ?? '';
}

/** Sizes out of a kernel's key: `56×56, 64 → 128, stride 2`. */
export function sizes({ key }: ModelKernel): string {
  const [type = '', n, h, w, cin, cout, , , stride, groups, ...rest] = key.split(',');
  const image = h ? `${h}×${w}` : '';
  const channels = cin ? (cout && cout !== cin ? `${cin} → ${cout}` : cin) : '';
  const parts =
    type === 'matmul'
      ? [`${n} × (${h}×${cin})·(${cin}×${cout})`]
      : type === 'attention'
        ? [`${h} queries, ${w} keys, ${cin} channels, ${groups} heads`]
        : type === 'fc' || type === 'softmax' || type === 'layernorm'
          ? [channels, ...(n && n !== '1' ? [`${n} rows`] : [])]
          : [
              image,
              channels,
              stride && stride !== '1' ? `stride ${stride}` : '',
              groups && groups !== '1' && type !== 'dwconv' ? `${groups} groups` : '',
              n && n !== '1' ? `batch ${n}` : '',
            ];
  const more = rest.map((flag) => (flag === 'i8' ? '8 bits' : flag.startsWith('d') ? `dilation ${flag.slice(1)}` : ''));
  return [...parts, ...more].filter((part) => part !== '').join(', ');
}

/** `12.4 M`, `1.24 G`: counts as people say them. */
export function scaled(value: number): string {
  const [unit, size] = value >= 1e9 ? ['G', 1e9] : value >= 1e6 ? ['M', 1e6] : value >= 1e3 ? ['k', 1e3] : ['', 1];
  return `${size === 1 ? String(value) : significant(value / Number(size))} ${unit}`.trim();
}

export function macsText(value: number): string {
  return value === 0 ? '–' : scaled(value);
}

export function bytesText(value: number): string {
  return `${scaled(value)}B`.replace(/(\d)B$/, '$1 B');
}

/** Every kernel with everything that is known of it. */
export function kernelsCsv({ kernels }: Decomposition): string {
  const header = ['no', 'layer', 'operators', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups', 'macs', 'params', 'bytes_in', 'bytes_weights', 'bytes_out'];
  const lines = kernels.map((kernel, i) => {
    const columns = kernel.key.split(',').slice(0, kKeyColumns);
    const { macs, params, bytes_in, bytes_weights, bytes_out } = kernel;
    const operators = kernel.nodes.map(({ op }) => op).join('+');
    return [i + 1, quoted(layerName(kernel)), operators, ...columns, macs, params, bytes_in, bytes_weights, bytes_out].join(',');
  });
  return [header.join(','), ...lines, ''].join('\n');
}

/** Rare settings come behind these. */
const kKeyColumns = 10;

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
