/** The spaces the page knows. */

import type { SpaceId } from '../../api/index.js';
import { kOwnTable } from '../table/kind.js';
import type { PageSpace, SpaceKind } from './kind.js';
import { kNb201 } from './nb201.js';
import { kFbnet, kOfa } from './strip.js';

export type { Countable, PageSpace, SpaceKind } from './kind.js';

export const kSpaces: Readonly<Record<PageSpace, SpaceKind>> = { nb201: kNb201, fbnet: kFbnet, ofa: kOfa, table: kOwnTable };
/** The built-in ones. */
export const kSpaceIds: readonly SpaceId[] = ['nb201', 'fbnet', 'ofa'];
export const kPageSpaces: readonly PageSpace[] = [...kSpaceIds, 'table'];

/** Whether a space has weights of its own. */
export function isBuiltIn(space: PageSpace): space is SpaceId {
  return space !== 'table';
}
