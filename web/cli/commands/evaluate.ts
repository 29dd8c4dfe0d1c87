import { LatencastError, type Accuracy, type Encoder, type Engine, type Intervals, type Measurement, type Method, type Predictor, type Sampler, type SpaceId } from '../../api/index.js';
import { kCommon, kInformative, kSamplers, measurementsIn, print, printJson, progress, readEncoder, readPredictor, withEngine } from '../files.js';
import { command } from '../options.js';

/** As the native command line calls them, and the interface. */
const kMethods: Readonly<Record<string, Method>> = { combined: 'combined', bayes: 'closed-form', 'closed-form': 'closed-form', finetune: 'finetune' };

const kFigures = ['spearman', 'kendall', 'mdape', 'within5', 'within10'] as const satisfies readonly (keyof Accuracy)[];

/** Of these a choice by what is learned most is made, as by the native command line. */
const kPool = 100;

export const evaluate = command({
  name: 'evaluate',
  summary: 'how well measured architectures of a device let all its others be estimated: some are measured, the rest is the truth',
  options: {
    space: kCommon.space,
    weights: kCommon.weights,
    target: { type: 'text', help: 'lines of architecture and latency of one device; - or left out: standard input' },
    samples: { type: 'number', whole: true, least: 1, fallback: 20, help: 'how many of them are measured' },
    seeds: { type: 'number', whole: true, least: 1, fallback: 5, help: 'how many times, each with other ones' },
    method: { type: 'text', one_of: Object.keys(kMethods), fallback: 'combined', help: 'combined, bayes (closed form) or finetune' },
    sampler: { type: 'text', one_of: kSamplers, fallback: 'random', help: 'how they are chosen: as for kit' },
    json: kCommon.json,
  },
  run: ({ space, weights, target, samples, seeds, method, sampler, json }) =>
    withEngine(async (engine) => {
      const base = await readPredictor(engine, weights, space as SpaceId | undefined);
      const { measurements } = await measurementsIn(engine, base.info.space, target);
      if (measurements.length < samples + 2) {
        throw new LatencastError('argument', `evaluate: found ${measurements.length} architectures; ${samples} samples need at least two more`);
      }
      const encoder = sampler.includes('-') ? await readEncoder(engine, base.info.space) : undefined;
      const working = progress('evaluate');
      const results: Result[] = [];
      try {
        for (let seed = 0; seed < seeds; ++seed) {
          const chosen = await choose(engine, base, measurements, { sampler, samples, encoder, seed });
          results.push(await once(engine, base, measurements, chosen, kMethods[method]!, seed));
          working.at((seed + 1) / seeds);
        }
      } finally {
        working.end();
      }
      const figures = Object.fromEntries(
        [...kFigures, 'coverage90' as const].map((name) => [name, meanAndStd(results.map((result) => result[name] ?? null))]),
      );
      const seconds = { transfer: meanAndStd(results.map((result) => result.transfer)).mean, predict_1000: meanAndStd(results.map((result) => result.predict_1000)).mean };
      const asked = { method, sampler, samples, seeds, architectures_scored: results[0]!.scored };
      if (json) return printJson({ ...asked, ...figures, spearman_by_seed: results.map((result) => result.spearman), seconds });
      const rows = Object.entries(figures).flatMap(([name, { mean, std }]) => (mean === null || std === null ? [] : [`${name},${mean.toFixed(4)},${std.toFixed(4)}`]));
      print(`figure,mean,std\n${rows.join('\n')}\n`);
    }),
});

interface Result extends Accuracy {
  /** Share of latencies within the 90 % intervals, of methods that state them. */
  readonly coverage90?: number;
  readonly scored: number;
  /** Seconds. */
  readonly transfer: number;
  readonly predict_1000: number;
}

interface Choice {
  readonly sampler: string;
  readonly samples: number;
  readonly encoder: Encoder | undefined;
  readonly seed: number;
}

async function choose(engine: Engine, base: Predictor, all: readonly Measurement[], { sampler, samples, encoder, seed }: Choice): Promise<ReadonlySet<string>> {
  const { space } = base.info;
  const pool = all.map(({ architecture }) => architecture);
  // The native command line draws the same, except for the candidates of `informative`.
  const drawn = seed * 1_000_003 + 17;
  if (sampler !== kInformative) {
    return new Set(await engine.chooseSamples(space, { sampler: sampler as Sampler, pool, count: samples, seed: drawn, ...(encoder && { encoder }) }));
  }
  const count = Math.min(pool.length, Math.max(kPool, samples));
  const candidates = await engine.chooseSamples(space, { sampler: 'random', pool, count, seed: drawn });
  return new Set((await base.next({ count: samples, pool: candidates })).architectures);
}

async function once(engine: Engine, base: Predictor, all: readonly Measurement[], chosen: ReadonlySet<string>, method: Method, seed: number): Promise<Result> {
  const measured = [...chosen].flatMap((one) => all.filter(({ architecture }) => architecture === one));
  const rest = all.filter(({ architecture }) => !chosen.has(architecture));
  const unseen = rest.map(({ architecture }) => architecture);
  const truth = Float64Array.from(rest, ({ latency_ms }) => latency_ms);
  const start = performance.now();
  const mine = await base.transfer(measured, { method, ...(method !== 'closed-form' && { seed }) });
  try {
    const adapted = performance.now();
    const intervals = mine.info.method === 'finetune' ? undefined : await mine.intervals(unseen);
    const predicted = intervals?.latency_ms ?? (await mine.predict(unseen));
    const done = performance.now();
    return {
      ...(await engine.accuracy(predicted, truth)),
      ...(intervals && { coverage90: held(intervals, truth) }),
      scored: rest.length,
      transfer: (adapted - start) / 1000,
      predict_1000: (done - adapted) / rest.length,
    };
  } finally {
    mine.dispose();
  }
}

function held({ low, high }: Intervals, truth: Float64Array): number {
  return truth.reduce((count, latency, i) => count + (low[i]! <= latency && latency <= high[i]! ? 1 : 0), 0) / truth.length;
}

/** Null where a method states none. */
function meanAndStd(values: readonly (number | null)[]): { readonly mean: number | null; readonly std: number | null } {
  const known = values.filter((value) => value !== null);
  if (known.length < values.length) return { mean: null, std: null };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : 0 };
}
