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
  const { values, vectors } = eigen(products);
  const leading = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]!);
  const axes = [0, 1].map((which) => {
    const at = leading[which] ?? 0;
    const vector = vectors.map((row) => row[at]!);
    const skew = vector.reduce((sum, each) => sum + each ** 3, 0);
    return vector.map((each) => Math.sign(skew || 1) * each * Math.sqrt(Math.max(values[at]!, 0)));
  });
  return { x: axes[0] ?? [], y: axes[1] ?? [] };
}

const kSweeps = 30; // a dozen are enough for any matrix of this size

/** Of a symmetric matrix, by Jacobi's rotations: every one takes an element beside the diagonal away. Vectors are columns. */
function eigen(symmetric: readonly (readonly number[])[]): { readonly values: number[]; readonly vectors: number[][] } {
  const n = symmetric.length;
  const a = symmetric.map((row) => [...row]);
  const vectors = a.map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
  const rotate = (rows: number[][], p: number, q: number, sine: number, cosine: number): void => {
    for (const row of rows) [row[p], row[q]] = [cosine * row[p]! - sine * row[q]!, sine * row[p]! + cosine * row[q]!];
  };
  const size = Math.hypot(...a.flat());
  for (let sweep = 0; sweep < kSweeps; ++sweep) {
    const beside = Math.hypot(...a.flatMap((row, i) => row.filter((_, j) => j !== i)));
    if (beside <= Number.EPSILON * size) break;
    for (let p = 0; p < n; ++p) {
      for (let q = p + 1; q < n; ++q) {
        if (a[p]![q] === 0) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const tangent = Math.sign(theta || 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const cosine = 1 / Math.hypot(tangent, 1);
        const sine = tangent * cosine;
        rotate(a, p, q, sine, cosine);
        const [rowP, rowQ] = [a[p]!, a[q]!];
        a[p] = rowP.map((each, j) => cosine * each - sine * rowQ[j]!);
        a[q] = rowQ.map((each, j) => sine * rowP[j]! + cosine * each);
        rotate(vectors, p, q, sine, cosine);
      }
    }
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}
