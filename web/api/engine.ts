import { LatencastError } from './errors.js';
import { nodeBuiltin } from './platform.js';
import { RemoteEngine } from './remote.js';
import type { Engine, EngineOptions } from './types.js';

/** Starts an engine. Throws `load` where its file cannot be had or this browser cannot run it. */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const { kind = nodeBuiltin('node:worker_threads') ? 'local' : 'worker', wasm, restWasm, modelsWasm, tablesWasm } = options;
  switch (kind) {
    case 'local': {
      // Fetched only here: a page whose engine is in a worker need not carry a second one.
      const [{ LocalEngine }, { loadModule }] = await Promise.all([import('./local.js'), import('./module.js')]);
      return new LocalEngine(await loadModule(wasm, restWasm), modelsWasm, tablesWasm);
    }
    case 'worker':
      return RemoteEngine.start(options);
    default:
      throw new LatencastError('argument', `createEngine: kind is ${JSON.stringify(kind)}; expected local or worker`);
  }
}
