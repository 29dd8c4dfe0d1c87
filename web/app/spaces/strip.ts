/** FBNet and OFA-MobileNetV3 as the page names and draws them: strips of blocks, stage by stage. */

import type { SpaceId } from '../../api/index.js';
import type { Countable, SpaceKind } from './kind.js';

/** One place of the strip. */
export interface Block {
  /** From 0. */
  readonly stage: number;
  /** Side of its window; 0 where nothing is computed. */
  readonly kernel: number;
  /** How many times wider it is inside than its input. */
  readonly expansion: number;
  /** Convolutions are split into these many. */
  readonly groups: number;
  /** `k3_e6`, `skip`, `unused`. */
  readonly name: string;
}

export interface Stage {
  readonly blocks: number;
  readonly channels: number;
}

export interface Strip {
  readonly stages: readonly Stage[];
  readonly mostExpansion: number;
  readonly blocks: (architecture: string) => readonly Block[];
  /** What holds for the whole network, e.g. its resolution. */
  readonly note: (architecture: string) => string;
}

function stageOf(stages: readonly Stage[], place: number): number {
  let first = 0;
  return stages.findIndex(({ blocks }) => place < (first += blocks));
}

// ---- FBNet ----

/** Index = the digit. */
const kFbnetNames = ['k3_e1', 'k3_e1_g2', 'k3_e3', 'k3_e6', 'k5_e1', 'k5_e1_g2', 'k5_e3', 'k5_e6', 'skip'] as const;

const kFbnetStages: readonly Stage[] = [
  { blocks: 1, channels: 16 },
  { blocks: 4, channels: 24 },
  { blocks: 4, channels: 32 },
  { blocks: 4, channels: 64 },
  { blocks: 4, channels: 112 },
  { blocks: 4, channels: 184 },
  { blocks: 1, channels: 352 },
];

function fbnetBlocks(digits: string): Block[] {
  return Array.from(digits, (digit, place) => {
    const name = kFbnetNames[Number(digit)] ?? 'skip';
    const [, kernel = 0, expansion = 0, groups = 1] = (/^k(\d)_e(\d)(?:_g(\d))?$/.exec(name) ?? []).map(
      (text: string | undefined) => (text === undefined ? undefined : Number(text)),
    );
    return { stage: stageOf(kFbnetStages, place), kernel, expansion, groups, name };
  });
}

function fbnetLong(digits: string): string {
  return Array.from(digits, (digit) => kFbnetNames[Number(digit)] ?? '').join('_');
}

// ---- OFA-MobileNetV3 ----

const kSlots = 4; // a stage
const kOfaStages: readonly Stage[] = [24, 40, 80, 112, 160].map((channels) => ({ blocks: kSlots, channels }));

interface OfaParts {
  readonly kernels: readonly number[];
  readonly expansions: readonly number[];
  readonly depths: readonly number[];
  readonly resolution: number;
}

function ofaParts(text: string): OfaParts {
  const [kernels = '', expansions = '', depths = '', resolution = ''] = text.split('-');
  const digits = (part: string): number[] => Array.from(part, Number);
  return {
    kernels: digits(kernels),
    expansions: digits(expansions),
    depths: digits(depths),
    resolution: Number(resolution),
  };
}

function ofaBlocks(text: string): Block[] {
  const { kernels, expansions, depths } = ofaParts(text);
  return kernels.map((kernel, slot) => {
    const stage = Math.floor(slot / kSlots);
    const expansion = expansions[slot] ?? 0;
    return slot % kSlots < (depths[stage] ?? 0)
      ? { stage, kernel, expansion, groups: 1, name: `k${kernel}_e${expansion}` }
      : { stage, kernel: 0, expansion: 0, groups: 1, name: 'unused' };
  });
}

function ofaLong(text: string): string {
  const { kernels, expansions, depths, resolution } = ofaParts(text);
  return JSON.stringify({ ks: kernels, e: expansions, d: depths, r: resolution });
}

// ---- both ----

