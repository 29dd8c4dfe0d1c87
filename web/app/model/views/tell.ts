import type { ModelAction } from '../state.js';

/** How a view of the mode says what the user did. */
export type Tell = (action: ModelAction) => void;
