/** The thread in which networks are run, so that neither the page nor the engine gets in their way. */

import * as Comlink from 'comlink';
import { loadRuntime, type Reading, type Runtime, type Written } from './runtime.js';
import type { Setting } from './setting.js';

export interface RuntimeHost {
  /** First of all; once. `write` gives a network as an ONNX model. Makes ready for `first`; resolves to the step of the timer. */
  start(setting: Setting, first: string, write: (network: string) => Promise<Written>): Promise<number>;
  visit(network: string): Promise<Reading>;
}

let runtime: Runtime | undefined;

const host: RuntimeHost = {
  async start(setting, first, write) {
    runtime = await loadRuntime(setting, write);
    // The runtime itself is fetched and compiled with its first network.
    await runtime.prepare(first);
    return runtime.tick_ms;
  },
  async visit(network) {
    if (!runtime) throw new Error('runtime: asked before start()');
    return runtime.visit(network);
  },
};

Comlink.expose(host);
