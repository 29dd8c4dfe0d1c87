import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placesOf, ranksOf, slowness, spearman } from '../../web/app/compare/likeness.js';

/** By counting, pair by pair. */
function slowSpearman(a: readonly number[], b: readonly number[]): number {
  const rank = (values: readonly number[]) => (x: number) =>
    values.filter((each) => each < x).length + values.filter((each) => each === x).length / 2;
  const [x, y] = [a.map(rank(a)), b.map(rank(b))];
  const mean = a.length / 2;
  const product = (p: readonly number[], q: readonly number[]): number => p.reduce((sum, each, i) => sum + (each - mean) * (q[i]! - mean), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

const values = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 3, maxLength: 30 }).filter((list) => new Set(list).size > 1);

describe('rank correlation', () => {
  test('is that of counted ranks, ties included, and says nothing of rows behind the first', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const n = Math.min(a.length, b.length);
        const [x, y] = [a.slice(0, n), b.slice(0, n)];
        fc.pre(new Set(x).size > 1 && new Set(y).size > 1);
        const found = spearman(ranksOf(Float64Array.of(...x, 1000), n), ranksOf(Float64Array.from(y), n));
        expect(found).toBeCloseTo(slowSpearman(x, y), 9);
      }),
    );
  });

  test('is 1 for any growing function of the same, -1 for any falling one', () => {
    const a = Float64Array.of(3, 1, 2, 7, 5);
    expect(spearman(ranksOf(a, 5), ranksOf(a.map(Math.exp), 5))).toBeCloseTo(1, 12);
    expect(spearman(ranksOf(a, 5), ranksOf(a.map((each) => -each), 5))).toBeCloseTo(-1, 12);
  });
});

test('the middle ratio is how many times slower', () => {
  expect(slowness(Float64Array.of(1, 2, 3), Float64Array.of(2, 6, 3.3), 3)).toBe(2);
});

describe('a map', () => {
  const point = fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }));

  test('of points on a plane has their distances', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 12 }), (points) => {
        const distance = points.map(([x, y]) => points.map(([u, v]) => Math.hypot(x - u, y - v)));
        const { x, y } = placesOf(distance);
        points.forEach((_, i) => points.forEach((__, j) => expect(Math.hypot(x[i]! - x[j]!, y[i]! - y[j]!)).toBeCloseTo(distance[i]![j]!, 6)));
      }),
      { numRuns: 200 },
    );
  });

  test('of what no plane has is still numbers, the same each time', () => {
    const odd = [
      [0, 1, 1, 2],
      [1, 0, 2, 1],
      [1, 2, 0, 1],
      [2, 1, 1, 0],
    ];
    const { x, y } = placesOf(odd);
    expect([...x, ...y].every(Number.isFinite)).toBe(true);
    expect(placesOf(odd)).toEqual({ x, y });
    expect(placesOf([[0]])).toEqual({ x: [0], y: [0] });
  });
});
