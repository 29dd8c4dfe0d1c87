/** A table of the user's own as the page names it, beside the built-in spaces. */

import type { SpaceKind } from '../spaces/kind.js';

/** A part of the name, whatever the case. */
function matcher(query: string): (name: string) => boolean {
  const text = query.trim().toLowerCase();
  return (name) => name.toLowerCase().includes(text);
}

export const kOwnTable: SpaceKind = {
  id: 'table',
  title: 'Your own table',
  size: 'rows of your table',
  know: 'every row of your table',
  listed: true,
  one: 'name',
  forms: 'An architecture is the name of a row of your table.',
  sheetHint: `net-17, 10.5 ms
net-42, 12.4 ms`,
  lookupHint: `net-17
net-42`,
  findHint: 'Find: a part of a name',
  cellHint: 'Name of the row',
  macsHint: '',
  counted: false,
  countables: [],
  macsSpread: 0,
  writings: (name) => [{ name: 'name', text: name }],
  long: (name) => name,
  matcher,
};
