/**
 * Runs models in Node for the profiler, which asks line by line (JSON) and is answered line by line.
 *
 *   {"load": id, ...}            -> {"answer": [...]}: some numbers of the answer
 *   {"visit": id, plan...}       -> {"ms": ...}: milliseconds a run
 *
 * Usage: node server.mjs RUNTIME FOLDER SETTINGS, where FOLDER has the packages in its node_modules.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [, , name, folder, given] = process.argv;
const settings = JSON.parse(given);
const require = createRequire(join(folder, 'package.json'));
const load = (path) => import(pathToFileURL(join(folder, 'node_modules', path)).href);

/** Numbers of an input: the beginning of a file. */
function values({ shape, file }) {
  const count = shape.reduce((product, length) => product * length, 1);
  const bytes = Buffer.alloc(4 * count);
  const opened = openSync(file);
  readSync(opened, bytes, 0, bytes.length, 0);
  closeSync(opened);
  return new Float32Array(bytes.buffer, bytes.byteOffset, count);
}

const { open } = await import(`./${name}.mjs`);
const runtime = await open({ load, require, folder, settings, values });

const held = new Map();

async function timed(run, times) {
  const begin = performance.now();
  for (let i = 0; i < times; ++i) await run();
  return (performance.now() - begin) / times;
}

/** By linear interpolation between neighbours. */
function quantile(found, share) {
  const known = [...found].sort((a, b) => a - b);
  const at = share * (known.length - 1);
  const below = known[Math.floor(at)];
  return below + (known[Math.ceil(at)] - below) * (at - Math.floor(at));
}

/** As `visit` of protocol.py: a first run says how many there are to be; the clock's step is a microsecond or less. */
async function visit(run, { visit_ms, fewest_readings, most_readings, low_quantile, ticks, tick_ms }) {
  const once = Math.max(await timed(run, 1), tick_ms);
  const runs = Math.max(1, Math.ceil((ticks * tick_ms) / once));
  const readings = Math.min(Math.max(Math.ceil(visit_ms / (runs * once)), fewest_readings), most_readings);
  const ms = [];
  for (let i = 0; i < readings; ++i) ms.push(await timed(run, runs));
  return quantile(ms, low_quantile);
}

async function reply(asked) {
  if (asked.load !== undefined) {
    const { run, answer } = await runtime.load(asked);
    held.set(asked.load, run);
    const found = await answer();
    const count = asked.samples;
    return { answer: Array.from({ length: count }, (_, i) => found[Math.floor((i * found.length) / count)]) };
  }
  return { ms: await visit(held.get(asked.visit), asked) };
}

process.stdout.write(`${JSON.stringify({ version: runtime.version })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  let text;
  try {
    text = await reply(JSON.parse(line));
  } catch (error) {
    text = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(text)}\n`);
}
process.exit(0);
