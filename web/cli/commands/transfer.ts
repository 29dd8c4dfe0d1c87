import type { Method, Predictor, SpaceId } from '../../api/index.js';
import { adapt, kCommon, measurementsIn, printJson, readPredictor, say, weightsPath, withEngine, writeBytes } from '../files.js';
import { command, UsageError } from '../options.js';

const kMethods: readonly Method[] = ['closed-form', 'finetune', 'combined'];

export const transfer = command({
  name: 'transfer',
  summary: 'adapt a predictor to a new device',
  options: {
    space: kCommon.space,
    weights: kCommon.weights,
    measurements: kCommon.measurements,
    out: { type: 'text', required: true, help: 'predictor to write' },
    device: { type: 'text', fallback: 'my device', help: 'name of the new device' },
    method: { type: 'text', one_of: kMethods, help: "closed-form, NASFLAT's finetune, or both combined; left out, closed-form where the weights can" },
    trust: { type: 'numbers', whole: true, least: 1, help: 'not of finetune: measurements never to be set aside, from 1' },
    epochs: { type: 'number', whole: true, least: 1, help: 'not of closed-form; left out, 40' },
    'learning-rate': { type: 'number', least: 0, help: 'not of closed-form; left out, by the nearest source' },
    seed: { type: 'number', whole: true, least: 0, help: 'not of closed-form; left out, 0' },
    json: kCommon.json,
  },
  run: (given) =>
    withEngine(async (engine) => {
      const { device, epochs, seed, trust, out } = given;
      const base = await readPredictor(engine, given.weights, given.space as SpaceId | undefined);
      if (base.info.target !== undefined) throw new UsageError(`--weights: it is of ${base.info.target}; a pre-trained predictor expected`);
      const measured = await measurementsIn(engine, base.info.space, given.measurements);
      const learning = given['learning-rate'];
      const mine = await adapt(base, measured, {
        device,
        ...(given.method !== undefined && { method: given.method as Method }),
        ...(trust.length > 0 && { trusted: trust.map((place) => place - 1) }),
        ...(epochs !== undefined && { epochs }),
        ...(learning !== undefined && { learning_rate: learning }),
        ...(seed !== undefined && { seed }),
      });
      const path = weightsPath(out);
      writeBytes(path, [await mine.save()]);
      const found = await summary(mine);
      if ('doubts' in found) {
        say(`${path}: expected rank correlation ${found.expected_spearman.toFixed(3)}, median error ${(100 * found.expected_error).toFixed(1)} %`);
        for (const { message, set_aside } of found.doubts) say(`${message}${set_aside ? ' (set aside)' : ''}`);
      } else if (found.nearest) {
        say(`${path}: started from ${found.nearest.device} (rank correlation ${found.nearest.spearman.toFixed(3)} on the measurements)`);
      }
      if (given.json) {
        const { measurements, quantity } = measured;
        printJson({ out: path, space: base.info.space, device, quantity, measurements: measurements.length, ...found });
      }
    }),
});

/** What a transferred predictor says of itself. */
async function summary(mine: Predictor) {
  const { method, nearest } = mine.info;
  if (method === 'finetune') return { method, nearest };
  const { left_out: _, ...review } = await mine.review();
  return { method, ...review };
}
