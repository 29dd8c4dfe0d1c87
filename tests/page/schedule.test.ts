import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  judge,
  kThrottled,
  quantile,
  rescaled,
  summarise,
  visitOrder,
  visitPlan,
  type Limits,
} from '../../web/app/measure/schedule.js';
import { kLimits } from '../../web/app/measure/setting.js';

const latencies = fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 4, maxLength: 25 });
/** Drift that throttles nothing. */
const drift = fc.array(fc.double({ min: 1, max: kThrottled - 0.01, noNaN: true }), { minLength: 3, maxLength: 12 });

const roundsOf = (latency_ms: readonly number[], factors: readonly number[]): number[][] =>
  factors.map((factor) => latency_ms.map((ms) => ms * factor));

const ratios = (found: readonly number[], truth: readonly number[]): number[] => found.map((ms, i) => ms / (truth[i] ?? Number.NaN));

describe('a visit', () => {
  test('is long against the timer, has several readings, and takes no longer than it must', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 500, noNaN: true }), fc.constantFrom(0.005, 0.1, 1), (run_ms, tick_ms) => {
        const { runs, samples } = visitPlan(run_ms, tick_ms);
        expect(runs * run_ms).toBeGreaterThanOrEqual(100 * tick_ms - 1e-9);
        expect(samples).toBeGreaterThanOrEqual(5);
        const spent = runs * samples * run_ms;
        expect(spent).toBeLessThanOrEqual(Math.max(40 + runs * run_ms, 5 * runs * run_ms) + 1e-9);
      }),
    );
  });
});

describe('the order of a round', () => {
  test('visits every network once, and rounds differ in who follows whom', () => {
    for (const count of [1, 2, 3, 10, 14, 20, 60]) {
      const followers = new Set<string>();
      for (let round = 0; round < 4; ++round) {
        const order = visitOrder(count, round);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        order.forEach((network, i) => followers.add(`${network} ${order[(i + 1) % count]}`));
      }
      if (count >= 10) expect(followers.size).toBeGreaterThan(2 * count);
    }
  });
});

describe('what rounds say', () => {
  test('drift alone changes no ratio between networks, and no error', () => {
    fc.assert(
      fc.property(latencies, drift, (latency_ms, factors) => {
        const found = summarise(roundsOf(latency_ms, factors));
        const [first = Number.NaN, ...others] = ratios(found.latency_ms, latency_ms);
        for (const other of others) expect(other / first).toBeCloseTo(1, 9);
        // As in the low rounds, not the average ones.
        expect(first).toBeCloseTo(quantile(factors, 0.1), 9);
        for (const error of found.error) expect(Math.abs(error)).toBeLessThan(1e-9);
        expect(found.counts).toEqual(factors.map(() => true));
      }),
    );
  });

  test('the order of the rounds and the unit of time are of no importance', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.double({ min: 1, max: 1.2, noNaN: true }), { minLength: 6, maxLength: 6 }), { minLength: 3, maxLength: 9 }), (rounds) => {
        const found = summarise(rounds).latency_ms;
        const other = summarise([...rounds].reverse().map((round) => round.map((ms) => 1000 * ms))).latency_ms;
        other.forEach((us, i) => expect(us / 1000).toBeCloseTo(found[i] ?? Number.NaN, 9));
      }),
    );
  });

  test('a round that was throttled does not count', () => {
    fc.assert(
      fc.property(latencies, fc.double({ min: 1.5, max: 5, noNaN: true }), fc.nat(6), (latency_ms, slow, which) => {
        const factors = [1, 1, 1, 1, 1, 1, 1].map((factor, i) => (i === which ? slow : factor));
        const found = summarise(roundsOf(latency_ms, factors));
        expect(found.counts).toEqual(factors.map((factor) => factor === 1));
        expect(found.drift[which]).toBeCloseTo(slow, 9);
        for (const ratio of ratios(found.latency_ms, latency_ms)) expect(ratio).toBeCloseTo(1, 9);
      }),
    );
  });

  test('a machine that is slow most of the time is taken as it is', () => {
    const { counts } = summarise(roundsOf([1, 2, 3, 4], [1, 2, 2, 2, 2]));
    expect(counts).toEqual([true, true, true, true, true]);
  });

  test('now and then a slow reading changes nothing', () => {
    const rounds = roundsOf([1, 2, 4, 8, 16], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    for (const [round, network] of [[0, 1], [3, 2], [7, 2], [9, 4]] as const) rounds[round]![network]! *= 3;
    summarise(rounds).latency_ms.forEach((ms, i) => expect(ms).toBeCloseTo(2 ** i, 9));
  });

  test('what hits networks differently is no drift', () => {
    // Long networks are interrupted in most rounds, short ones never.
    const rounds = Array.from({ length: 12 }, (_, i) => [0.5, 1, 1, 2, 2].concat([8, 9, 10, 11, 12, 13].map((ms, j) => ms * (1 + ((i * 5 + j * 3) % 7) / 3))));
    const { latency_ms, drift } = summarise(rounds);
    expect(drift).toEqual(rounds.map(() => 1));
    expect(latency_ms.slice(0, 5)).toEqual([0.5, 1, 1, 2, 2]);
  });

  test('an unfinished round counts as far as it goes; what was never measured has no latency', () => {
    const { latency_ms } = summarise([[1, 2, Number.NaN]]);
    expect(latency_ms).toEqual([1, 2, Number.NaN]);
    const more = summarise([[1, 2, 4], [1.1, 2.2, Number.NaN]]);
    expect(more.latency_ms[2]! / more.latency_ms[0]!).toBeCloseTo(4, 9);
    expect(more.drift[1]! / more.drift[0]!).toBeCloseTo(1.1, 9);
    expect(summarise([])).toEqual({ latency_ms: [], error: [], drift: [], counts: [] });
  });

  test('noise makes an error that is honest, and falls with more rounds', () => {
    // Exponential noise of 10 %, of a small generator that is the same every time.
    let seed = 7;
    const uniform = (): number => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const noisy = (count: number): number[][] =>
      Array.from({ length: count }, () => Array.from({ length: 40 }, (_, i) => (1 + i) * (1 - 0.1 * Math.log(uniform()))));
    const stated = (count: number): { off: number; error: number } => {
      const { latency_ms, error } = summarise(noisy(count));
      // What is common to all networks is no error of their order.
      const relative = latency_ms.map((ms, i) => ms / (1 + i));
      const middle = quantile(relative, 0.5);
      return { off: quantile(relative.map((each) => Math.abs(each / middle - 1)), 0.5), error: quantile(error, 0.5) };
    };
    const [few, many] = [stated(6), stated(36)];
    expect(few.error).toBeGreaterThan(1.5 * many.error);
    for (const { off, error } of [few, many]) {
      expect(off).toBeLessThan(error);
      expect(off).toBeGreaterThan(error / 8);
    }
  });
});

