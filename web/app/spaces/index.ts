/** The spaces the page knows. */

import type { SpaceId } from '../../api/index.js';
import type { SpaceKind } from './kind.js';
import { kNb201 } from './nb201.js';
import { kFbnet, kOfa } from './strip.js';

export type { Countable, SpaceKind } from './kind.js';

export const kSpaces: Readonly<Record<SpaceId, SpaceKind>> = { nb201: kNb201, fbnet: kFbnet, ofa: kOfa };
export const kSpaceIds: readonly SpaceId[] = ['nb201', 'fbnet', 'ofa'];
