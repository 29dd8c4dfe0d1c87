/** Files the user takes away. */

import { archString, type SpaceTable } from './space.js';

/** Offers bytes as a download. */
export function saveFile(name: string, content: string | Uint8Array, type: string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** One row per index; latencies in milliseconds, empty where not measured; macs and params are counts. */
export function toCsv(
  space: SpaceTable,
  indices: Int32Array,
  latency_ms: Float64Array,
  measured_ms: Float64Array,
): string {
  const lines = ['index,arch,arch_str,latency_ms,measured_ms,macs,params'];
  for (const index of indices) {
    const digits = space.digits[index] ?? '';
    const known = measured_ms[index] ?? Number.NaN;
    const cells = [
      index,
      digits,
      archString(digits),
      (latency_ms[index] ?? Number.NaN).toPrecision(6),
      Number.isNaN(known) ? '' : Number(known.toPrecision(7)),
      space.macs[index],
      space.params[index],
    ];
    lines.push(cells.join(','));
  }
  return `${lines.join('\n')}\n`;
}
