// Computes example.json, what the mode "Any model" shows first: `npm run build && node web/app/model/make-example.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createEngine } from '../../../dist/api/index.js';

const kNetwork = 'mobilenet_v2';
const kTitle = 'MobileNetV2';
const kFamily = 'ncnn';

const file = new Uint8Array(readFileSync(new URL(`networks/${kNetwork}.param`, import.meta.url)));
const engine = await createEngine();
const stated = await engine.modelInputs(file);
const model = await engine.openModel(file);
const opened = {
  name: kTitle,
  network: kNetwork,
  stated,
  shapes: Object.fromEntries(model.info.inputs.map(({ name, shape }) => [name, shape.join('x')])),
  info: model.info,
  kernels: await model.decompose(kFamily),
};
const example = { opened, families: await engine.runtimeFamilies() };
writeFileSync(new URL('example.json', import.meta.url), `${JSON.stringify(example)}\n`);
engine.dispose();
