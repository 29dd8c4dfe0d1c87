// Random choices of the worked examples.

/** k distinct numbers below n, by a small generator (mulberry32) that any program can repeat. */
export function choose(n, k, seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const picked = new Set();
  while (picked.size < k) picked.add(Math.floor(uniform() * n));
  return [...picked];
}
