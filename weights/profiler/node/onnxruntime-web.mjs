/** ONNX Runtime Web: WebAssembly with SIMD. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export async function open({ load, folder, settings, values }) {
  const module = await load('onnxruntime-web/dist/ort.wasm.min.mjs');
  const ort = module.default ?? module;
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules/onnxruntime-web/package.json'), 'utf8'));
  ort.env.wasm.numThreads = settings.threads;
  ort.env.wasm.wasmPaths = `${pathToFileURL(join(folder, 'node_modules/onnxruntime-web/dist')).href}/`;
  ort.env.logLevel = 'error';
  return {
    version,
    async load({ path, inputs }) {
      // An arena each would be too much for the memory of WebAssembly.
      const options = { executionProviders: ['wasm'], enableCpuMemArena: false };
      const session = await ort.InferenceSession.create(readFileSync(path), options);
      const feeds = {};
      for (const input of inputs) feeds[input.name] = new ort.Tensor('float32', values(input), input.shape);
      const [output] = session.outputNames;
      return {
        run: () => session.run(feeds),
        answer: async () => (await session.run(feeds))[output].data,
      };
    },
  };
}
