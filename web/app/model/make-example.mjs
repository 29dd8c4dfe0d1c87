// Computes example.json, what the mode "Any model" shows first: `npm run build && node web/app/model/make-example.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createEngine } from '../../../dist/api/index.js';

const kNetwork = 'mobilenet_v2';
const kTitle = 'MobileNetV2';

// The names are those of state.ts; a test holds the two together.
const kPlatforms = ['raspberry-pi-5-broadcom-bcm2712-cortex-a76-4t', 'qualcomm-snapdragon-888-8t', 'macbook-air-1t', 'nvidia-rtx3090-gpu'];

const read = (path) => new Uint8Array(readFileSync(new URL(path, import.meta.url)));
const rounded = (ms) => Number(ms.toPrecision(6));

const engine = await createEngine();
const index = JSON.parse(new TextDecoder().decode(read('../../../weights/index.json')));
const fleet = await engine.loadFleet(read(`../../../weights/${index.fleet.file}`));
const file = read(`networks/${kNetwork}.param`);
const stated = await engine.modelInputs(file);
const model = await engine.openModel(file);
const platform = await fleet.platform(kPlatforms[0]);
const { kernel_ms, latency_ms, low_ms, high_ms, knowledge } = await platform.estimate(model);
const compared = await fleet.compare(model, { platforms: kPlatforms });
const bounds = (i) => ({ low: rounded(compared.low[i]), latency_ms: rounded(compared.latency_ms[i]), high: rounded(compared.high[i]) });
const example = {
  opened: {
    name: kTitle,
    network: kNetwork,
    stated,
    shapes: Object.fromEntries(model.info.inputs.map(({ name, shape }) => [name, shape.join('x')])),
    info: model.info,
    kernels: await model.decompose(platform.family),
  },
  families: await engine.runtimeFamilies(),
  platforms: kPlatforms.map((id) => fleet.platforms.find((known) => known.id === id)),
  estimate: {
    platform: kPlatforms[0],
    latency_ms: rounded(latency_ms),
    low_ms: rounded(low_ms),
    high_ms: rounded(high_ms),
    kernel_ms: [...kernel_ms].map(rounded),
    knowledge,
  },
  compared: Object.fromEntries(kPlatforms.map((id, i) => [id, bounds(i)])),
};
writeFileSync(new URL('example.json', import.meta.url), `${JSON.stringify(example)}\n`);
engine.dispose();
