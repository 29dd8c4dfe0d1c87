/**
 * How measuring goes: rounds of visits, one to each network, and what they say together. No clock, no runtime.
 *
 * A machine is never faster than it is, only slower now and then, so of many readings the low ones count. It also drifts
 * (clock rate, heat), which hits all networks of a round alike and is taken out as a factor of the round. Other programs that
 * take the processor away for a moment hit long runs more than short ones: that is no drift, and only low readings help.
 */

/** Milliseconds a run, by network; NaN where there is no reading. */
export type Round = readonly number[];

/** Within these, more rounds are run until the error is small enough. */
export interface Limits {
  readonly fewestRounds: number;
  readonly mostRounds: number;
  /** Relative, of the worst but a tenth of the networks. */
  readonly error: number;
  /** Of all rounds together, for those beyond the fewest. */
  readonly seconds: number;
}

/** Of the readings of several rounds, the one that counts. */
const kLow = 0.1;

/** A round slower than the others by this factor is repeated: something throttled the machine. */
export const kThrottled = 1.25;

/** A reading of this many ticks of the timer is off by less than a hundredth. */
const kTicks = 100;

/** What a visit should take at least: many short networks would otherwise be measured by few runs. */
const kVisit_ms = 40;
const kFewestSamples = 5;
const kMostSamples = 50;

/** How a network is run in a visit: `samples` readings of `runs` runs each. */
export interface VisitPlan {
  readonly runs: number;
  readonly samples: number;
}

/** For a network that takes about so long, by a timer that counts in such ticks. */
export function visitPlan(run_ms: number, tick_ms: number): VisitPlan {
  const runs = Math.max(1, Math.ceil((kTicks * tick_ms) / run_ms));
  const samples = Math.ceil(kVisit_ms / (runs * run_ms));
  return { runs, samples: Math.min(Math.max(samples, kFewestSamples), kMostSamples) };
}

/** The order in which a round visits the networks: every round another, so that none always follows the same. */
export function visitOrder(count: number, round: number): readonly number[] {
  const steps = Array.from({ length: count }, (_, i) => i + 1).filter((step) => greatestDivisor(step, count) === 1);
  // Neighbouring rounds take steps far apart.
  const step = steps[(round * 7) % steps.length] ?? 1;
  return Array.from({ length: count }, (_, i) => (i * step + round) % count);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** By linear interpolation between neighbours; NaN of nothing. Readings that are NaN do not count. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export interface Summary {
  /** By network; NaN where no round has a reading. */
  readonly latency_ms: readonly number[];
  /** Likewise: how far off it may be, relative. */
  readonly error: readonly number[];
  /** By round: how much slower than the low rounds everything was; 1 where networks do not agree in that. */
  readonly drift: readonly number[];
  /** By round: whether it counts. */
  readonly counts: readonly boolean[];
}

/** Repetitions of: latencies given the rounds' drift, drift given the latencies. */
const kRefinements = 4;

/** What the rounds say so far. The last one may be unfinished. */
export function summarise(rounds: readonly Round[]): Summary {
  const alike = fit(rounds, true);
  const apart = fit(rounds, false);
  return spread(rounds, alike) <= spread(rounds, apart) ? alike : apart;
}

/** How far the readings of the middle network are from its latency on average, relative. */
function spread(rounds: readonly Round[], { latency_ms, drift }: Summary): number {
  const own = latency_ms.map((ms, network) => {
    const values = rounds.map((round, i) => (round[network] ?? Number.NaN) / (drift[i] ?? 1)).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + Math.abs(value / ms - 1), 0) / values.length;
  });
  return quantile(own, 0.5);
}

function fit(rounds: readonly Round[], drifting: boolean): Summary {
  const networks = Math.max(0, ...rounds.map((round) => round.length));
  let drift = rounds.map(() => 1);
  let counts = rounds.map(() => true);
  const corrected = (network: number): number[] =>
    rounds.flatMap((round, i) => (counts[i] ? [(round[network] ?? Number.NaN) / (drift[i] ?? 1)] : []));
  const low = (): number[] => Array.from({ length: networks }, (_, i) => quantile(corrected(i), kLow));
  for (let pass = 0; drifting && pass < kRefinements; ++pass) {
    const latency_ms = low();
    const ratios = rounds.map((round) => {
      const found = quantile(round.map((ms, i) => ms / (latency_ms[i] ?? Number.NaN)), 0.5);
      return Number.isNaN(found) ? 1 : found;
    });
    const usual = quantile(ratios, kLow);
    drift = ratios.map((ratio) => ratio / usual);
    counts = drift.map((factor) => factor <= kThrottled);
    // Where most are slow, that is how the machine is.
    if (counts.filter(Boolean).length * 2 < rounds.length) counts = rounds.map(() => true);
  }
  const latency_ms = low();
  const error = latency_ms.map((ms, i) => {
    const values = corrected(i).filter((value) => !Number.isNaN(value));
    return (quantile(values, 0.5) / ms - 1) / Math.sqrt(values.length);
  });
  return { latency_ms, error, drift, counts };
}

export interface Verdict {
  readonly finished: boolean;
  /** Relative, of the worst but a tenth of the networks; infinite before there are enough rounds. */
  readonly error: number;
  /** Rounds that are likely to follow. */
  readonly rounds_left: number;
}

/** Whether these finished rounds, which took so long, are enough. */
export function judge(rounds: readonly Round[], seconds: number, limits: Limits): Verdict {
  const { error: errors, counts } = summarise(rounds);
  const counting = counts.filter(Boolean).length;
  const error = counting < limits.fewestRounds ? Infinity : quantile(errors, 0.9);
  const perRound = seconds / Math.max(1, rounds.length);
  const affordable = perRound > 0 ? Math.floor((limits.seconds - seconds) / perRound) : limits.mostRounds;
  const possible = Math.max(limits.fewestRounds - rounds.length, Math.min(limits.mostRounds - rounds.length, affordable), 0);
  if (error <= limits.error || possible === 0) return { finished: true, error, rounds_left: 0 };
  // The error falls with the square root of the rounds.
  const wanted = Number.isFinite(error) ? counting * (error / limits.error) ** 2 - counting : limits.fewestRounds - counting;
  return { finished: false, error, rounds_left: Math.min(possible, Math.max(1, Math.ceil(wanted))) };
}

/** Latencies of later rounds as they would have been in earlier ones, by networks measured in both. */
export function rescaled(latency_ms: readonly number[], now: readonly number[], before: readonly number[]): number[] {
  const factor = quantile(now.map((ms, i) => (before[i] ?? Number.NaN) / ms), 0.5);
  return latency_ms.map((ms) => ms * (Number.isNaN(factor) ? 1 : factor));
}
