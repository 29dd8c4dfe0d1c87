import { simd } from 'wasm-feature-detect';

import createModule from '../../build-wasm/wasm/latencast.mjs';
import type { RawModule } from '../../wasm/latencast.js';

import { LatencastError } from './errors.js';
import { fetchBytes } from './fetch.js';

/** Where a WebAssembly module comes from: its bytes, or their address. */
export type WasmSource = Uint8Array | string | URL;

/** The engine's module: what the first estimates need, and the rest of it. */
export interface SplitModule {
  readonly raw: RawModule;
  /** Resolves once the rest is there, which is fetched when this is first called. */
  readonly whole: () => Promise<void>;
}

/** Starts the engine's module. Throws `load`, saying what is missing. */
export async function loadModule(wasm?: WasmSource, restWasm?: WasmSource): Promise<SplitModule> {
  let first: WebAssembly.Instance | undefined;
  let complete = false;
  const inPlace = (place: number): ((...args: unknown[]) => unknown) => {
    if (!complete) throw new LatencastError('internal', 'a function of latencast-rest.wasm was called before that was there');
    const table = Object.values(first!.exports).find((each) => each instanceof WebAssembly.Table)!;
    return table.get(place) as (...args: unknown[]) => unknown;
  };
  const raw = await startModule(
    async (bytes, printErr) =>
      new Promise<RawModule>((resolve, reject) => {
        const instantiateWasm = (imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void) => {
          // In the table the rest takes these functions' places, but embind remembers some as they were at first.
          const placeholder = new Proxy({}, { get: (_, place) => (...args: unknown[]) => inPlace(Number(place))(...args) });
          WebAssembly.instantiate(bytes, { ...imports, placeholder }).then(({ instance }) => receive((first = instance)), reject);
          return {};
        };
        createModule({ instantiateWasm, printErr }).then(resolve, reject);
      }),
    wasm ?? new URL('../../build-wasm/wasm/latencast.wasm', import.meta.url),
  );
  let rest: Promise<void> | undefined;
  const whole = (): Promise<void> => {
    if (rest) return rest;
    const source = restWasm ?? new URL('../../build-wasm/wasm/latencast-rest.wasm', import.meta.url);
    const starting = startModule(async (bytes) => {
      await WebAssembly.instantiate(bytes, { primary: first!.exports });
      complete = true;
    }, source);
    rest = starting;
    // What failed may be tried again.
    starting.catch(() => (rest = undefined));
    return starting;
  };
  return { raw, whole };
}

/** Starts a module from its bytes. Throws `load`, saying what is missing. */
export async function startModule<T>(start: (bytes: Uint8Array<ArrayBuffer>, printErr: (line: string) => void) => Promise<T>, source: WasmSource): Promise<T> {
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
    return await start(bytes as Uint8Array<ArrayBuffer>, () => {});
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    throw new LatencastError('load', `the engine did not start (${reason})`, { cause: caught });
  }
}
