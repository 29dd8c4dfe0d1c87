// Writes public/examples/: the tables of the spaces and the built-in examples, all through the API.
//   node web/app/make-examples.mjs --data DIR [--space nb201|fbnet|ofa] [--weights DIR]
// DIR holds <space>/latency_ms.csv (latencies collected by HayeonLee/HELP, MIT); --weights the folder of the predictors,
// weights/ unless told. Needs the WebAssembly module in build-wasm/. Per space it writes
//   <space>/space.bin              what the page has numbers of (see readSpaceTable in spaces/table.ts): the pool of the
//                                  space and, where that is not all of it, the measured architectures of the examples
//   <space>/<device>.json           20 measurements chosen at random, and what the shipped weights make of them
//   <space>/<device>.estimates.bin  estimated ms of every row, float32, little endian
//   <space>/<device>.bounds.bin     of every row, how far its 90 % interval reaches to both sides: log(high / estimate) in
//                                   ten-thousandths, uint16, little endian
//   <space>/<device>.truth.bin      measured ms, likewise, where the whole space is measured
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';
import { withEngine } from './with-engine.mjs';
import { choose } from './choose.mjs';

const kRoot = resolve(import.meta.dirname, '../..');
const kOut = join(import.meta.dirname, 'public/examples');
const kSamples = 20;
const kSeed = 1;
const kHelp = 'HayeonLee/HELP (MIT)';
const kHwNasBench = `HW-NAS-Bench (MIT) by way of ${kHelp}`;
const kXeon = `Measured on an Intel Xeon Gold 6226, published in ${kHelp}.`;
const kEyeriss = `Modelled for the Eyeriss accelerator, published in ${kHwNasBench}.`;
const titan = (batch) => `Measured on an NVIDIA TITAN RTX, batches of ${batch}, published in ${kHelp}.`;
const kSpaces = {
  nb201: {
    raspi4: `Measured on a Raspberry Pi 4, published in ${kHwNasBench}.`,
    gold_6226: kXeon,
    eyeriss: kEyeriss,
  },
  fbnet: {
    raspi4: `Summed over blocks measured on a Raspberry Pi 4, published in ${kHwNasBench}.`,
    gold_6226: kXeon,
    eyeriss: kEyeriss,
    fpga: `Modelled for an FPGA (ZC706), published in ${kHwNasBench}.`,
  },
  ofa: { titan_rtx_1: titan(1), titan_rtx_32: titan(32), titan_rtx_64: titan(64) },
};

const { values: args } = parseArgs({
  options: { data: { type: 'string' }, space: { type: 'string' }, weights: { type: 'string' } },
});
const chosenSpaces = args.space === undefined ? Object.keys(kSpaces) : [args.space];
if (args.data === undefined || chosenSpaces.some((space) => !(space in kSpaces))) {
  const found = args.data === undefined ? 'no --data' : `--space ${args.space}`;
  console.error(`make-examples: ${found}; expected --data, the folder of <space>/latency_ms.csv, and a space of ${Object.keys(kSpaces).join(', ')}`);
  process.exit(1);
}
const weights = args.weights ?? join(kRoot, 'weights');

await withEngine(async (engine) => {
  for (const space of chosenSpaces) await writeSpace(engine, space);
});