describe('when to stop', () => {
  const limits: Limits = { fewestRounds: 4, mostRounds: 10, error: 0.02, seconds: 60 };
  const quiet = (count: number): number[][] => roundsOf([1, 2, 3], Array.from({ length: count }, () => 1));
  const loud = (count: number): number[][] =>
    Array.from({ length: count }, (_, i) => [1 + (i % 2), 2 + ((i >> 1) % 2), 3 + ((i * 7) % 3)]);

  test('never before the fewest rounds, then as soon as the readings agree', () => {
    expect(judge([], 0, limits)).toMatchObject({ finished: false, rounds_left: 4 });
    expect(judge(quiet(3), 3, limits)).toMatchObject({ finished: false, rounds_left: 1, error: Infinity });
    expect(judge(quiet(4), 4, limits)).toMatchObject({ finished: true, rounds_left: 0 });
  });

  test('goes on while they do not, up to the most rounds', () => {
    const verdict = judge(loud(6), 6, limits);
    expect(verdict.finished).toBe(false);
    expect(verdict.rounds_left).toBeGreaterThanOrEqual(1);
    expect(verdict.rounds_left).toBeLessThanOrEqual(4);
    expect(judge(loud(10), 10, limits)).toMatchObject({ finished: true });
  });

  test('stops where another round would take longer than there is time for', () => {
    expect(judge(loud(5), 45, limits)).toMatchObject({ finished: false, rounds_left: 1 });
    expect(judge(loud(5), 51, limits).finished).toBe(true);
    // The fewest are run in any case.
    expect(judge(loud(1), 61, limits)).toMatchObject({ finished: false, rounds_left: 3 });
    expect(judge(loud(4), 244, limits).finished).toBe(true);
  });

  test('a round that was throttled is run again', () => {
    const rounds = roundsOf([1, 2, 3], [1, 1, 1, 2]);
    expect(judge(rounds, 4, limits)).toMatchObject({ finished: false, rounds_left: 1 });
    expect(judge([...rounds, [1, 2, 3]], 5, limits).finished).toBe(true);
  });

  test.each(['quick', 'thorough'] as const)('with the limits of the page every run ends: %s', (effort) => {
    const { mostRounds } = kLimits[effort];
    for (let count = 1; ; ++count) {
      if (judge(loud(count), count, kLimits[effort]).finished) break;
      expect(count).toBeLessThan(mostRounds);
    }
  });
});

test('later readings are told by networks that were measured before', () => {
  expect(rescaled([10, 20], [1.1, 2.2, 3.3], [1, 2, 3]).map((ms) => Math.round(1e6 * ms) / 1e6)).toEqual([9.090909, 18.181818]);
  expect(rescaled([10, 20], [], [])).toEqual([10, 20]);
});
