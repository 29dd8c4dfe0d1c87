/** The thread in which networks are run, so that neither the page nor the engine gets in their way. */

import * as Comlink from 'comlink';
import { loadRuntime, type Reading, type Runtime, type Setting } from './runtime.js';

export interface RuntimeHost {
  /** First of all; once. `write` makes a network as an ONNX model. Resolves to the step of the timer. */
  start(setting: Setting, write: (network: string) => Promise<Uint8Array>): Promise<number>;
  visit(network: string): Promise<Reading>;
}

let runtime: Runtime | undefined;

const host: RuntimeHost = {
  async start(setting, write) {
    runtime = await loadRuntime(setting, write);
    return runtime.tick_ms;
  },
  async visit(network) {
    if (!runtime) throw new Error('runtime: asked before start()');
    return runtime.visit(network);
  },
};

Comlink.expose(host);
