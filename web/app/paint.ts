/** How charts are painted, whatever they are painted on: the page's canvas, a picture or a drawing to take away. */

import type { ChartAxis, ChartSpec, PointSeries } from './charts.js';
import { decimal } from './format.js';

/** What painting needs of a canvas. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | ('beginPath' | 'moveTo' | 'lineTo' | 'arc' | 'closePath' | 'fill' | 'stroke' | 'fillRect' | 'fillText' | 'setLineDash')
  | ('fillStyle' | 'strokeStyle' | 'lineWidth' | 'globalAlpha' | 'font' | 'textAlign' | 'textBaseline')
>;

/** The part of the axes that is shown. */
export interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}

/** Where on the pen the window lies; `ratio`: its units to a CSS pixel. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  readonly window: Window;
}

/** The colour of a token of styles.css. */
export type Token = (name: string) => string;

export const kFontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const kMostCorners = 80; // of steps, above which their dots would run together
const kLabelHeight = 13; // CSS pixels of a point's name
const kLetterWidth = 5.8; // and of one of its letters, about
const kPointRadius = 4; // CSS pixels kept free around a point that has a name
const kFaint = 0.12; // of what a filter leaves out

export function fullWindow({ x, y }: ChartSpec): Window {
  return { x: [begin(x), x.max], y: [begin(y), y.max] };
}

function begin(axis: ChartAxis): number {
  return axis.min ?? 0;
}

type To = (value: number) => number;

function scales({ left, top, width, height, window: { x, y } }: Frame): { px: To; py: To } {
  const toX = width / (x[1] - x[0]);
  const toY = height / (y[1] - y[0]);
  return { px: (value) => left + (value - x[0]) * toX, py: (value) => top + height - (value - y[0]) * toY };
}

/** Everything but what is pointed out. */
export function paintPoints(pen: Pen, spec: ChartSpec, frame: Frame, token: Token): void {
  const { px, py } = scales(frame);
  const { top, height, ratio } = frame;
  if (spec.diagonal) paintDiagonal(pen, Math.max(spec.x.max, spec.y.max), px, py, ratio, token);
  for (const series of spec.series) paintSeries(pen, series, spec.limit, frame, token);
  paintLabels(pen, spec, frame, token);
  if (spec.limit !== undefined) {
    pen.strokeStyle = token('--ink');
    pen.lineWidth = ratio;
    pen.setLineDash([4 * ratio, 3 * ratio]);
    pen.beginPath();
    pen.moveTo(px(spec.limit), top);
    pen.lineTo(px(spec.limit), top + height);
    pen.stroke();
    pen.setLineDash([]);
  }
}

function paintDiagonal(pen: Pen, end: number, px: To, py: To, ratio: number, token: Token): void {
  pen.fillStyle = token('--band');
  pen.beginPath();
  pen.moveTo(px(0), py(0));
  pen.lineTo(px(end), py(end * 1.1));
  pen.lineTo(px(end), py(end * 0.9));
  pen.fill();
  pen.strokeStyle = token('--ink-3');
  pen.lineWidth = ratio;
  pen.beginPath();
  pen.moveTo(px(0), py(0));
  pen.lineTo(px(end), py(end));
  pen.stroke();
}

function paintSeries(pen: Pen, series: PointSeries, limit: number | undefined, frame: Frame, token: Token): void {
  const { px, py } = scales(frame);
  const { ratio } = frame;
  const near = token(series.colour);
  if (series.shape === 'dot') {
    paintDots(pen, series, limit, frame, near, token('--ink-3'));
    return;
  }
  if (series.shape === 'steps') {
    paintSteps(pen, series, px, py, ratio, near);
    return;
  }
  const radius = (series.shape === 'diamond' ? 5 : 4) * ratio;
  pen.strokeStyle = near;
  pen.lineWidth = ratio;
  for (let i = 0; i < series.x.length; i++) paintBar(pen, series, i, px, py);
  pen.lineWidth = 1.5 * ratio;
  for (let i = 0; i < series.x.length; i++) {
    const x = px(series.x[i] ?? Number.NaN);
    const y = py(series.y[i] ?? Number.NaN);
    if (!isInside(x, y, frame, radius)) continue;
    pen.beginPath();
    if (series.shape === 'cross') {
      pen.moveTo(x - radius, y - radius);
      pen.lineTo(x + radius, y + radius);
      pen.moveTo(x - radius, y + radius);
      pen.lineTo(x + radius, y - radius);
      pen.strokeStyle = near;
    } else if (series.shape === 'ring') {
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.strokeStyle = near;
    } else {
      outline(pen, series.shape, x, y, radius);
      pen.fillStyle = near;
      pen.fill();
      pen.strokeStyle = token('--paper');
    }
    pen.stroke();
  }
}

