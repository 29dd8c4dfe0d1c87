import { LatencastError, type Engine, type Predictor, type SpaceId } from '../../api/index.js';
import { npy, npz, type NpyColumn } from '../../api/npz.js';
import { adapted, kCommon, known, print, progress, readPredictor, readText, say, withEngine, writeBytes } from '../files.js';
import { command, UsageError } from '../options.js';

const kStandardInput = '-';
const kEndings = ['csv', 'json', 'npy', 'npz'] as const;
type Ending = (typeof kEndings)[number];

/** Estimates by architecture, in columns; the first one is the estimate itself. */
interface Estimates {
  readonly architectures: readonly string[];
  readonly columns: Readonly<Record<string, Float64Array>>;
}

export const predict = command({
  name: 'predict',
  summary: 'estimates as CSV: arch and latency_ms (or energy_mj), its 90 % interval where known, or score',
  rest: '[ARCHITECTURE ...]   all of the space if none is given; -: one a line from standard input',
  options: {
    space: kCommon.space,
    weights: { type: 'text', help: 'predictor; transferred ones give ms; left out, the shipped one of --space' },
    measurements: { type: 'text', help: 'adapts a pre-trained predictor first; -: standard input' },
    device: { type: 'text', help: 'device of a pre-trained predictor; prints scores' },
    out: { type: 'text', help: 'file to write, by its ending: .csv, .json, .npz (all columns) or .npy (the estimates alone)' },
    json: kCommon.json,
  },
  run: ({ space, weights, measurements, device, out, json }, rest) =>
    withEngine(async (engine) => {
      const ending = out === undefined ? (json ? 'json' : 'csv') : endingOf(out);
      if (out !== undefined && json && ending !== 'json') throw new UsageError(`--json: ${out} is to be ${ending}; expected one of the two`);
      if (measurements === kStandardInput && rest.includes(kStandardInput)) throw new UsageError('--measurements: standard input has the architectures already');
      const base = await readPredictor(engine, weights, space as SpaceId | undefined);
      const found = await estimates(engine, base, { device, measurements }, rest);
      const bytes = encoded(found, ending);
      if (out === undefined) return print(new TextDecoder().decode(bytes));
      writeBytes(out, [bytes]);
      say(`${out}: ${found.architectures.length} estimates`);
    }),
});

function endingOf(path: string): Ending {
  const ending = kEndings.find((each) => path.endsWith(`.${each}`));
  if (ending) return ending;
  throw new UsageError(`--out: ${JSON.stringify(path)} found; expected a name that ends in .${kEndings.join(', .')}`);
}

async function asked(engine: Engine, space: SpaceId, rest: readonly string[]): Promise<readonly string[]> {
  const texts = rest.flatMap((one) => (one === kStandardInput ? readText().split('\n').flatMap((line) => line.trim() || []) : one));
  if (texts.length === 0 && !rest.includes(kStandardInput)) return engine.enumerate(space);
  return (await engine.parse(space, texts)).map((one) => {
    if (one.ok) return one.architecture;
    throw new LatencastError('architecture', one.message);
  });
}

async function estimates(
  engine: Engine,
  base: Predictor,
  { device, measurements }: { readonly device: string | undefined; readonly measurements: string | undefined },
  rest: readonly string[],
): Promise<Estimates> {
  const { space, devices, target } = base.info;
  if (device === undefined && target === undefined && measurements === undefined) {
    throw new UsageError('the predictor is pre-trained; expected --measurements of your device, or --device with a known one for scores');
  }
  if (device !== undefined && measurements !== undefined) throw new UsageError('--device: scores are of a known device; expected no --measurements with it');
  // Invented devices are nobody's.
  const name = device === undefined ? undefined : known('--device:', device, devices.filter((one) => !one.startsWith('simulated_')));
  const mine = name === undefined ? await adapted(engine, base, measurements) : base;
  const architectures = await asked(engine, space, rest);
  const working = progress('predict');
  const options = { onProgress: ({ done }: { readonly done: number }) => working.at(done) };
  try {
    if (name !== undefined) return { architectures, columns: { score: await mine.scores(name, architectures, options) } };
    const { method, quantity } = mine.info;
    const [value, low, high] = quantity === 'energy' ? ['energy_mj', 'low_mj', 'high_mj'] : ['latency_ms', 'low_ms', 'high_ms'];
    if (method === 'finetune') return { architectures, columns: { [value]: await mine.predict(architectures, options) } };
    const found = await mine.intervals(architectures, undefined, options);
    return { architectures, columns: { [value]: found.latency_ms, [low]: found.low, [high]: found.high } };
  } finally {
    working.end();
  }
}

function encoded({ architectures, columns }: Estimates, ending: Ending): Uint8Array {
  const names = Object.keys(columns);
  const figure = (name: string, i: number): number => Number((columns[name]?.[i] ?? NaN).toPrecision(9));
  const text = new TextEncoder();
  switch (ending) {
    case 'csv': {
      const rows = architectures.map((arch, i) => [arch, ...names.map((name) => figure(name, i))]);
      return text.encode(`${[['arch', ...names], ...rows].map((row) => row.join(',')).join('\n')}\n`);
    }
    case 'json': {
      const rows = architectures.map((arch, i) => ({ arch, ...Object.fromEntries(names.map((name): [string, number] => [name, figure(name, i)])) }));
      return text.encode(`${JSON.stringify(rows, undefined, 2)}\n`);
    }
    case 'npy':
      return npy(numbers(columns[names[0]!]!));
    case 'npz': {
      const values = Object.entries(columns).map(([name, column]): [string, NpyColumn] => [name, numbers(column)]);
      return npz({ arch: { kind: 'text', values: architectures }, ...Object.fromEntries(values) });
    }
  }
}

function numbers(values: Float64Array): NpyColumn {
  return { kind: 'float', values };
}
