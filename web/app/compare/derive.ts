/** What the view of devices shows: how alike they are, as a list, a map and a chart of two. */

import type { ChartSpec, PointSeries } from '../charts.js';
import { greatest, pointedOut, remember, shownRows } from '../derive.js';
import { correlation } from '../format.js';
import { kindOf, knownDevices, type Kind } from '../known.js';
import type { SpaceTable } from '../spaces/table.js';
import { deviceTitle, isOwn, kDevices, nameOf, resultOf, spaceId, spaceOf, tableOf, unitOf, viewOf, type DeviceId, type State } from '../state.js';
import { placesOf, ranksOf, slowness, spearman } from './likeness.js';

export interface Compared {
  readonly id: DeviceId;
  /** Estimated milliseconds by row; of known devices as long as the shipped table. */
  readonly latency_ms: Float64Array;
  /** Rank correlation with the shown device over the whole table. */
  readonly spearman: number;
  /** How many times slower than the shown device, in the middle. */
  readonly slower: number;
}

/** All other devices with estimates, the most alike first. */
export function comparedDevices(state: State): readonly Compared[] {
  const table = tableOf(state);
  const result = resultOf(state);
  return table && result ? ranked(state.device, result.latency_ms, table, state.results, state.known) : kNone;
}

const kNone: readonly never[] = [];

const ranked = remember(
  (shown: DeviceId, latency_ms: Float64Array, { space, shipped }: SpaceTable, results: State['results'], known: State['known']): readonly Compared[] => {
    const mine = ranksOf(latency_ms, shipped);
    const others = kDevices.flatMap((id): Compared[] => {
      const theirs = results[id]?.latency_ms ?? known[id];
      if (id === shown || spaceOf(id) !== space || !theirs) return [];
      return [{ id, latency_ms: theirs, spearman: spearman(mine, ranksOf(theirs, shipped)), slower: slowness(latency_ms, theirs, shipped) }];
    });
    return others.sort((a, b) => b.spearman - a.spearman);
  },
);

const kBeside = 3; // devices beside the shown one until the user chooses

/** The device compared in the chart of two. */
export function otherDevice(state: State): Compared | undefined {
  const devices = comparedDevices(state);
  return devices.find(({ id }) => nameOf(id) === viewOf(state).other) ?? devices[0];
}

/** Devices whose latencies stand beside those of the shown one. */
export function devicesBeside(state: State): readonly Compared[] {
  const devices = comparedDevices(state);
  const { beside } = viewOf(state);
  return beside ? devices.filter(({ id }) => beside.includes(nameOf(id))) : devices.slice(0, kBeside);
}

/** Whether estimates of known devices are still to come. */
export function isComparing(state: State): boolean {
  const space = spaceId(state);
  const weights = state.weights[space];
  if (weights?.status === 'failed' || state.engine.status === 'failed') return false;
  const knows = weights?.status !== 'ready' || weights.closedForm === true;
  return knows && knownDevices(space).length > 0 && !knownDevices(space).some((name) => state.known[`${space}/${name}`]);
}

const kKinds: readonly { readonly kind: Kind; readonly name: string; readonly shape: PointSeries['shape']; readonly colour: string }[] = [
  { kind: 'gpu', name: 'GPUs', shape: 'square', colour: '--accent' },
  { kind: 'cpu', name: 'CPUs', shape: 'triangle', colour: '--held' },
  { kind: 'phone', name: 'phones', shape: 'ring', colour: '--good' },
  { kind: 'accelerator', name: 'accelerators', shape: 'cross', colour: '--ink-2' },
];

/** Devices as points: the nearer, the more alike they order the architectures. */
export function deviceMap(state: State): ChartSpec | undefined {
  const table = tableOf(state);
  const result = resultOf(state);
  const others = comparedDevices(state);
  if (!table || !result || others.length < 2) return undefined;
  const { places, mostAlike } = mapOf(result.latency_ms, others, table.shipped);
  const pointed = state.hoveredDevice ?? otherDevice(state)?.id;
  return withTitles(places, others, mostAlike, state.device, deviceTitle(state), pointed);
}

