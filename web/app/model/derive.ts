/** What the mode shows, computed from its state. Pure. */

import type { Decomposition, ModelKernel } from '../../api/index.js';
import type { Bar, BarSpec } from '../figure.js';
import { plural, significant, withUnit } from '../format.js';
import type { Mark } from '../state.js';
import { kernelType } from './kernel-reading.js';
import {
  currentCheck,
  isOfPool,
  knownPlatforms,
  kMine,
  kThisBrowser,
  kWorks,
  platformOf,
  type AnyPlatform,
  type Bounds,
  type Estimated,
  type ModelState,
  type Work,
} from './state.js';

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

export function costOf(state: ModelState): Cost | undefined {
  const kernels = state.opened?.kernels?.kernels;
  if (!kernels) return undefined;
  const work = shownWork(state);
  if (work === 'ms') {
    const { kernel_ms, latency_ms } = estimateOf(state) ?? { kernel_ms: [], latency_ms: 0 };
    return { values: [...kernel_ms], total: latency_ms, text: millisecondsText };
  }
  const values = kernels.map((kernel) => (work === 'macs' ? kernel.macs : traffic(kernel)));
  const total = values.reduce((sum, value) => sum + value, 0);
  return { values, total, text: work === 'macs' ? macsText : bytesText };
}

/** The estimate, where it is of the kernels that are shown. */
export function estimateOf({ estimate, opened }: ModelState): Estimated | undefined {
  return estimate?.kernel_ms.length === opened?.kernels?.kernels.length ? estimate : undefined;
}

/** What can be asked of the bars: without a platform no milliseconds. */
export function offeredWorks(state: ModelState): readonly Work[] {
  return kWorks.filter((work) => work !== 'ms' || estimateOf(state) !== undefined);
}

/** What the bars stand for, where what is asked for can be had. */
export function shownWork(state: ModelState): Work {
  const offered = offeredWorks(state);
  return offered.find((work) => work === state.work) ?? offered[0] ?? 'macs';
}

function millisecondsText(value: number): string {
  return value > 0 ? `${significant(value)} ms` : '–';
}

/** A known platform and what the model takes there. */
export interface PlatformRow extends Partial<Bounds> {
  readonly platform: AnyPlatform;
}

/** The known platforms that a search leaves, fastest first, those not yet asked last. */
export function platformRows(state: ModelState): readonly PlatformRow[] {
  const { fleet, compared, find } = state;
  if (fleet.status === 'loading') return [];
  const words = find.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const rows = knownPlatforms(state).map((platform): PlatformRow => ({ platform, ...compared[platform.id] }));
  const found = rows.filter(({ platform: { id, title } }) => words.every((word) => `${id} ${title}`.toLowerCase().includes(word)));
  return found.sort((a, b) => (a.latency_ms ?? Number.MAX_VALUE) - (b.latency_ms ?? Number.MAX_VALUE));
}

/** The platforms to compare with, in the order in which they were chosen. */
export function pinnedRows(state: ModelState): readonly PlatformRow[] {
  return state.pinned.flatMap((id) => {
    const platform = platformOf(state, id);
    return platform ? [{ platform, ...state.compared[id] }] : [];
  });
}

/** Every known platform with what the model takes there. */
export function platformsCsv(rows: readonly PlatformRow[]): string {
  const lines = rows.map(({ platform: { id, title }, low, latency_ms, high }) =>
    [id, quoted(title), ...[latency_ms, low, high].map((ms) => (ms === undefined ? '' : Number(ms.toPrecision(6))))].join(','),
  );
  return ['platform,title,latency_ms,low_ms,high_ms', ...lines, ''].join('\n');
}

/** Marks of the text, with what the adaptation doubts. */
export function textMarks(state: ModelState): readonly Mark[] {
  const { check, adapted, adaptedKernels } = state;
  const marks = check?.marks ?? [];
  if (adaptedKernels && adaptedKernels.timings === currentCheck(state)?.kernels) {
    const aside = new Set(adaptedKernels.set_aside.map((place) => adaptedKernels.timings[place]?.line));
    const message = 'it fits nothing that the others let expect; it is set aside';
    return marks.map((mark): Mark => (aside.has(mark.line) ? { ...mark, kind: 'bad', message } : mark));
  }
  if (!adapted || adapted.readings !== currentCheck(state)?.readings) return marks;
  const aside = new Map(
    adapted.readings.flatMap((reading, i) => (adapted.review.set_aside[i] ? [[reading.line, { reading, i }] as const] : [])),
  );
  return marks.map((mark): Mark => {
    const doubt = aside.get(mark.line);
    if (!doubt) return mark;
    const expected = adapted.review.left_out.latency_ms[doubt.i] ?? Number.NaN;
    const message = `${withUnit(doubt.reading.latency_ms, 'ms')} is far from the ${withUnit(expected, 'ms')} that the others let expect; it is set aside`;
    const action = { type: 'model', action: { type: 'trust', reading: doubt.reading, trusted: true } } as const;
    return { ...mark, kind: 'bad', message, remedies: [{ label: 'It is right: count it', action }] };
  });
}

