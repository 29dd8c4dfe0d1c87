/** Measuring a browser as a value: what is to be run, what has been, and what comes next. Stored as it is. */

import type { Measurement, SpaceId } from '../../api/index.js';
import { judge, rescaled, summarise, visitOrder, type Round, type Verdict } from './schedule.js';
import { kLimits, type Setting } from './setting.js';

/** Networks that are measured in common rounds. */
export interface Series {
  readonly architectures: readonly string[];
  /** The last one may be unfinished. */
  readonly rounds: readonly Round[];
  /** Time in visits that count. */
  readonly seconds: number;
  readonly finished: boolean;
}

/** What was expected of the networks of the proof before they were measured. */
export interface Prediction {
  readonly low: readonly number[];
  readonly latency_ms: readonly number[];
  readonly high: readonly number[];
}

/** Of a search space, unless it is said what of. */
export interface Run<S extends string = SpaceId> {
  readonly space: S;
  readonly setting: Setting;
  /** The measurements that estimates are made from; it grows up to `wanted` networks in its first round. */
  readonly measured: Series;
  /** Those beyond the first are chosen one by one, by what is known of this browser by then. */
  readonly wanted: number;
  /** Networks that were not measured before; behind them some that were, to tell how the machine has drifted. */
  readonly proof: Series;
  /** Networks of the proof without those. */
  readonly unseen: number;
  readonly prediction?: Prediction;
  /** Visits that were repeated because the tab was in the background. */
  readonly repeated: number;
  /** Whether it goes on by itself when the page is opened again. */
  readonly going: boolean;
}

export type AnyRun = Run<string>;

export type Phase = 'measured' | 'proof';

/** Networks of a proof that were measured before. */
const kAnchors = 4;

function series(architectures: readonly string[]): Series {
  return { architectures, rounds: [], seconds: 0, finished: architectures.length === 0 };
}

/** measured: to begin with. unseen: to be measured afterwards, none of them among the measured; may be none. */
export function newRun<S extends string>(
  space: S,
  setting: Setting,
  measured: readonly string[],
  unseen: readonly string[],
  wanted = measured.length,
): Run<S> {
  return {
    space,
    setting,
    measured: series(measured),
    wanted,
    ...proofOf(measured, unseen),
    repeated: 0,
    going: true,
  };
}

function proofOf(measured: readonly string[], unseen: readonly string[]): Pick<Run, 'proof' | 'unseen'> {
  // Spread over the measured, which begin with the most informative.
  const step = Math.max(1, Math.floor(measured.length / kAnchors));
  const anchors = unseen.length === 0 ? [] : measured.filter((_, i) => i % step === 0).slice(0, kAnchors);
  return { proof: series([...unseen, ...anchors]), unseen: unseen.length };
}

/** The run with another proof, which is to come. */
export function withProof<R extends AnyRun>(run: R, unseen: readonly string[]): R {
  const { prediction: _, ...rest } = run;
  return { ...rest, ...proofOf(run.measured.architectures, unseen) } as R;
}

export type Step =
  | { readonly kind: 'visit'; readonly phase: Phase; readonly network: number }
  /** One more network to measure is to be chosen. */
  | { readonly kind: 'choose' }
  /** The networks of the proof are to be estimated before they are measured. */
  | { readonly kind: 'predict' };

/** What is to be done next; undefined where everything is. */
export function nextStep(run: AnyRun): Step | undefined {
  if (isGrowing(run) && run.measured.rounds.length === 1 && !isOpen(run.measured.rounds[0] ?? [])) return { kind: 'choose' };
  if (!run.measured.finished) return { kind: 'visit', phase: 'measured', network: nextNetwork(run.measured) };
  if (run.proof.finished) return undefined;
  if (!run.prediction) return { kind: 'predict' };
  return { kind: 'visit', phase: 'proof', network: nextNetwork(run.proof) };
}

function isGrowing({ measured, wanted }: AnyRun): boolean {
  return measured.architectures.length < wanted;
}

/** The run with more networks to measure; without any there is nothing left to choose. */
export function withChosen<R extends AnyRun>(run: R, architectures: readonly string[]): R {
  const { measured } = run;
  const [round = []] = measured.rounds;
  if (architectures.length === 0) return { ...run, wanted: measured.architectures.length };
  return {
    ...run,
    measured: {
      ...measured,
      architectures: [...measured.architectures, ...architectures],
      rounds: [[...round, ...architectures.map(() => Number.NaN)]],
    },
  };
}

