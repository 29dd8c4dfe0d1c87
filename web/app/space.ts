/**
 * What the page knows of NAS-Bench-201 without the engine: names for drawing, and one table of the whole space that
 * `make-examples.mjs` took from the engine. Parsing, exact counts and everything learnt stay in the engine.
 */

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

export const kCells = 15625;

/** Facts of every architecture, by official index. */
export interface SpaceTable {
  /** Six digits each. */
  readonly digits: readonly string[];
  /** Multiply-adds. */
  readonly macs: Uint32Array;
  /** Trainable parameters. */
  readonly params: Uint32Array;
  readonly indexOf: ReadonlyMap<string, number>;
}

/** `nb201.space.bin`: macs (u32 each), params (u32 each), then six operation bytes each; little endian. */
export function readSpaceTable(bytes: ArrayBuffer): SpaceTable {
  const expected = kCells * 14;
  if (bytes.byteLength !== expected) {
    throw new Error(`nb201.space.bin has ${bytes.byteLength} bytes, expected ${expected}`);
  }
  const ops = new Uint8Array(bytes, kCells * 8);
  const digits: string[] = [];
  for (let i = 0; i < kCells; i++) digits.push(ops.subarray(i * 6, i * 6 + 6).join(''));
  return {
    digits,
    macs: new Uint32Array(bytes, 0, kCells),
    params: new Uint32Array(bytes, kCells * 4, kCells),
    indexOf: new Map(digits.map((text, i) => [text, i])),
  };
}

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
