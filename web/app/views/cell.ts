/** A NAS-Bench-201 cell: as a drawing, and as six small tiles. */

import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { kEdges, kOperations, liveEdges, operationsOf } from '../spaces/nb201.js';

/** Centre of each node; the four lie on one line so that every edge has room for its label. */
const kNodeX = [20, 120, 220, 320] as const;
const kNodeY = 96;

/** How far each edge bows from the line of nodes, upwards negative; 0 is straight. */
const kBow = [0, -40, 0, -80, 40, 0] as const;

/** The cell as a drawing: four nodes, six labelled edges; edges that carry nothing to the output are dashed. */
export function cellDrawing(digits: string): TemplateResult {
  const ops = operationsOf(digits);
  const live = liveEdges(digits);
  const described = kEdges
    .map(([from, to], edge) => `${from} to ${to} ${kOperations[ops[edge] ?? 0]?.label ?? ''}`)
    .join(', ');
  return html`<svg class="cell-drawing" viewBox="0 0 340 160" role="img" aria-label="Cell ${digits}: ${described}">
    ${kEdges.map((_, edge) => drawnEdge(edge, ops[edge] ?? 0, live[edge] ?? false))}
    ${kNodeX.map(
      (x, node) => svg`<g class="cell-node"><circle cx=${x} cy=${kNodeY} r="11"></circle>
        <text x=${x} y=${kNodeY + 4}>${node}</text></g>`,
    )}
  </svg>`;
}

function drawnEdge(edge: number, op: number, live: boolean): SVGTemplateResult {
  const [from, to] = kEdges[edge] ?? [0, 1];
  const bow = kBow[edge] ?? 0;
  const x1 = kNodeX[from] ?? 0;
  const x2 = kNodeX[to] ?? 0;
  const { line, head } = bow === 0 ? straight(x1, x2) : arc(x1, x2, bow);
  const middle = (x1 + x2) / 2;
  const label = kOperations[op]?.label ?? '';
  const kind = op === 0 ? 'none' : live ? 'live' : 'dead';
  const width = label.length * 5.9 + 8;
  return svg`<g class="cell-edge ${kind} op-${op}">
    <path d=${line}></path>
    <path class="head" d=${head}></path>
    <rect x=${middle - width / 2} y=${kNodeY + bow - 8} width=${width} height="16" rx="2"></rect>
    <text x=${middle} y=${kNodeY + bow + 4}>${label}</text>
  </g>`;
}

interface EdgeShape {
  readonly line: string;
  readonly head: string;
}

/** From the rim of one node to that of the next. */
function straight(x1: number, x2: number): EdgeShape {
  const end = x2 - 13;
  return { line: `M${x1 + 13} ${kNodeY}H${end - 4}`, head: `M${end} ${kNodeY}l-7 -4v8z` };
}

/** From the shoulder of one node over or under others to the shoulder of another; flat in its middle for the label. */
function arc(x1: number, x2: number, bow: number): EdgeShape {
  const side = Math.sign(bow);
  const [start, end] = [x1 + 7, x2 - 7];
  const rim = kNodeY + side * 11;
  const top = kNodeY + bow;
  const middle = (x1 + x2) / 2;
  return {
    line:
      `M${start} ${rim}C${start + 10} ${top} ${x1 + (x2 - x1) / 4} ${top} ${middle} ${top}` +
      `S${end - 10} ${top} ${end} ${rim + side * 4}`,
    head: `M${end} ${rim + side}l-5 ${side * 7}l8 ${side}z`,
  };
}

/** Six digits as six small tiles, coloured and numbered by operation. */
export function cellGlyph(digits: string): TemplateResult {
  const names = operationsOf(digits).map((op) => kOperations[op]?.label ?? '');
  return html`<span class="glyph" title=${names.join(', ')}
    >${Array.from(digits, (digit) => html`<i class="op-${digit}">${digit}</i>`)}</span
  >`;
}

/** Below the drawing: what its dashes mean, where it has any. */
export function cellRemark(digits: string): string {
  const live = liveEdges(digits);
  const dead = operationsOf(digits).some((op, edge) => op !== 0 && !live[edge]);
  return dead ? 'Dashed edges do not reach the output.' : '';
}
