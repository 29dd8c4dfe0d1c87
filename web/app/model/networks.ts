/**
 * Networks whose names the page knows: those of ncnn's benchmark, as it has them (`networks/README.md`). 35 texts in a chunk of their
 * own, fetched when the mode is first shown, so that nothing is fetched later.
 */

import type { ModelOptions } from '../../api/index.js';
import type { NetworkId } from './state.js';

const kTexts = import.meta.glob<string>('./networks/*.param', { query: '?raw', import: 'default', eager: true });

/** Inputs that the files leave open, as the benchmark sets them (benchncnn.cpp). */
const kInputs: Readonly<Record<string, NonNullable<ModelOptions['inputs']>>> = {
  FastestDet: { in0: [1, 3, 352, 352] },
  vision_transformer: { input: [1, 3, 384, 384] },
};

export function networkFile(id: NetworkId): Blob {
  const text = kTexts[`./networks/${id}.param`];
  if (text === undefined) throw new Error(`there is no network ${id}`);
  return new Blob([text]);
}

/** What `openModel` needs beside the file. */
export function networkInputs(id: NetworkId): NonNullable<ModelOptions['inputs']> {
  return kInputs[id] ?? {};
}
