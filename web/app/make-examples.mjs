// Writes public/examples/: the built-in examples and the table of the space, all through the API.
//   node web/app/make-examples.mjs --data DIR [--weights weights/nb201.latencast]
// DIR holds nb201/latency_ms.csv (NAS-Bench-201 latencies collected by HayeonLee/HELP, MIT). Needs the WebAssembly module
// in build-wasm/. Per device it writes
//   <device>.json           20 measurements chosen at random, and what the shipped weights make of them
//   <device>.truth.bin      measured ms of all architectures, float32, little endian, official order
//   <device>.estimates.bin  estimated ms, likewise
// and once nb201.space.bin (see readSpaceTable in space.ts).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';
import { createServer } from 'vite';

const kRoot = resolve(import.meta.dirname, '../..');
const kOut = join(import.meta.dirname, 'public/examples');
const kSamples = 20;
const kSeed = 1;
const kHelp = 'HayeonLee/HELP (MIT)';
const kHwNasBench = `HW-NAS-Bench (MIT) by way of ${kHelp}`;
const kDevices = {
  raspi4: `Measured on a Raspberry Pi 4, published in ${kHwNasBench}.`,
  gold_6226: `Measured on an Intel Xeon Gold 6226, published in ${kHelp}.`,
  eyeriss: `Modelled for the Eyeriss accelerator, published in ${kHwNasBench}.`,
};

const { values: args } = parseArgs({ options: { data: { type: 'string' }, weights: { type: 'string' } } });
if (args.data === undefined) {
  console.error('make-examples: no --data; expected the folder that holds nb201/latency_ms.csv');
  process.exit(1);
}

// The API is TypeScript; Vite loads it here as it does for the page.
const vite = await createServer({
  root: kRoot,
  configFile: false,
  appType: 'custom',
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, ws: false, watch: null },
});
const api = await vite.ssrLoadModule('/web/api/index.ts');
const engine = await api.createEngine({
  kind: 'local',
  wasm: new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm/latencast.wasm'))),
});
const base = await engine.load(new Uint8Array(readFileSync(args.weights ?? join(kRoot, 'weights/nb201.latencast'))));
const cells = await engine.enumerate('nb201');
mkdirSync(kOut, { recursive: true });

const facts = await engine.facts('nb201', cells);
writeFileSync(
  join(kOut, 'nb201.space.bin'),
  Buffer.concat([
    bytes(Uint32Array.from(facts, (fact) => fact.macs)),
    bytes(Uint32Array.from(facts, (fact) => fact.params)),
    Buffer.from(cells.flatMap((cell) => Array.from(cell, Number))),
  ]),
);

const table = Papa.parse(readFileSync(join(args.data, 'nb201/latency_ms.csv'), 'utf8'), {
  header: true,
  skipEmptyLines: true,
});
const rowOf = new Map(table.data.map((row) => [row.arch, row]));
const chosen = choose(cells.length, kSamples, kSeed);

for (const [device, origin] of Object.entries(kDevices)) {
  const truth = Float64Array.from(cells, (cell) => {
    const latency_ms = Number(rowOf.get(cell)?.[device]);
    if (!(latency_ms > 0)) throw new Error(`latency_ms.csv: ${device} has no latency of ${cell}`);
    return latency_ms;
  });
  const measurements = chosen.map((index) => ({ architecture: cells[index], latency_ms: truth[index] }));
  const predictor = await base.transfer(measurements, { device });
  const estimates = await predictor.predictAll();
  const held = await base.leaveOneOut(measurements, { device });
  const others = cells.map((_, index) => index).filter((index) => !chosen.includes(index));
  const accuracy = await engine.accuracy(pick(estimates, others), pick(truth, others));
  writeFileSync(join(kOut, `${device}.truth.bin`), bytes(Float32Array.from(truth)));
  writeFileSync(join(kOut, `${device}.estimates.bin`), bytes(Float32Array.from(estimates)));
  const example = {
    origin: `${origin} ${kSamples} of 15,625 chosen at random (seed ${kSeed}).`,
    measurements,
    nearest: predictor.info.nearest,
    leave_one_out: { latency_ms: [...held.latency_ms], spearman: held.spearman, mdape: held.mdape },
    accuracy,
  };
  writeFileSync(join(kOut, `${device}.json`), `${JSON.stringify(example, null, 1)}\n`);
  console.log(`${device}: Spearman ${accuracy.spearman.toFixed(4)} on the other ${others.length}`);
  predictor.dispose();
}
engine.dispose();
await vite.close();

/** k distinct numbers below n, by a small generator (mulberry32) that any program can repeat. */
function choose(n, k, seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const picked = new Set();
  while (picked.size < k) picked.add(Math.floor(uniform() * n));
  return [...picked];
}

function pick(values, indices) {
  return Float64Array.from(indices, (index) => values[index]);
}

function bytes(array) {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
