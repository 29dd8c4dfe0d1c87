/** NAS-Bench-201 as the page names and draws it. Parsing, exact counts and everything learnt stay in the engine. */

import type { SpaceKind } from './kind.js';

export interface Operation {
  /** Name in an arch string. */
  readonly name: string;
  /** What a drawing says. */
  readonly label: string;
}

/** Index = the digit of the six-digit form. */
export const kOperations: readonly Operation[] = [
  { name: 'none', label: 'none' },
  { name: 'skip_connect', label: 'skip' },
  { name: 'nor_conv_1x1', label: 'conv 1×1' },
  { name: 'nor_conv_3x3', label: 'conv 3×3' },
  { name: 'avg_pool_3x3', label: 'pool 3×3' },
];

/** From and to node of each edge, in the order of the six digits. */
export const kEdges: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 3],
  [1, 3],
  [2, 3],
];

/** Operation of each edge. */
export function operationsOf(digits: string): number[] {
  return Array.from(digits, Number);
}

/** The public long form: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|`. */
export function archString(digits: string): string {
  const part = (edge: number): string => `${kOperations[Number(digits[edge])]?.name ?? ''}~${kEdges[edge]?.[0] ?? 0}`;
  const node = (edges: readonly number[]): string => `|${edges.map(part).join('|')}|`;
  return [node([0]), node([1, 2]), node([3, 4, 5])].join('+');
}

/** Whether each edge lies on a path from node 0 to node 3 that no `none` interrupts. */
export function liveEdges(digits: string): boolean[] {
  const carries = operationsOf(digits).map((op) => op !== 0);
  const fromInput = [true, false, false, false];
  const toOutput = [false, false, false, true];
  kEdges.forEach(([from, to], edge) => {
    if (carries[edge] && fromInput[from]) fromInput[to] = true;
  });
  // Later edges end in later nodes, so walking back needs the tails in descending order.
  for (const tail of [2, 1, 0]) {
    toOutput[tail] = kEdges.some(([from, to], edge) => from === tail && carries[edge] && toOutput[to]);
  }
  return kEdges.map(([from, to], edge) => Boolean(carries[edge] && fromInput[from] && toOutput[to]));
}

/** An index, six digits or a part of them (`?` for any digit), or a part of the arch string. */
function matcher(query: string): (digits: string, index: number) => boolean {
  const text = query.trim().toLowerCase();
  if (text === '') return () => true;
  if (/^[0-4?]+$/.test(text)) {
    const pattern = new RegExp(text.length === 6 ? `^${text.replaceAll('?', '.')}$` : text.replaceAll('?', '.'));
    return (digits, index) => pattern.test(digits) || String(index) === text;
  }
  if (/^\d+$/.test(text)) return (_, index) => String(index) === text;
  return (digits) => archString(digits).includes(text);
}

export const kNb201: SpaceKind = {
  id: 'nb201',
  title: 'NAS-Bench-201',
  size: '15,625 cells',
  know: '15,625',
  listed: true,
  one: 'cell',
  forms: 'An architecture is an arch string, six digits or the official index.',
  sheetHint: `421211, 10.5 ms
|nor_conv_3x3~0|+|none~0|…|, 12.4 ms
13714, 8.91 ms`,
  lookupHint: `421211
|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|
13714`,
  findHint: 'Find: 4212??, 13714, avg_pool_3x3~2',
  cellHint: 'Operation of each edge: 0→1, 0→2, 1→2, 0→3, 1→3, 2→3',
  macsHint: 'Multiply-adds in millions, CIFAR-10',
  counted: true,
  countables: [3, 2, 4, 1, 0].map((op) => ({
    label: kOperations[op]?.label ?? '',
    most: 6,
    tile: op,
    count: (digits) => operationsOf(digits).filter((each) => each === op).length,
  })),
  // Only 28 values of multiply-adds exist here; points spread over this much do not reach the next line.
  macsSpread: 2.6e6,
  writings: (digits, index) => [
    { name: 'six digits', text: digits },
    { name: 'arch string', text: archString(digits) },
    { name: 'official index', text: String(index) },
  ],
  long: archString,
  matcher,
};
