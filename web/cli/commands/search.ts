import { LatencastError, type Engine, type SearchOptions, type SpaceId } from '../../api/index.js';
import { adapted, kCommon, print, printJson, progress, readColumns, readPredictor, withEngine } from '../files.js';
import { command, UsageError } from '../options.js';

export const search = command({
  name: 'search',
  summary: 'the best architectures within latency limits',
  options: {
    space: kCommon.space,
    weights: { type: 'text', help: `${kCommon.weights.help}; one that was transferred needs no measurements` },
    measurements: kCommon.measurements,
    limit: { type: 'numbers', least: 0, help: 'upper limits in ms (required)' },
    accuracy: { type: 'text', help: 'CSV with the column arch and one of what is to be large; left out, multiply-adds stand in' },
    column: { type: 'text', fallback: 'test_acc_cifar100', help: 'that column' },
    evaluations: { type: 'number', whole: true, least: 1, help: 'architectures looked at where the space is too large to list; left out, 5000' },
    population: { type: 'number', whole: true, least: 1, help: 'left out, 100' },
    tournament: { type: 'number', whole: true, least: 1, help: 'left out, 25' },
    seed: { type: 'number', whole: true, least: 0, help: 'left out, 0' },
    json: kCommon.json,
  },
  run: (given) =>
    withEngine(async (engine) => {
      const { limit, evaluations, population, tournament, seed } = given;
      if (limit.length === 0) throw new UsageError(`--limit is missing; it is ${search.options['limit']?.help}`);
      const base = await readPredictor(engine, given.weights, given.space as SpaceId | undefined);
      const { space } = base.info;
      const mine = await adapted(engine, base, given.measurements);
      const quality = given.accuracy === undefined ? undefined : await readQualities(engine, space, given.accuracy, given.column);
      const listed = (await engine.spaces()).find(({ id }) => id === space)?.size !== 0;
      const working = progress('search');
      const options: SearchOptions = {
        onProgress: ({ done }) => working.at(done),
        ...(quality && { quality }),
        // Of a space too large to list, those of the file are all that can be chosen.
        ...(quality && !listed ? { start: [...quality.keys()], evaluations: quality.size } : {}),
        ...(evaluations !== undefined && (listed || !quality) && { evaluations }),
        ...(population !== undefined && { population }),
        ...(tournament !== undefined && { tournament }),
        ...(seed !== undefined && { seed }),
      };
      const { best } = await mine.search(limit, options).finally(working.end);
      const rows = limit.map((limit_ms, i) => {
        const found = best[i];
        return { limit_ms, best: found ? { arch: found.architecture, latency_ms: found.latency_ms, quality: found.quality } : null };
      });
      if (given.json) return printJson(rows);
      const lines = rows.map(({ limit_ms, best }) => [limit_ms, ...(best ? [best.arch, best.latency_ms.toPrecision(9), best.quality] : ['', '', ''])]);
      print(`${[['limit_ms', 'arch', 'latency_ms', 'quality'], ...lines].map((line) => line.join(',')).join('\n')}\n`);
    }),
});

/** Column `column` of a CSV with the column `arch`, by architecture. */
async function readQualities(engine: Engine, space: SpaceId, path: string, column: string): Promise<Map<string, number>> {
  const rows = readColumns(path, ['arch', column]);
  const parsed = await engine.parse(
    space,
    rows.map(({ arch }) => arch!),
  );
  return new Map(
    parsed.map((one, i): [string, number] => {
      const { place, [column]: text = '' } = rows[i]!;
      const value = text === '' ? NaN : Number(text);
      if (!one.ok) throw new LatencastError('architecture', `${place}: ${one.message}`);
      if (Number.isNaN(value)) throw new LatencastError('argument', `${place}: ${column} is ${JSON.stringify(text)}; expected a number`);
      return [one.architecture, value];
    }),
  );
}
