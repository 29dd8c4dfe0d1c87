// The engine for the scripts that write this folder's data. Needs the WebAssembly module in build-wasm/.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createServer } from 'vite';

const kRoot = resolve(import.meta.dirname, '../..');

/** Calls `work` with an engine in this thread; ends both when it is done. */
export async function withEngine(work) {
  // The API is TypeScript; Vite loads it here as it does for the page.
  const vite = await createServer({
    root: kRoot,
    configFile: false,
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, ws: false, watch: null },
  });
  const { createEngine } = await vite.ssrLoadModule('/web/api/index.ts');
  const built = (name) => new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm', name)));
  const engine = await createEngine({ kind: 'local', wasm: built('latencast.wasm'), restWasm: built('latencast-rest.wasm') });
  try {
    await work(engine);
  } finally {
    engine.dispose();
    await vite.close();
  }
}
