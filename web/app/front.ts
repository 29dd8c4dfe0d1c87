/**
 * The rows that no other beats in both latency and quality, fastest first; both grow along them. `shown`: 1 of those that count; all
 * where absent.
 */
export function paretoFront(latency_ms: Float64Array, quality: Float64Array, shown?: Uint8Array): readonly number[] {
  const known = Array.from(latency_ms.keys()).filter(
    (i) => latency_ms[i]! > 0 && !Number.isNaN(quality[i] ?? Number.NaN) && (!shown || shown[i] === 1),
  );
  known.sort((a, b) => latency_ms[a]! - latency_ms[b]! || quality[b]! - quality[a]!);
  let best = -Infinity;
  return known.filter((i) => {
    if (quality[i]! <= best) return false;
    best = quality[i]!;
    return true;
  });
}
