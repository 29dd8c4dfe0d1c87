/** A `.gz` beside every file of a folder that is smaller so. */
export function compress(folder: string): void;
