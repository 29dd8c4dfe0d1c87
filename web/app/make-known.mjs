// Writes known.json: for each space 20 architectures and their published latencies on every device that the shipped weights know,
// so that a known device can be used, compared and looked like without measuring anything.
//   node web/app/make-known.mjs --data DIR
// DIR holds <space>/latency_ms.csv, whose origins weights/README.md names. Needs the WebAssembly module in build-wasm/. The
// architectures are those that the predictor would learn most from, out of those measured on all the devices.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';
import { withEngine } from './with-engine.mjs';

const kRoot = resolve(import.meta.dirname, '../..');
const kCount = 20;
const kDigits = 6;

const { values: args } = parseArgs({ options: { data: { type: 'string' } } });
if (args.data === undefined) {
  console.error('make-known: no --data; expected the folder of <space>/latency_ms.csv');
  process.exit(1);
}

const known = {};
await withEngine(async (engine) => {
  for (const space of ['nb201', 'fbnet', 'ofa']) {
    const base = await engine.load(new Uint8Array(readFileSync(join(kRoot, 'weights', `${space}.latencast`))));
    const devices = base.info.devices.filter((name) => !name.startsWith('simulated_'));
    const { data } = Papa.parse(readFileSync(join(args.data, space, 'latency_ms.csv'), 'utf8'), { header: true, skipEmptyLines: true });
    const rows = data.filter((row) => devices.every((device) => row[device] !== ''));
    const parsed = await engine.parse(space, rows.map((row) => row.arch));
    const rowOf = new Map(parsed.map(({ architecture }, i) => [architecture, rows[i]]));
    const { architectures } = await base.next({ count: kCount, pool: [...rowOf.keys()] });
    const latency_ms = (device) => architectures.map((each) => Number(Number(rowOf.get(each)[device]).toPrecision(kDigits)));
    known[space] = { architectures, devices: Object.fromEntries(devices.map((device) => [device, latency_ms(device)])) };
    base.dispose();
    console.log(`${space}: ${devices.length} devices, out of ${rows.length} architectures`);
  }
});
const lines = Object.entries(known).map(([space, { architectures, devices }]) => {
  const each = Object.entries(devices).map(([device, values]) => `  ${JSON.stringify(device)}: ${JSON.stringify(values)}`);
  return `"${space}": {\n "architectures": ${JSON.stringify(architectures)},\n "devices": {\n${each.join(',\n')}\n }\n}`;
});
writeFileSync(join(import.meta.dirname, 'known.json'), `{\n${lines.join(',\n')}\n}\n`);
