/**
 * One small chart: latency against accuracy where it is known, else how many architectures take how long. Points are painted on a
 * canvas; all else is SVG, so that style sheets reach it.
 */

import { html, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';

export interface Axis {
  readonly min: number;
  readonly max: number;
  readonly title: string;
}

/** What is drawn, in units of the axes. */
export interface Plot {
  readonly label: string;
  readonly x: Axis;
  readonly y: Axis;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** A dot each. */
  readonly points?: { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> };
  /** A bar each, side by side over all of x; heights in units of y. */
  readonly bars?: ArrayLike<number>;
  /** A line that keeps its height up to the next point. */
  readonly steps?: readonly (readonly [number, number])[];
  readonly line?: readonly (readonly [number, number])[];
  /** Draws where both axes agree. */
  readonly diagonal?: boolean;
  /** Right of it everything is dimmed. */
  readonly limit?: number;
  /** Marked, with where its x may lie. */
  readonly chosen?: { readonly x: number; readonly low: number; readonly high: number; readonly y?: number };
  readonly hovered?: readonly [number, number];
}

/** Of the plotted area within the drawing, CSS pixels; the limit's slider has the same left and right (element.css). */
const kLeft = 30;
const kRight = 10;
const kTop = 14;
const kBottom = 20;
const kTick = 64; // between two ticks of x at least; half of it for y
const kReach = 14; // within which a pointer finds a point
/** Side of a point; few are larger. */
const kDot = 1.5;
const kLargeDot = 3;
const kFew = 2000;

interface Frame {
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
  readonly right: number;
  readonly bottom: number;
}

function frame({ x, y, width, height }: Plot): Frame {
  const right = width - kRight;
  const bottom = height - kBottom;
  return {
    right,
    bottom,
    toX: (value) => kLeft + ((value - x.min) / (x.max - x.min)) * (right - kLeft),
    toY: (value) => bottom - ((value - y.min) / (y.max - y.min)) * (bottom - kTop),
  };
}

/** Round numbers within an axis, at most `most` steps apart. */
export function ticks({ min, max }: Pick<Axis, 'min' | 'max'>, most: number): number[] {
  const least = (max - min) / Math.max(most, 1);
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 5, 10].find((times) => times * magnitude >= least) ?? 10) * magnitude;
  const all: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max * (1 + 1e-9); i++) all.push(Number((i * step).toPrecision(6)));
  return all;
}

/** The drawing. Its canvas is painted by `paint` afterwards. */
export function plotView(plot: Plot): TemplateResult {
  const { toX, toY, right, bottom } = frame(plot);
  const { x, y, width, height, chosen, limit, hovered, bars } = plot;
  const across = ticks(x, (right - kLeft) / kTick);
  const up = bars ? [] : ticks(y, (bottom - kTop) / (kTick / 2));
  const each = bars ? (right - kLeft) / bars.length : 0;
  const inside = limit !== undefined && limit < x.max;
  return html`<canvas part="points" width="0" height="0"></canvas
    ><svg part="chart" viewBox="0 0 ${width} ${height}" width=${width} height=${height} role="img" aria-label=${plot.label}>
      ${across.map((value) => svg`<path class="grid" d="M${toX(value)} ${kTop}V${bottom}"></path><text class="tick" x=${toX(value)} y=${bottom + 14} text-anchor=${toX(value) > right - 8 ? 'end' : 'middle'}>${number(value)}</text>`)}
      ${up.map((value) => svg`<path class="grid" d="M${kLeft} ${toY(value)}H${right}"></path><text class="tick" x=${kLeft - 5} y=${toY(value) + 4} text-anchor="end">${number(value)}</text>`)}
      ${bars ? Array.from(bars, (value, i) => svg`<rect class="bar" x=${kLeft + i * each} y=${toY(value)} width=${Math.max(each - 1, 0.5)} height=${bottom - toY(value)}></rect>`) : nothing}
      ${plot.diagonal ? svg`<path class="diagonal" d="M${toX(Math.max(x.min, y.min))} ${toY(Math.max(x.min, y.min))}L${toX(Math.min(x.max, y.max))} ${toY(Math.min(x.max, y.max))}"></path>` : nothing}
      ${inside ? svg`<rect class="beyond" x=${toX(limit)} y=${kTop} width=${right - toX(limit)} height=${bottom - kTop}></rect><path class="limit" d="M${toX(limit)} ${kTop}V${bottom}"></path>` : nothing}
      ${plot.steps ? svg`<path class="front" d=${stepped(plot.steps, plot)}></path>` : nothing}
      ${plot.line && plot.line.length > 0 ? svg`<path class="front" d=${`M${plot.line.map(([px, py]) => `${toX(px)} ${toY(py)}`).join('L')}`}></path>` : nothing}
      ${chosen ? mark(chosen, plot) : nothing}
      ${hovered ? svg`<circle class="hovered" cx=${toX(hovered[0])} cy=${toY(hovered[1])} r="4"></circle>` : nothing}
      <text class="title" x=${kLeft - 5} y="9">${y.title}</text>
      <text class="title" x=${right} y=${bottom - 4} text-anchor="end">${x.title}</text>
    </svg>`;
}