/** Types of the model's kernels that were never timed on the platform, with their share of the estimate. */
export interface Untimed {
  readonly types: readonly string[];
  readonly share: number;
}

export function untimed(state: ModelState): Untimed | undefined {
  const estimate = estimateOf(state);
  const kernels = state.opened?.kernels?.kernels;
  const timed = timedTypes(state);
  if (!estimate || !kernels || !timed) return undefined;
  const places = [...kernels.keys()].filter((i) => !timed.has(kernels[i]?.type ?? ''));
  if (places.length === 0) return undefined;
  const sum = places.reduce((total, i) => total + (estimate.kernel_ms[i] ?? 0), 0);
  return { types: [...new Set(places.map((i) => kernels[i]?.type ?? ''))], share: sum / estimate.latency_ms };
}

/** Of what is chosen, where it is known by its kernels. */
function timedTypes(state: ModelState): ReadonlySet<string> | undefined {
  const platform = platformOf(state);
  if (platform) return isOfPool(platform) ? new Set(Object.keys(platform.timings)) : undefined;
  if (state.platform === kThisBrowser) return state.browserKnown && new Set(state.browserKnown.types);
  if (state.platform !== kMine || !state.adaptedKernels) return undefined;
  return new Set(state.adaptedKernels.timings.map(({ kernel }) => kernelType(kernel)));
}

/** As many kernels as a picture shows. */
const kMostDrawn = 400;

const kColours: Readonly<Record<ReturnType<typeof kindOf>, string>> = { conv: '--accent', dwconv: '--measured', product: '--held', rest: '--ink-3' };

/** The bars as they are listed, to take away. `title`: of the model and what it runs on. */
export function kernelBars(state: ModelState, cost: Cost, title: string): BarSpec {
  const kernels = state.opened?.kernels?.kernels ?? [];
  const places = listed(state, cost);
  const drawn = places.slice(0, kMostDrawn);
  return {
    label: title,
    remark: `${cost.text(cost.total)} in all, ${plural(places.length, 'kernel')}${drawn.length < places.length ? `, the first ${drawn.length} drawn` : ''}`,
    bars: drawn.flatMap((place): Bar[] => {
      const kernel = kernels[place];
      const value = cost.values[place] ?? 0;
      return kernel ? [{ name: kernelTitle(kernel), note: sizes(kernel), value, text: cost.text(value), colour: kColours[kindOf(kernel.type)] }] : [];
    }),
  };
}

/** Kernels of one colour. */
export function kindOf(type: string): 'conv' | 'dwconv' | 'product' | 'rest' {
  if (type === 'conv' || type === 'dwconv') return type;
  return type === 'fc' || type === 'matmul' || type === 'attention' ? 'product' : 'rest';
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
export function kernelsCsv({ kernels }: Decomposition, kernel_ms?: ArrayLike<number>): string {
  const header = ['no', 'layer', 'operators', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups', 'macs', 'params', 'bytes_in', 'bytes_weights', 'bytes_out', ...(kernel_ms ? ['latency_ms'] : [])];
  const lines = kernels.map((kernel, i) => {
    const columns = kernel.key.split(',').slice(0, kKeyColumns);
    const { macs, params, bytes_in, bytes_weights, bytes_out } = kernel;
    const ms = kernel_ms ? [Number((kernel_ms[i] ?? Number.NaN).toPrecision(6))] : [];
    const operators = kernel.nodes.map(({ op }) => op).join('+');
    return [i + 1, quoted(layerName(kernel)), operators, ...columns, macs, params, bytes_in, bytes_weights, bytes_out, ...ms].join(',');
  });
  return [header.join(','), ...lines, ''].join('\n');
}

/** Rare settings come behind these. */
const kKeyColumns = 10;

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
