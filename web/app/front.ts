/** Two questions to thousands of numbers, answered without sorting them all: the page asks whenever estimates change. */

/** Latencies are sorted into as many equal steps. */
const kSteps = 1024;

/**
 * The rows that no other beats in both latency and quality, fastest first; both grow along them. `shown`: 1 of those that count; all
 * where absent.
 */
export function paretoFront(latency_ms: Float64Array, quality: Float64Array, shown?: Uint8Array): readonly number[] {
  const counts = (i: number): boolean => latency_ms[i]! > 0 && !Number.isNaN(quality[i] ?? Number.NaN) && (!shown || shown[i] === 1);
  let least = Infinity;
  let most = -Infinity;
  for (let i = 0; i < latency_ms.length; i++) {
    if (!counts(i)) continue;
    least = Math.min(least, latency_ms[i]!);
    most = Math.max(most, latency_ms[i]!);
  }
  const stepOf = (i: number): number => Math.floor(((kSteps - 1) * (latency_ms[i]! - least)) / (most - least || 1));
  // The highest quality of all that lie in an earlier step, and so are faster.
  const before = new Float64Array(kSteps + 1).fill(-Infinity);
  for (let i = 0; i < latency_ms.length; i++) {
    if (counts(i)) before[stepOf(i) + 1] = Math.max(before[stepOf(i) + 1]!, quality[i]!);
  }
  for (let step = 1; step <= kSteps; step++) before[step] = Math.max(before[step]!, before[step - 1]!);
  const candidates: number[] = [];
  for (let i = 0; i < latency_ms.length; i++) {
    if (counts(i) && quality[i]! > before[stepOf(i)]!) candidates.push(i);
  }
  candidates.sort((a, b) => latency_ms[a]! - latency_ms[b]! || quality[b]! - quality[a]!);
  let best = -Infinity;
  return candidates.filter((i) => {
    if (quality[i]! <= best) return false;
    best = quality[i]!;
    return true;
  });
}

/** What would stand at `place`, counted from 0, were the values sorted; NaN where there is no such place. None of them may be NaN. */
export function inOrder(values: Float64Array, place: number): number {
  const rest = values.slice();
  let low = 0;
  let high = rest.length - 1;
  // Hoare's selection: only the part that holds the place is divided further.
  while (low < high) {
    const pivot = rest[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (rest[i]! < pivot) i++;
      while (rest[j]! > pivot) j--;
      if (i > j) break;
      const value = rest[i]!;
      rest[i++] = rest[j]!;
      rest[j--] = value;
    }
    if (place <= j) high = j;
    else if (place >= i) low = i;
    else break;
  }
  return rest[place] ?? Number.NaN;
}
