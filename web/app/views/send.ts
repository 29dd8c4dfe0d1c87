import type { Action } from '../state.js';

/** How a view says what the user did. */
export type Send = (action: Action) => void;
