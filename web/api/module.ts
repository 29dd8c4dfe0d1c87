import { simd } from 'wasm-feature-detect';

import createModule from '../../build-wasm/wasm/latencast.mjs';
import type { RawModule } from '../../wasm/latencast.js';

import { LatencastError } from './errors.js';
import { fetchBytes } from './fetch.js';

/** Where a WebAssembly module comes from: its bytes, or their address. */
export type WasmSource = Uint8Array | string | URL;

/** Starts the engine's module. Throws `load`, saying what is missing. */
export function loadModule(wasm?: WasmSource): Promise<RawModule> {
  return startModule(createModule, wasm ?? new URL('../../build-wasm/wasm/latencast.wasm', import.meta.url));
}

/** Starts a module by its factory. Throws `load`, saying what is missing. */
export async function startModule<T>(
  create: (options: { wasmBinary: Uint8Array; printErr: (line: string) => void }) => Promise<T>,
  source: WasmSource,
): Promise<T> {
  if (typeof WebAssembly !== 'object' || !(await simd())) {
    throw new LatencastError(
      'load',
      'this browser cannot run WebAssembly with SIMD; expected Chrome 91, Firefox 89, Safari 16.4 or newer',
    );
  }
  const bytes = source instanceof Uint8Array ? source : await fetchBytes(source);
  if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    const found = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 12)));
    const name = source instanceof Uint8Array ? 'the given bytes' : String(source);
    throw new LatencastError('load', `${name}: starts with ${found}; expected a WebAssembly module`);
  }
  try {
    // What it would print is in the error it rejects with.
    return await create({ wasmBinary: bytes, printErr: () => {} });
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    throw new LatencastError('load', `the engine did not start (${reason})`, { cause: caught });
  }
}