const mapOf = remember((latency_ms: Float64Array, others: readonly Compared[], shipped: number) => {
  const ranks = [latency_ms, ...others.map((each) => each.latency_ms)].map((values) => ranksOf(values, shipped));
  const distance = ranks.map(() => new Array<number>(ranks.length).fill(0));
  ranks.forEach((a, i) => {
    for (let j = 0; j < i; j++) distance[i]![j] = distance[j]![i] = Math.max(0, 1 - spearman(a, ranks[j]!));
  });
  return { places: placesOf(distance), mostAlike: others[0]! };
});

const withTitles = remember(
  (
    { x, y }: ReturnType<typeof placesOf>,
    others: readonly Compared[],
    mostAlike: Compared,
    shown: DeviceId,
    title: string,
    pointed: DeviceId | undefined,
  ): ChartSpec => {
    const named = { name: title } as State;
    const range = (values: readonly number[]): { min: number; max: number } => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const room = 0.12 * (high - low || 1);
      return { min: low - room, max: high + room };
    };
    // The same length on both axes is the same distance; the chart is about twice as wide as it is high.
    const [across, up] = [range(x), range(y)];
    const kinds = kKinds.flatMap(({ kind, ...look }): PointSeries[] => {
      const some = others.flatMap(({ id }, i) => (kindOf(nameOf(id)) === kind ? [i + 1] : []));
      return some.length === 0 ? [] : [seriesOf(look, some)];
    });
    const own = others.flatMap(({ id }, i) => (isOwn(id) ? [i + 1] : []));
    function seriesOf(look: Pick<PointSeries, 'name' | 'shape' | 'colour'>, places: readonly number[]): PointSeries {
      return {
        ...look,
        x: places.map((i) => x[i]!),
        y: places.map((i) => y[i]!),
        ids: places,
        labels: places.map((i) => (i === 0 ? title : deviceTitle(named, others[i - 1]!.id))),
      };
    }
    return {
      label: `${others.length + 1} devices, the nearer the more alike; most like ${title}: ${deviceTitle(named, mostAlike.id)}, rank correlation ${correlation(mostAlike.spearman)}`,
      x: { title: 'near: they order the architectures alike', ...across, bare: true },
      y: { title: '', ...up, bare: true },
      series: [
        seriesOf({ name: title, shape: 'diamond', colour: '--measured' }, [0]),
        ...kinds,
        ...(own.length > 0 ? [seriesOf({ name: 'yours', shape: 'diamond', colour: '--accent' }, own)] : []),
      ],
      ...(pointed === undefined || pointed === shown ? {} : { marked: others.findIndex(({ id }) => id === pointed) + 1 }),
    };
  },
);

/** All architectures: latency on the shown device against latency on another one. */
export function pairChart(state: State): ChartSpec | undefined {
  const table = tableOf(state);
  const result = resultOf(state);
  const other = otherDevice(state);
  if (!table || !result || !other) return undefined;
  const spec = pair(result.latency_ms, other, deviceTitle(state), deviceTitle(state, other.id), unitOf(state), table.shipped, shownRows(state));
  return markedPair(spec, pointedOut(state));
}

const markedPair = remember((spec: ChartSpec, marked: number) => ({ ...spec, marked }));

const pair = remember(
  (latency_ms: Float64Array, other: Compared, title: string, otherTitle: string, unit: string, shipped: number, shown: Uint8Array | undefined): ChartSpec => {
    const [x, y] = [latency_ms.subarray(0, shipped), other.latency_ms.subarray(0, shipped)];
    return {
      label: `${title} against ${otherTitle}: rank correlation ${correlation(other.spearman)}`,
      x: { title: `${title}, ${unit}`, max: 1.02 * greatest(x) },
      y: { title: `${otherTitle}, ms`, max: 1.02 * greatest(y) },
      series: [{ name: `estimated on both, rank correlation ${correlation(other.spearman)}`, shape: 'dot', colour: '--accent', x, y, ...(shown ? { shown } : {}) }],
    };
  },
);
