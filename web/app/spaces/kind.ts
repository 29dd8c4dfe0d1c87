/** What the page says and draws of a space, apart from the numbers. */

import type { SpaceId } from '../../api/index.js';

/** What the page can show: the built-in spaces, and a table of the user's own. */
export type PageSpace = SpaceId | 'table';

/** Something an architecture has a number of, to filter by. */
export interface Countable {
  readonly label: string;
  /** How many there can be. */
  readonly most: number;
  readonly count: (architecture: string) => number;
  /** The number of its tile, where it has one. */
  readonly tile?: number;
}

export interface SpaceKind {
  readonly id: PageSpace;
  readonly title: string;
  readonly size: string;
  /** "Measure 20. Know ...": what the estimates cover. */
  readonly know: string;
  /** Whether the table holds every architecture; else it holds a pool drawn from them, and what the user adds. */
  readonly listed: boolean;
  /** What one architecture is called. */
  readonly one: string;
  /** The forms that measurements and lookups may have, in a line. */
  readonly forms: string;
  readonly sheetHint: string;
  readonly lookupHint: string;
  readonly findHint: string;
  readonly cellHint: string;
  readonly macsHint: string;
  /** Whether multiply-adds and parameters of its architectures are known. */
  readonly counted: boolean;
  readonly countables: readonly Countable[];
  /** Where many architectures have the same multiply-adds, how far apart points of one value may be drawn. */
  readonly macsSpread: number;
  /** The same architecture in every way to write it. */
  readonly writings: (architecture: string, index: number) => readonly { readonly name: string; readonly text: string }[];
  /** The long public form. */
  readonly long: (architecture: string) => string;
  /** Which architectures a search text means. */
  readonly matcher: (query: string) => (architecture: string, index: number) => boolean;
}