function outline(pen: Pen, shape: 'diamond' | 'square' | 'triangle', x: number, y: number, radius: number): void {
  const corners = {
    diamond: [[0, -1], [1, 0], [0, 1], [-1, 0]],
    square: [[-0.8, -0.8], [0.8, -0.8], [0.8, 0.8], [-0.8, 0.8]],
    triangle: [[0, -1.1], [1, 0.8], [-1, 0.8]],
  }[shape];
  corners.forEach(([dx = 0, dy = 0], i) => {
    if (i === 0) pen.moveTo(x + dx * radius, y + dy * radius);
    else pen.lineTo(x + dx * radius, y + dy * radius);
  });
  pen.closePath();
}

function paintDots(pen: Pen, series: PointSeries, limit: number | undefined, frame: Frame, near: string, far: string): void {
  const { px, py } = scales(frame);
  const size = 2 * frame.ratio;
  const { x, y, shown } = series;
  const alpha = x.length > 2000 ? 0.45 : 1;
  // A pass for each colour, so that it is set thrice and not 15,625 times.
  for (const pass of ['left out', 'beyond', 'within'] as const) {
    if (pass === 'left out' && !shown) continue;
    pen.fillStyle = pass === 'within' ? near : far;
    pen.globalAlpha = pass === 'left out' ? kFaint : alpha;
    for (let i = 0; i < x.length; i++) {
      const value = x[i]!;
      const belongs = shown && shown[i] === 0 ? 'left out' : limit !== undefined && value > limit ? 'beyond' : 'within';
      if (belongs !== pass) continue;
      const across = px(value);
      const down = py(y[i]!);
      if (isInside(across, down, frame, size)) pen.fillRect(across - size / 2, down - size / 2, size, size);
    }
  }
  pen.globalAlpha = 1;
}

function isInside(x: number, y: number, { left, top, width, height }: Frame, margin: number): boolean {
  return x >= left - margin && x <= left + width + margin && y >= top - margin && y <= top + height + margin;
}

function paintSteps(pen: Pen, series: PointSeries, px: To, py: To, ratio: number, colour: string): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5 * ratio;
  pen.beginPath();
  for (let i = 0; i < series.x.length; i++) {
    const x = px(series.x[i] ?? Number.NaN);
    const y = py(series.y[i] ?? Number.NaN);
    if (i === 0) pen.moveTo(x, y);
    else pen.lineTo(x, py(series.y[i - 1] ?? Number.NaN));
    pen.lineTo(x, y);
  }
  pen.stroke();
  if (series.x.length > kMostCorners) return;
  pen.fillStyle = colour;
  for (let i = 0; i < series.x.length; i++) {
    pen.beginPath();
    pen.arc(px(series.x[i] ?? Number.NaN), py(series.y[i] ?? Number.NaN), 2.5 * ratio, 0, 2 * Math.PI);
    pen.fill();
  }
}

type Box = readonly [left: number, top: number, right: number, bottom: number];

/** Names beside points, first come first served: what would lie over another, or over a point, is left out. */
function paintLabels(pen: Pen, spec: ChartSpec, frame: Frame, token: Token): void {
  const { px, py } = scales(frame);
  const { ratio, left, width } = frame;
  const points = spec.series.flatMap(({ labels = [], x, y }) =>
    labels.map((label, i) => ({ label, across: px(x[i] ?? Number.NaN), down: py(y[i] ?? Number.NaN) })),
  );
  const around = ratio * kPointRadius;
  const taken: Box[] = points.map(({ across, down }) => [across - around, down - around, across + around, down + around]);
  const half = (ratio * kLabelHeight) / 2;
  pen.font = `${11 * ratio}px ${kFontFamily}`;
  pen.textBaseline = 'middle';
  pen.fillStyle = token('--ink-2');
  for (const { label, across, down } of points) {
    if (!isInside(across, down, frame, 0)) continue;
    const wide = label.length * kLetterWidth * ratio;
    const right: Box = [across + 2 * around, down - half, across + 2 * around + wide, down + half];
    const onLeft: Box = [across - 2 * around - wide, down - half, across - 2 * around, down + half];
    const free = [right, onLeft].find(
      (box) => box[0] >= left && box[2] <= left + width && !taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]),
    );
    if (!free) continue;
    taken.push(free);
    pen.textAlign = free === right ? 'left' : 'right';
    pen.fillText(label, free === right ? free[0] : free[2], down);
  }
}

