/** How alike devices are, by the order in which they put the same architectures. */

const kRanks = new WeakMap<Float64Array, Float64Array>();

/** Ranks of the first `count` values, centred and of length 1, so that a product of two is Spearman's correlation; ties share a rank. */
export function ranksOf(values: Float64Array, count: number): Float64Array {
  const known = kRanks.get(values);
  if (known?.length === count) return known;
  const sorted = values.slice(0, count).sort();
  const ranks = new Float64Array(count);
  for (let i = 0; i < count; i++) ranks[i] = (bound(sorted, values[i]!, false) + bound(sorted, values[i]!, true)) / 2;
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / count;
  let square = 0;
  for (let i = 0; i < count; i++) {
    ranks[i]! -= mean;
    square += ranks[i]! ** 2;
  }
  const length = Math.sqrt(square) || 1;
  for (let i = 0; i < count; i++) ranks[i]! /= length;
  kRanks.set(values, ranks);
  return ranks;
}

/** How many of sorted values are below this one; or, with equal ones, up to it. */
function bound(sorted: Float64Array, value: number, equal: boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Spearman's correlation of two devices by their ranks. */
export function spearman(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Median of b over a: how many times slower the second device is. */
export function slowness(a: Float64Array, b: Float64Array, count: number): number {
  const ratios = Float64Array.from({ length: count }, (_, i) => b[i]! / a[i]!).filter((ratio) => ratio > 0).sort();
  return ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
}

export interface Places {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * Places on a plane whose distances are as near as may be to those given: classical multidimensional scaling (Torgerson 1952), the
 * two leading eigenvectors of the centred squared distances. The first axis points to where most of the skew lies, so a map does not
 * turn over when one distance changes a little.
 */
export function placesOf(distance: readonly (readonly number[])[]): Places {
  const n = distance.length;
  const squares = distance.map((row) => row.map((each) => each ** 2));
  const means = squares.map((row) => row.reduce((sum, each) => sum + each, 0) / n);
  const mean = means.reduce((sum, each) => sum + each, 0) / n;
  const products = squares.map((row, i) => row.map((each, j) => -0.5 * (each - means[i]! - means[j]! + mean)));
  // Distances that no plane has bring negative eigenvalues; shifted, the largest are again the leading ones.
  const shift = Math.max(...products.map((row) => row.reduce((sum, each) => sum + Math.abs(each), 0)), 0);
  const found: number[][] = [];
  const axes = [0, 1].map((which) => {
    let vector = Array.from({ length: n }, (_, i) => Math.sin(1 + i * (which + 1)));
    let value = 0;
    for (let round = 0; round < kRounds; round++) {
      const next = products.map((row, i) => row.reduce((sum, each, j) => sum + each * vector[j]!, 0) + shift * vector[i]!);
      for (const other of found) {
        const share = next.reduce((sum, each, i) => sum + each * other[i]!, 0);
        other.forEach((each, i) => (next[i]! -= share * each));
      }
      const length = Math.hypot(...next);
      if (length === 0) break;
      value = length - shift;
      vector = next.map((each) => each / length);
    }
    found.push(vector);
    const skew = vector.reduce((sum, each) => sum + each ** 3, 0);
    return vector.map((each) => Math.sign(skew || 1) * each * Math.sqrt(Math.max(value, 0)));
  });
  return { x: axes[0] ?? [], y: axes[1] ?? [] };
}

const kRounds = 400; // of power iteration
