/** Files the user takes away. */

import { csvField } from './format.js';
import { kSpaces } from './spaces/index.js';
import type { SpaceTable } from './spaces/table.js';
import type { Result } from './state.js';

/** Offers bytes as a download. */
export function saveFile(name: string, content: string | Uint8Array | Blob, type: string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A further column, by row. */
export interface Column {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/** One line per row of the table; latencies in milliseconds or energies in millijoules, the truth between low and high with 90 %; what is unknown is empty; macs and params are counts. */
export function toCsv(
  table: SpaceTable,
  rows: ArrayLike<number>,
  { latency_ms, low, high }: Pick<Result, 'latency_ms' | 'low' | 'high'>,
  measured_ms: Float64Array,
  more: readonly Column[],
  unit: 'ms' | 'mJ',
): string {
  const { listed, long, counted } = kSpaces[table.space];
  const header = [
    ...(counted ? [...(listed ? ['index'] : []), 'arch', 'arch_str'] : ['name']),
    ...[unit === 'ms' ? 'latency_ms' : 'energy_mj'],
    ...(low && high ? [`low_${unit}`, `high_${unit}`] : []).map((name) => name.toLowerCase()),
    `measured_${unit}`.toLowerCase(),
    ...more.map(({ name }) => csvField(name)),
    ...(counted ? ['macs', 'params'] : []),
  ];
  const lines = Array.from(rows, (row) => {
    const architecture = table.architectures[row] ?? '';
    return [
      ...(counted ? [...(listed ? [row] : []), architecture] : []),
      csvField(long(architecture)),
      known(latency_ms[row], 6),
      ...(low && high ? [known(low[row], 6), known(high[row], 6)] : []),
      known(measured_ms[row], 7),
      ...more.map(({ values }) => known(values[row], 7)),
      ...(counted ? [table.macs[row], table.params[row]] : []),
    ].join(',');
  });
  return [header.join(','), ...lines, ''].join('\n');
}

function known(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '' : String(Number(value.toPrecision(digits)));
}