/** A ring around what is pointed out, in every series that has it. */
export function paintMarked(pen: Pen, spec: ChartSpec, frame: Frame, token: Token): void {
  const { marked } = spec;
  if (marked === undefined) return;
  const { px, py } = scales(frame);
  const { ratio } = frame;
  for (const series of spec.series) {
    const at = series.ids ? Array.prototype.indexOf.call(series.ids, marked) : marked;
    const x = px(series.x[at] ?? Number.NaN);
    const y = py(series.y[at] ?? Number.NaN);
    if (!isInside(x, y, frame, 0)) continue;
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = token('--ink');
    paintBar(pen, series, at, px, py, 5 * ratio);
    pen.beginPath();
    pen.arc(x, y, 7 * ratio, 0, 2 * Math.PI);
    pen.lineWidth = 4 * ratio;
    pen.strokeStyle = token('--paper');
    pen.stroke();
    pen.lineWidth = 2 * ratio;
    pen.strokeStyle = token('--ink');
    pen.stroke();
  }
}

/** A bar from low to high of a point, with caps of this half length. */
function paintBar(pen: Pen, { bars, x, y }: PointSeries, i: number, px: To, py: To, cap = 0): void {
  const [low, high] = [bars?.low[i], bars?.high[i]];
  if (!bars || low === undefined || high === undefined) return;
  pen.beginPath();
  if (bars.along === 'x') {
    const height = py(y[i] ?? Number.NaN);
    for (const end of [px(low), px(high)]) {
      pen.moveTo(end, height - cap);
      pen.lineTo(end, height + cap);
    }
    pen.moveTo(px(low), height);
    pen.lineTo(px(high), height);
  } else {
    const across = px(x[i] ?? Number.NaN);
    for (const end of [py(low), py(high)]) {
      pen.moveTo(across - cap, end);
      pen.lineTo(across + cap, end);
    }
    pen.moveTo(across, py(low));
    pen.lineTo(across, py(high));
  }
  pen.stroke();
}

/** The point nearest to a place on the frame, within `reach` of its units; what is drawn on top wins. */
export function nearestPoint(spec: ChartSpec, frame: Frame, at: { readonly x: number; readonly y: number }, reach: number): number | undefined {
  const { left, top, width, height, window } = frame;
  const toX = width / (window.x[1] - window.x[0]);
  const toY = height / (window.y[1] - window.y[0]);
  for (const series of [...spec.series].reverse()) {
    const { x, y, shown } = series;
    let best: number | undefined;
    let least = (series.shape === 'dot' ? reach : reach / 2) ** 2;
    for (let i = 0; i < x.length; i++) {
      if (shown && shown[i] === 0) continue;
      const dx = left + (x[i]! - window.x[0]) * toX - at.x;
      const dy = top + height - (y[i]! - window.y[0]) * toY - at.y;
      const distance = dx * dx + dy * dy;
      if (distance < least) {
        least = distance;
        best = series.ids ? series.ids[i] : i;
      }
    }
    if (best !== undefined) return best;
  }
  return undefined;
}

/** A number of an axis whose numbers are `step` apart: `20`, `0.5`, `12.25`, without zeros at its end. */
export function tickText(value: number, step: number): string {
  const digits = Math.min(Math.max(0, 1 - Math.floor(Math.log10(step))), 15);
  return Math.abs(value) < step / 1e3 ? '0' : decimal(value, digits);
}

/** Numbers 1, 2 or 5 times a power of ten apart, about `count` of them, that lie within a range. */
export function ticks([low, high]: readonly [number, number], count: number): readonly number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}
