import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const installed = (name) => fileURLToPath(import.meta.resolve(`latencast/${name}`));

await build({ entryPoints: [here('main.js')], outdir: here('dist-esbuild'), bundle: true, format: 'esm', target: 'es2022' });
// esbuild leaves addresses as they are, so what they name has to lie beside the bundle.
cpSync(here('index.html'), here('dist-esbuild/index.html'));
cpSync(installed('worker'), here('dist-esbuild/worker.js'));
for (const name of ['latencast.wasm', 'latencast-rest.wasm']) cpSync(installed(name), here(`dist-esbuild/${name}`)); // latencast-models.wasm and latencast-tables.wasm where these are used
cpSync(installed('weights/nb201.latencast'), here('dist-esbuild/latencast/weights/nb201.latencast'));
