/** What the mode shows before the engine is there; `make-example.mjs` computes it. */

import type { RuntimeFamily } from '../../api/index.js';
import data from './example.json';
import type { Opened } from './state.js';

export const example = data as unknown as { readonly opened: Opened; readonly families: readonly RuntimeFamily[] };
