// How a kit's ONNX Runtime, native, orders the networks that a page has measured in a browser, with and without layouts of the processor's own:
//   node tests/bench/measure-browser.mjs --json page.json && node tests/bench/kit-and-page.mjs --page page.json
// Needs `npm run build` and Python 3. Prints Markdown.
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { python, run, unpackKit } from '../web/runtimes.mjs';

const kRoot = resolve(import.meta.dirname, '../..');
const { values: given } = parseArgs({
  options: {
    page: { type: 'string' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '100' },
    folder: { type: 'string', default: join(kRoot, '.cache/kit') },
  },
});
if (given.page === undefined) throw new Error('--page: expected the JSON that tests/bench/measure-browser.mjs wrote');

const { createEngine, readMeasurements } = await import(join(kRoot, 'dist/api/index.js'));
const { run: measured, unseen_ms } = JSON.parse(readFileSync(given.page, 'utf8'));
const networks = measured.proof.architectures.slice(0, unseen_ms.length);
mkdirSync(given.folder, { recursive: true });
const kit = unpackKit(kRoot, given.folder, measured.space, networks);
const program = python(given.folder, 'onnxruntime');
const engine = await createEngine({ kind: 'local' });
console.log(`| the kit's --level | rank correlation with the page, ${networks.length} networks | the page takes, in the middle (least, most) |\n|---|---|---|`);
for (const level of ['extended', 'all']) {
  const out = join(kit, `page-${level}.csv`);
  const options = ['--threads', given.threads, '--seconds', given.seconds, '--level', level, '--out', out, '--fresh'];
  run(program, ['run_onnxruntime.py', ...options], { cwd: kit, stdio: ['ignore', 'pipe', 'inherit'] });
  const { lines } = readMeasurements(readFileSync(out, 'utf8'));
  const native = new Map(lines.map(({ architecture_text, latency }) => [architecture_text, latency]));
  const kit_ms = Float64Array.from(networks, (one) => native.get(one));
  const { spearman } = await engine.accuracy(kit_ms, Float64Array.from(unseen_ms));
  const times = unseen_ms.map((ms, i) => ms / kit_ms[i]).sort((a, b) => a - b);
  const [least, middle, most] = [0, times.length >> 1, times.length - 1].map((i) => times[i].toFixed(1));
  console.log(`| ${level} | ${spearman.toFixed(3)} | ${middle} times (${least} to ${most}) |`);
}
engine.dispose();
