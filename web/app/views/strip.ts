/** An FBNet or OFA network as a strip of blocks: height is expansion, colour and number are the kernel. */

import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import { kStrips, type Block, type Strip } from '../spaces/strip.js';

type StripId = keyof typeof kStrips;

const kWidth = 340; // of the drawing
const kMargin = 8; // left and right, for numbers wider than their block
const kBase = 104; // where blocks stand
const kTall = 76; // of the widest block
const kGap = 6; // between stages

/** Left edge and width of each block, stages apart. */
function layout(strip: Strip, width: number, gap: number): { x: (block: Block, place: number) => number; each: number } {
  const places = strip.stages.reduce((sum, { blocks }) => sum + blocks, 0);
  const each = (width - gap * (strip.stages.length - 1)) / places;
  return { x: (block, place) => place * each + block.stage * gap, each };
}

export function stripDrawing(space: StripId, architecture: string): TemplateResult {
  const strip = kStrips[space];
  const blocks = strip.blocks(architecture);
  const { x, each } = layout(strip, kWidth - 2 * kMargin, kGap);
  const note = strip.note(architecture);
  const label = `${blocks.map((block) => block.name).join(', ')}${note === '' ? '' : `; ${note}`}`;
  return html`<svg class="cell-drawing strip" viewBox="0 0 340 160" role="img" aria-label=${label}>
    ${blocks.map((block, place) => drawnBlock(strip, block, kMargin + x(block, place), each))}
    ${strip.stages.map((stage, i) => {
      const first = strip.stages.slice(0, i).reduce((sum, { blocks: n }) => sum + n, 0);
      const left = kMargin + first * each + i * kGap;
      const right = left + stage.blocks * each - 1;
      return svg`<path class="stage" d="M${left} ${kBase + 22}v4H${right}v-4"></path>
        <text class="stage-name" x=${(left + right) / 2} y=${kBase + 40}>${stage.channels}</text>`;
    })}
    <text class="stage-name" x=${kWidth / 2} y="158">channels of each stage${note === '' ? '' : `; ${note}`}</text>
  </svg>`;
}

function drawnBlock(strip: Strip, block: Block, x: number, each: number): SVGTemplateResult {
  const width = each - 1.5;
  const middle = x + width / 2;
  if (block.kernel === 0) {
    return svg`<g class="block kernel-0"><title>${block.name}</title>
      <path d="M${x} ${kBase - 1}h${width}"></path>
      <text x=${middle} y=${kBase + 14}>${block.name === 'skip' ? '–' : ''}</text></g>`;
  }
  const height = (kTall * block.expansion) / strip.mostExpansion;
  return svg`<g class="block kernel-${block.kernel} ${block.groups > 1 ? 'split' : ''}"><title>${block.name}</title>
    <rect x=${x} y=${kBase - height} width=${width} height=${height}></rect>
    <text class="expansion" x=${middle} y=${kBase - height - 4}>${block.expansion}</text>
    <text x=${middle} y=${kBase + 14}>${block.kernel}</text></g>`;
}

/** The same in the height of a line. */
export function stripGlyph(space: StripId, architecture: string): TemplateResult {
  const strip = kStrips[space];
  const blocks = strip.blocks(architecture);
  const { x, each } = layout(strip, 140, 2);
  return html`<svg class="strip-glyph" viewBox="0 0 140 18" role="img" aria-label=${architecture}>
    ${blocks.map((block, place) => {
      const height = block.kernel === 0 ? 1 : 2 + (16 * block.expansion) / strip.mostExpansion;
      return svg`<rect class="kernel-${block.kernel}" x=${x(block, place)} y=${18 - height} width=${each - 0.8} height=${height}></rect>`;
    })}
  </svg>`;
}

export const kStripRemarks: Readonly<Record<StripId, string>> = {
  fbnet: 'Above each block its expansion, below its kernel; dashed outline: two groups; –: skipped.',
  ofa: 'Above each block its expansion, below its kernel; a line: a slot that is not used.',
};