/** `12`, `0.5`, `1,200`: as few digits as a tick has. */
function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 6 });
}

/** From the lower edge, where it begins below the chart. */
function stepped(points: readonly (readonly [number, number])[], plot: Plot): string {
  const { toX, toY, right, bottom } = frame(plot);
  const seen = points.filter(([, y]) => y >= plot.y.min);
  const [first] = seen;
  if (!first) return '';
  const start = seen.length < points.length ? bottom : toY(first[1]);
  return `M${toX(first[0])} ${start}${seen.map(([px, py]) => `H${toX(px)}V${toY(py)}`).join('')}H${right}`;
}

function mark(chosen: NonNullable<Plot['chosen']>, plot: Plot): SVGTemplateResult {
  const { toX, toY, right, bottom } = frame(plot);
  const x = toX(chosen.x);
  const [low, high] = [Math.max(toX(chosen.low), kLeft), Math.min(toX(chosen.high), right)];
  if (chosen.y === undefined) {
    return svg`<rect class="within" x=${low} y=${kTop} width=${high - low} height=${bottom - kTop}></rect>
      <path class="chosen" d="M${x} ${kTop}V${bottom}"></path>`;
  }
  // What lies below the chart is marked on its edge.
  const y = Math.min(toY(chosen.y), bottom);
  return svg`<path class="chosen" d="M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8"></path>
    <path class="diamond" d="M${x} ${y - 6}l6 6l-6 6l-6 -6z"></path>`;
}

/** Paints the points in the canvas' own text colour. */
export function paint(canvas: HTMLCanvasElement, plot: Plot): void {
  const { width, height, points, x, y } = plot;
  const ratio = devicePixelRatio;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting a size clears.
  canvas.width = wide;
  canvas.height = high;
  const context = canvas.getContext('2d');
  if (!context || !points) return;
  const { toX, toY } = frame(plot);
  context.scale(ratio, ratio);
  context.fillStyle = getComputedStyle(canvas).color;
  const side = points.x.length < kFew ? kLargeDot : kDot;
  for (let i = 0; i < points.x.length; i++) {
    const [px, py] = [points.x[i]!, points.y[i]!];
    if (px >= x.min && px <= x.max && py >= y.min && py <= y.max) {
      context.fillRect(toX(px) - side / 2, toY(py) - side / 2, side, side);
    }
  }
}

/** The point under a pointer at these CSS pixels of the drawing; -1 where there is none. */
export function nearest(plot: Plot, left: number, top: number): number {
  const { toX, toY } = frame(plot);
  const { points } = plot;
  let [best, least] = [-1, kReach ** 2];
  for (let i = 0; i < (points?.x.length ?? 0); i++) {
    const distance = (toX(points!.x[i]!) - left) ** 2 + (toY(points!.y[i]!) - top) ** 2;
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** How many values fall into each of equal parts of an axis. */
export function histogram(values: Float64Array, { min, max }: Axis, parts: number): Float64Array {
  const counts = new Float64Array(parts);
  for (const value of values) {
    const part = Math.floor(((value - min) / (max - min)) * parts);
    if (part >= 0 && part <= parts) counts[Math.min(part, parts - 1)]! += 1;
  }
  return counts;
}

/** From 0 to a little beyond the greatest of some values. */
export function latencyAxis(greatest: number, unit: string): Axis {
  return { min: 0, max: greatest * 1.02, title: unit };
}

/** Percent; the worst tenth lies below it, as a few bad ones would squeeze all others together. */
export function accuracyAxis(values: Float64Array, title: string): Axis {
  const sorted = values.slice().sort();
  const lowest = sorted[Math.floor(sorted.length / 10)] ?? 0;
  const highest = sorted.at(-1) ?? 100;
  const margin = 0.04 * (highest - lowest);
  return { min: lowest - margin, max: highest + margin, title };
}

