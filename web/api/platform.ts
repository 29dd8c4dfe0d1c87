import type { Worker as NodeWorker } from 'node:worker_threads';

/** What of Node is used where it runs; the bundler never sees an import of it, so a page carries none of it. */
interface NodeModules {
  'node:fs/promises': typeof import('node:fs/promises');
  'node:worker_threads': typeof import('node:worker_threads');
}

export type { NodeWorker };

/** A module of Node, or undefined in a browser. */
export function nodeBuiltin<K extends keyof NodeModules>(name: K): NodeModules[K] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as NodeModules[K] | undefined;
}