function nextNetwork({ architectures, rounds }: Series): number {
  const last = rounds.at(-1) ?? [];
  const full = rounds.length > 0 && !isOpen(last);
  const order = visitOrder(architectures.length, full || rounds.length === 0 ? rounds.length : rounds.length - 1);
  const found = full ? order[0] : order.find((network) => Number.isNaN(last[network] ?? Number.NaN));
  return found ?? 0;
}

function isOpen(round: Round): boolean {
  return round.some(Number.isNaN);
}

/** The run with one more reading. */
export function withReading<R extends AnyRun>(run: R, phase: Phase, network: number, latency_ms: number, seconds: number): R {
  const before = run[phase];
  const rounds = [...before.rounds];
  const last = rounds.at(-1);
  const round = last && isOpen(last) ? [...last] : before.architectures.map(() => Number.NaN);
  if (last && isOpen(last)) rounds.pop();
  round[network] = latency_ms;
  rounds.push(round);
  const spent = before.seconds + seconds;
  const finished = !isOpen(round) && !isGrowing(run) && judge(rounds, spent, kLimits[run.setting.effort]).finished;
  return { ...run, [phase]: { ...before, rounds, seconds: spent, finished } };
}

/** How far a run has come. */
export interface Progress {
  readonly phase: Phase;
  /** Round and network of it that come next, from 1. */
  readonly round: number;
  readonly network: number;
  readonly networks: number;
  readonly verdict: Verdict;
  readonly seconds_left: number;
  /** 0 to 1, of everything. */
  readonly done: number;
}

export function progressOf(run: AnyRun): Progress {
  const phase = run.measured.finished ? 'proof' : 'measured';
  const { architectures, rounds, seconds } = run[phase];
  const networks = phase === 'measured' ? Math.max(run.wanted, architectures.length) : architectures.length;
  const last = rounds.at(-1);
  const open = last !== undefined && (isOpen(last) || last.length < networks);
  const full = open ? rounds.slice(0, -1) : rounds;
  const visits = last ? last.filter((ms) => !Number.isNaN(ms)).length : 0;
  const inRound = open ? visits / networks : 0;
  // Before a phase has begun it is told by the other, as many rounds of fewer or more networks.
  const share = run.proof.architectures.length / Math.max(1, run.wanted);
  const known = seconds > 0 ? seconds / (full.length + inRound) : (run.measured.seconds / Math.max(1, run.measured.rounds.length)) * share;
  const verdict = judge(full, known * full.length, kLimits[run.setting.effort]);
  const here = known * Math.max(0, verdict.rounds_left - inRound);
  const later = phase === 'measured' ? (seconds + here) * share : 0;
  const spent = run.measured.seconds + run.proof.seconds;
  return {
    phase,
    round: full.length + 1,
    network: (open ? visits : 0) + 1,
    networks,
    verdict,
    seconds_left: spent > 0 ? here + later : Number.NaN,
    done: spent > 0 ? spent / (spent + here + later) : 0,
  };
}

/** What has been measured so far; nothing of networks without a reading. */
export function measurementsOf(run: AnyRun): Measurement[] {
  const { latency_ms, error } = summarise(run.measured.rounds);
  return run.measured.architectures.flatMap((architecture, i) => {
    const ms = latency_ms[i] ?? Number.NaN;
    const relative_error = error[i] ?? 0;
    // Of one reading nothing is known.
    return ms > 0 ? [{ architecture, latency_ms: ms, ...(relative_error > 0 && { relative_error }) }] : [];
  });
}

/** The networks of the proof, as long as they would have taken when the others were measured. */
export function unseenLatencies(run: AnyRun): readonly number[] {
  const known = new Map(measurementsOf(run).map(({ architecture, latency_ms }) => [architecture, latency_ms]));
  const { latency_ms } = summarise(run.proof.rounds);
  const before = run.proof.architectures.slice(run.unseen).map((architecture) => known.get(architecture) ?? Number.NaN);
  return rescaled(latency_ms.slice(0, run.unseen), latency_ms.slice(run.unseen), before);
}

/** Rounds that do not count. */
export function throttledRounds(run: AnyRun): number {
  return [run.measured, run.proof].reduce((sum, { rounds }) => sum + summarise(rounds).counts.filter((counts) => !counts).length, 0);
}