async function writeSpace(engine, space) {
  const out = join(kOut, space);
  mkdirSync(out, { recursive: true });
  const pool = await engine.pool(space);
  const listed = (await engine.spaces()).find(({ id }) => id === space).size > 0;

  const { data } = Papa.parse(readFileSync(join(args.data, space, 'latency_ms.csv'), 'utf8'), {
    header: true,
    skipEmptyLines: true,
  });
  const parsed = await engine.parse(space, data.map((row) => row.arch));
  const measured = data.map((row, i) => ({ ...row, architecture: parsed[i].architecture }));
  // Of a listed space, in its own order.
  if (listed) {
    const rowOf = new Map(measured.map((row) => [row.architecture, row]));
    measured.splice(0, measured.length, ...pool.map((architecture) => rowOf.get(architecture)));
  }
  const chosen = choose(measured.length, kSamples, kSeed);
  const rows = [...new Set([...pool, ...chosen.map((i) => measured[i].architecture)])];
  const facts = await engine.facts(space, rows);
  writeFileSync(
    join(out, 'space.bin'),
    Buffer.concat([
      bytes(Uint32Array.of(rows.length)),
      bytes(Uint32Array.from(facts, (fact) => fact.macs)),
      bytes(Uint32Array.from(facts, (fact) => fact.params)),
      Buffer.from(rows.map((architecture) => `${architecture}\n`).join('')),
    ]),
  );

  const file = join(weights, `${space}.latencast`);
  if (!existsSync(file)) {
    console.log(`${space}: ${file} is not there, so only the table was written`);
    return;
  }
  const base = await engine.load(new Uint8Array(readFileSync(file)));
  for (const [device, origin] of Object.entries(kSpaces[space])) {
    if (base.info.devices.includes(device)) throw new Error(`${space}.latencast knows ${device}; an example must be of a device it has never seen`);
    const truth = Float64Array.from(measured, (row) => Number(row[device]));
    if (!truth.every((latency_ms) => latency_ms > 0)) throw new Error(`${space}/latency_ms.csv: ${device} has gaps`);
    const measurements = chosen.map((i) => ({ architecture: measured[i].architecture, latency_ms: truth[i] }));
    const predictor = await base.transfer(measurements, { device, method: 'combined' });
    const { latency_ms: estimates, high } = await predictor.intervals(rows);
    const { left_out, ...review } = await predictor.review();
    const held = await checked(engine, left_out, review, measurements);
    const bounds = { low: [...left_out.low], high: [...left_out.high] };
    const others = measured.map((_, i) => i).filter((i) => !chosen.includes(i));
    const predicted = await predictor.predict(others.map((i) => measured[i].architecture));
    const accuracy = await engine.accuracy(predicted, Float64Array.from(others, (i) => truth[i]));
    if (listed) writeFileSync(join(out, `${device}.truth.bin`), bytes(Float32Array.from(truth)));
    writeFileSync(join(out, `${device}.estimates.bin`), bytes(Float32Array.from(estimates)));
    const reach = Uint16Array.from(estimates, (latency_ms, i) => Math.min(Math.round(1e4 * Math.log(high[i] / latency_ms)), 0xffff));
    writeFileSync(join(out, `${device}.bounds.bin`), bytes(reach));
    const of = measured.length.toLocaleString('en');
    const example = {
      origin: `${origin} ${kSamples} of ${of} chosen at random (seed ${kSeed}).`,
      truth: listed,
      measurements,
      method: predictor.info.method,
      nearest: predictor.info.nearest,
      review,
      leave_one_out: { latency_ms: [...held.latency_ms], spearman: held.spearman, mdape: held.mdape, ...bounds },
      accuracy: { ...accuracy, count: others.length },
    };
    writeFileSync(join(out, `${device}.json`), `${JSON.stringify(example, null, 1)}\n`);
    console.log(`${space}, ${device}: Spearman ${accuracy.spearman.toFixed(4)} on the other ${others.length}`);
    predictor.dispose();
  }
  base.dispose();
}

/** The same as the page computes: of the measurements that count. */
async function checked(engine, { latency_ms }, { doubts }, measurements) {
  const aside = new Set(doubts.flatMap((doubt) => (doubt.set_aside ? doubt.measurements : [])));
  const counting = measurements.map((_, i) => i).filter((i) => !aside.has(i));
  const { spearman, mdape } = await engine.accuracy(
    Float64Array.from(counting, (i) => latency_ms[i]),
    Float64Array.from(counting, (i) => measurements[i].latency_ms),
  );
  return { latency_ms, spearman, mdape };
}

function bytes(array) {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