export const kStrips: Readonly<Record<Exclude<SpaceId, 'nb201'>, Strip>> = {
  fbnet: { stages: kFbnetStages, mostExpansion: 6, blocks: fbnetBlocks, note: () => '' },
  ofa: {
    stages: kOfaStages,
    mostExpansion: 6,
    blocks: ofaBlocks,
    note: (text) => `input ${ofaParts(text).resolution} × ${ofaParts(text).resolution} pixels`,
  },
};

/** A part of the short form (`?` for any digit), or of the long one. */
function matcher(long: (architecture: string) => string): SpaceKind['matcher'] {
  return (query) => {
    const text = query.trim().toLowerCase();
    if (text === '') return () => true;
    if (/^[\d?-]+$/.test(text)) {
      const pattern = new RegExp(text.replaceAll('?', '\\d'));
      return (architecture) => pattern.test(architecture);
    }
    return (architecture) => long(architecture).includes(text);
  };
}

function countable(label: string, most: number, count: Countable['count']): Countable {
  return { label, most, count };
}

function having(strip: Strip, label: string, has: (block: Block) => boolean): Countable {
  const most = strip.stages.reduce((sum, { blocks }) => sum + blocks, 0);
  return countable(label, most, (architecture) => strip.blocks(architecture).filter(has).length);
}

export const kFbnet: SpaceKind = {
  id: 'fbnet',
  title: 'FBNet',
  size: '9²² networks',
  know: 'any of 9²²',
  listed: false,
  one: 'network',
  forms: 'A network is 22 digits from 0 to 8, or 22 block names joined by underscores, commas or blanks.',
  sheetHint: `7818488874147327324245, 30.3 ms
k3_e6_k5_e1_g2_skip_…, 31.2 ms`,
  lookupHint: `7818488874147327324245
k3_e6_k5_e1_g2_skip_…`,
  findHint: 'Find: 78184, 5???4, skip_k3_e6',
  cellHint: 'The 22 blocks: height is expansion, colour is kernel',
  macsHint: 'Multiply-adds in millions, CIFAR-100',
  counted: true,
  countables: [
    having(kStrips.fbnet, 'kernel 3', ({ kernel }) => kernel === 3),
    having(kStrips.fbnet, 'kernel 5', ({ kernel }) => kernel === 5),
    having(kStrips.fbnet, 'expansion 6', ({ expansion }) => expansion === 6),
    having(kStrips.fbnet, 'skip', ({ kernel }) => kernel === 0),
  ],
  macsSpread: 0,
  writings: (digits) => [
    { name: '22 digits', text: digits },
    { name: 'block names', text: fbnetLong(digits) },
  ],
  long: fbnetLong,
  matcher: matcher(fbnetLong),
};

export const kOfa: SpaceKind = {
  id: 'ofa',
  title: 'OFA-MobileNetV3',
  size: '10²⁰ networks',
  know: 'any of 10²⁰',
  listed: false,
  one: 'network',
  forms: 'A network is kernels-expansions-depths-resolution in digits, or JSON with ks, e, d and r.',
  sheetHint: `7555775757…-6446634336…-22223-204, 4.37 ms
{"ks":[7,5,…],"e":[6,4,…],"d":[2,2,2,2,3],"r":204}, 4.37 ms`,
  lookupHint: `7555775757…-6446634336…-22223-204
{"ks":[7,5,…],"e":[6,4,…],"d":[2,2,2,2,3],"r":204}`,
  findHint: 'Find: 22223-204, -160, 755',
  cellHint: 'The 20 slots: height is expansion, colour is kernel',
  macsHint: 'Multiply-adds in millions, at the resolution of the network',
  counted: true,
  countables: [
    having(kStrips.ofa, 'kernel 3', ({ kernel }) => kernel === 3),
    having(kStrips.ofa, 'kernel 7', ({ kernel }) => kernel === 7),
    having(kStrips.ofa, 'expansion 6', ({ expansion }) => expansion === 6),
    having(kStrips.ofa, 'blocks', ({ kernel }) => kernel > 0),
  ],
  macsSpread: 0,
  writings: (text) => [
    { name: 'digits', text },
    { name: 'JSON', text: ofaLong(text) },
  ],
  long: ofaLong,
  matcher: matcher(ofaLong),
};
