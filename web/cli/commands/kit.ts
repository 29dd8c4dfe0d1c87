import { readdirSync } from 'node:fs';

import type { Engine, Sampler, SpaceId } from '../../api/index.js';
import { makeKit } from '../../kit/kit.js';
import { kRuntimes, type KitRuntimeId } from '../../kit/runtimes.js';
import { kCommon, kInformative, kKitScripts, kSamplers, printJson, progress, readEncoder, readPredictor, readText, say, withEngine, writeBytes } from '../files.js';
import { command, UsageError } from '../options.js';

/** The scripts of every runtime, by name. */
function readScripts(): Record<string, string> {
  const files = readdirSync(kKitScripts).filter((name) => /\.(py|sh)$/.test(name));
  return Object.fromEntries(files.map((name) => [name, readText(kKitScripts + name)]));
}

async function choose(engine: Engine, space: SpaceId, sampler: string, count: number, seed: number | undefined): Promise<readonly string[]> {
  if (sampler === kInformative) return (await (await readPredictor(engine, undefined, space)).next({ count })).architectures;
  const encoder = sampler.includes('-') ? { encoder: await readEncoder(engine, space) } : {};
  return engine.chooseSamples(space, { sampler: sampler as Sampler, count, ...(seed !== undefined && { seed }), ...encoder });
}

export const kit = command({
  name: 'kit',
  summary: 'a zip of networks as ONNX models, with a script for each runtime that measures them on a device',
  rest: '[ARCHITECTURE ...]   instead of chosen ones',
  options: {
    space: { ...kCommon.space, fallback: 'nb201' },
    samples: { type: 'number', whole: true, least: 1, fallback: 20, help: 'how many networks to choose' },
    sampler: { type: 'text', one_of: kSamplers, fallback: kInformative, help: `how: ${kSamplers.slice(0, 3).join(', ')}, or kmeans, cosine or both with -caz, -cate, -arch2vec or -zcp` },
    seed: { type: 'number', whole: true, least: 0, help: 'of samplers that draw' },
    runtime: { type: 'texts', commas: true, one_of: kRuntimes.map(({ id }) => id), help: `scripts for ${kRuntimes.map(({ id }) => id).join(', ')}; left out, all` },
    pixels: { type: 'number', whole: true, least: 1, help: 'width and height of the image; 16 for ImageNet16-120' },
    classes: { type: 'number', whole: true, least: 1, help: 'outputs; 120 for ImageNet16-120' },
    out: { type: 'text', required: true, help: 'zip to write' },
    json: kCommon.json,
  },
  run: (given, rest) =>
    withEngine(async (engine) => {
      const { sampler, samples, seed, pixels, classes, out, runtime } = given;
      const space = given.space as SpaceId;
      if (seed !== undefined && (sampler === kInformative || rest.length > 0)) {
        throw new UsageError('--seed: nothing is drawn; it belongs to --sampler random and those by encoding');
      }
      const architectures = rest.length > 0 ? rest : await choose(engine, space, sampler, samples, seed);
      const packing = progress('packing');
      const parts = await makeKit(engine, space, architectures, {
        scripts: readScripts(),
        ...(rest.length === 0 && { sampler }),
        ...(runtime.length > 0 && { runtimes: runtime as readonly KitRuntimeId[] }),
        ...(pixels !== undefined && { pixels }),
        ...(classes !== undefined && { classes }),
        onProgress: packing.at,
      }).finally(packing.end);
      writeBytes(out, parts);
      const bytes = parts.reduce((sum, part) => sum + part.length, 0);
      say(`${out}: ${architectures.length} networks, ${(bytes / 1e6).toFixed(1)} MB; its README.txt says how to measure them`);
      if (given.json) printJson({ out, space, bytes, architectures });
    }),
});
