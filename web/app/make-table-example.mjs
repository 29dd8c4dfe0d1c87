// Writes public/examples/table/: the worked example of a search space of one's own, transformers.csv, and what is measured of it on a
// new device, transformers.json.
//   node web/app/make-table-example.mjs --data DIR
// DIR holds wmt14ende_{gpu_titanxp,cpu_xeon,cpu_raspberrypi}_all.csv of mit-han-lab/hardware-aware-transformers (latency_dataset/;
// Wang et al., arXiv 2005.14187; MIT licence, see public/examples/table/LICENSE.txt). Every file has Transformers of its own, so
// that a row was measured on one device; every eighth row is taken. (The first 300 on the Raspberry Pi are slower than the others: a
// device that got hot.) A latency is that of encoder and decoder together.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';
import { choose } from './choose.mjs';

const kOut = join(import.meta.dirname, 'public/examples/table');
const kEvery = 8;
const kMeasured = 20;
const kSeed = 1;
const kColumns = {
  encoder_embed_dim: 'encoder_width',
  encoder_layer_num: 'encoder_layers',
  encoder_ffn_embed_dim_avg: 'encoder_ffn',
  encoder_self_attention_heads_avg: 'encoder_heads',
  decoder_embed_dim: 'decoder_width',
  decoder_layer_num: 'decoder_layers',
  decoder_ffn_embed_dim_avg: 'decoder_ffn',
  decoder_self_attention_heads_avg: 'decoder_heads',
  decoder_ende_attention_heads_avg: 'cross_heads',
  decoder_arbitrary_ende_attn_avg: 'cross_layers',
};
const kDevices = {
  gpu_titanxp: 'latency_ms:TITAN Xp',
  cpu_xeon: 'latency_ms:Xeon',
  // The new device: its column is ignored, and some of its latencies are what the example has measured.
  cpu_raspberrypi: 'raspberry_pi_ms',
};
const kTarget = kDevices.cpu_raspberrypi;

const { values: args } = parseArgs({ options: { data: { type: 'string' } } });
if (args.data === undefined) {
  console.error('make-table-example: no --data; expected the folder of wmt14ende_gpu_titanxp_all.csv');
  process.exit(1);
}

const short = (value) => String(Number(Number(value).toPrecision(5)));
const fields = ['name', ...Object.values(kColumns), ...Object.values(kDevices)];
const data = [];
const target = [];
for (const [device, heading] of Object.entries(kDevices)) {
  const file = join(args.data, `wmt14ende_${device}_all.csv`);
  const { data: rows } = Papa.parse(readFileSync(file, 'utf8'), { header: true, skipEmptyLines: true });
  rows.forEach((row, i) => {
    if (i % kEvery !== 0) return;
    const name = `t${data.length + 1}`;
    const latency = short(Number(row.latency_mean_encoder) + Number(row.latency_mean_decoder));
    const described = Object.keys(kColumns).map((column) => short(row[column]));
    data.push([name, ...described, ...Object.values(kDevices).map((each) => (each === heading ? latency : ''))]);
    if (heading === kTarget) target.push({ architecture: name, latency_ms: Number(latency) });
  });
}
const chosen = choose(target.length, kMeasured, kSeed).map((i) => target[i]);
const example = {
  title: 'Raspberry Pi 4',
  origin: `Transformers measured on a TITAN Xp, a Xeon and a Raspberry Pi 4, published in mit-han-lab/hardware-aware-transformers (MIT). ${kMeasured} of ${target.length} chosen at random (seed ${kSeed}).`,
  ignored: [kTarget],
  measurements: chosen,
};
mkdirSync(kOut, { recursive: true });
writeFileSync(join(kOut, 'transformers.csv'), `${Papa.unparse({ fields, data }, { newline: '\n' })}\n`);
writeFileSync(join(kOut, 'transformers.json'), `${JSON.stringify(example, null, 1)}\n`);
console.log(`${data.length} rows, ${chosen.length} of ${target.length} measured`);
