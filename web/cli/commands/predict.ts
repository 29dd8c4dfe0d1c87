import { LatencastError, type Engine, type Predictor } from '../../api/index.js';
import { kCommon, print, printJson, progress, readPredictor, readText, withEngine } from '../files.js';
import { command } from '../options.js';

const kStandardInput = '-';

/** What a table of estimates has beside `arch`, by column. */
type Columns = Readonly<Record<string, Float64Array>>;

export const predict = command({
  name: 'predict',
  summary: 'estimates as CSV: arch and latency_ms, its 90 % interval where known, or score',
  rest: '[ARCHITECTURE ...]   all of the space if none is given; -: one a line from standard input',
  options: {
    weights: { type: 'text', required: true, help: 'predictor; transferred ones give ms, pre-trained ones scores' },
    device: { type: 'text', help: 'device of a pre-trained predictor; prints scores' },
    json: kCommon.json,
  },
  run: ({ weights, device, json }, rest) =>
    withEngine(async (engine) => {
      const predictor = await readPredictor(engine, weights);
      const architectures = await asked(engine, predictor, rest);
      const working = progress('predict');
      const columns = await estimates(predictor, device, architectures, working.at).finally(working.end);
      const names = Object.keys(columns);
      const figures = (i: number): number[] => names.map((name) => Number((columns[name]?.[i] ?? NaN).toPrecision(9)));
      if (json) {
        return printJson(architectures.map((arch, i) => ({ arch, ...Object.fromEntries(figures(i).map((value, c) => [names[c], value])) })));
      }
      print(`${[['arch', ...names], ...architectures.map((arch, i) => [arch, ...figures(i)])].map((row) => row.join(',')).join('\n')}\n`);
    }),
});

async function asked(engine: Engine, predictor: Predictor, rest: readonly string[]): Promise<readonly string[]> {
  const texts = rest.flatMap((one) => (one === kStandardInput ? readText().split('\n').flatMap((line) => line.trim() || []) : one));
  const { space } = predictor.info;
  if (texts.length === 0) return engine.enumerate(space);
  return (await engine.parse(space, texts)).map((one) => {
    if (one.ok) return one.architecture;
    throw new LatencastError('architecture', one.message);
  });
}

async function estimates(
  predictor: Predictor,
  device: string | undefined,
  architectures: readonly string[],
  at: (done: number) => void,
): Promise<Columns> {
  const options = { onProgress: ({ done }: { readonly done: number }) => at(done) };
  if (device !== undefined) return { score: await predictor.scores(device, architectures, options) };
  const { method } = predictor.info;
  if (method === undefined || method === 'finetune') return { latency_ms: await predictor.predict(architectures, options) };
  const { latency_ms, low, high } = await predictor.intervals(architectures, undefined, options);
  return { latency_ms, low_ms: low, high_ms: high };
}
