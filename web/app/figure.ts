/** Charts to take away: as an SVG drawing and as a PNG picture, both painted by the page's own painter. Fetched with the first of them. */

import type { ChartAxis, ChartSpec, PointSeries } from './charts.js';
import { fullWindow, kFontFamily, paintPoints, ticks, tickText, type Frame, type Pen, type Token } from './paint.js';

const kWidth = 960;
const kHeight = 600;
const kMargin = { left: 64, right: 24, top: 72, bottom: 56 } as const;
const kPixels = 2; // of a picture, to a unit of the drawing
const kTicks = { x: 8, y: 6 } as const;

const kBars = { top: 64, bottom: 24, height: 20, thick: 12, name: 40, note: 200, from: 400, to: 840 } as const;
/** What a canvas may have in every browser. */
const kMostPixels = 16e6;

/** What something consists of, as bars one below the other. */
export interface BarSpec {
  readonly label: string;
  readonly remark: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly name: string;
  readonly note: string;
  readonly value: number;
  /** The value with its unit. */
  readonly text: string;
  /** A colour token of styles.css. */
  readonly colour: string;
}

export type FigureSpec = ChartSpec | BarSpec;

/** A chart as an SVG file's text. */
export function svgOf(spec: FigureSpec, token: Token): string {
  const pen = new SvgPen();
  const height = heightOf(spec);
  if (isBars(spec)) drawBars(pen, spec, 1, token);
  else drawFigure(pen, spec, 1, token, () => pen.clip(frameOf(spec, 1)), () => pen.unclip());
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${height}" width="${kWidth}" height="${height}" role="img">\n` +
    `<title>${escaped(spec.label)}</title>\n${pen.text()}</svg>\n`
  );
}

/** The same as a PNG file. */
export function pngOf(spec: FigureSpec, token: Token): Promise<Blob> {
  const canvas = document.createElement('canvas');
  const height = heightOf(spec);
  const ratio = Math.min(kPixels, Math.sqrt(kMostPixels / (kWidth * height)));
  canvas.width = Math.floor(kWidth * ratio);
  canvas.height = Math.floor(height * ratio);
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new Error('this browser gives the page no canvas');
  if (isBars(spec)) drawBars(ctx, spec, ratio, token);
  else {
    const inside = frameOf(spec, ratio);
    drawFigure(
      ctx,
      spec,
      ratio,
      token,
      () => {
        ctx.save();
        ctx.beginPath();
        ctx.rect(inside.left, inside.top, inside.width, inside.height);
        ctx.clip();
      },
      () => ctx.restore(),
    );
  }
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('this browser could not make a PNG'))), 'image/png');
  });
}

function isBars(spec: FigureSpec): spec is BarSpec {
  return 'bars' in spec;
}

function heightOf(spec: FigureSpec): number {
  return isBars(spec) ? kBars.top + kBars.height * spec.bars.length + kBars.bottom : kHeight;
}

function drawBars(pen: Pen, { label, remark, bars }: BarSpec, ratio: number, token: Token): void {
  const { top, bottom, height, thick, name, note, from, to } = kBars;
  const write = writer(pen, ratio, token);
  pen.fillStyle = token('--paper');
  pen.fillRect(0, 0, kWidth * ratio, (top + height * bars.length + bottom) * ratio);
  write(label, name, 22, 14, '--ink', 'left');
  write(remark, name, 44, 12, '--ink-2', 'left');
  const most = Math.max(...bars.map(({ value }) => value), 0) || 1;
  bars.forEach((bar, i) => {
    const y = top + height * (i + 0.5);
    write(String(i + 1), name - 8, y, 11, '--ink-2', 'right');
    write(shortened(bar.name, note - name), name, y, 12, '--ink', 'left');
    write(shortened(bar.note, from - note), note, y, 11, '--ink-2', 'left');
    pen.fillStyle = token(bar.colour);
    pen.fillRect(from * ratio, (y - thick / 2) * ratio, (Math.max(0, bar.value / most) * (to - from)) * ratio, thick * ratio);
    write(bar.text, kWidth - kMargin.right, y, 12, '--ink', 'right');
  });
}

/** As much of a text as fits, by what a letter takes about. */
function shortened(text: string, width: number): string {
  const most = Math.floor(width / kLetter) - 1;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

const kLetter = 6.4; // units, of the sizes that names have

function frameOf(spec: ChartSpec, ratio: number): Frame {
  const { left, top, right, bottom } = kMargin;
  return {
    left: left * ratio,
    top: top * ratio,
    width: (kWidth - left - right) * ratio,
    height: (kHeight - top - bottom) * ratio,
    ratio,
    window: fullWindow(spec),
  };
}

function drawFigure(pen: Pen, spec: ChartSpec, ratio: number, token: Token, clip: () => void, unclip: () => void): void {
  const frame = frameOf(spec, ratio);
  const write = writer(pen, ratio, token);
  pen.fillStyle = token('--paper');
  pen.fillRect(0, 0, kWidth * ratio, kHeight * ratio);
  write(spec.label, kMargin.left, 22, 14, '--ink', 'left');
  drawAxes(pen, spec, frame, token, write);
  clip();
  paintPoints(pen, spec, frame, token);
  unclip();
  let x: number = kMargin.left;
  for (const series of spec.series) {
    drawMark(pen, series, x * ratio, 48 * ratio, ratio, token);
    write(series.name, x + 12, 48, 12, '--ink-2', 'left');
    x += 36 + 6.6 * series.name.length;
  }
  if (spec.remark !== undefined) write(spec.remark, x, 48, 12, '--ink-2', 'left');
}

type Write = (text: string, x: number, y: number, size: number, colour: string, align: CanvasTextAlign) => void;

function writer(pen: Pen, ratio: number, token: Token): Write {
  return (text, x, y, size, colour, align) => {
    pen.font = `${size * ratio}px ${kFontFamily}`;
    pen.fillStyle = token(colour);
    pen.textAlign = align;
    pen.textBaseline = 'middle';
    pen.fillText(text, x * ratio, y * ratio);
  };
}

function drawAxes(pen: Pen, spec: ChartSpec, frame: Frame, token: Token, write: Write): void {
  const { left, top, width, height, ratio, window } = frame;
  const { x, y } = window;
  pen.strokeStyle = token('--grid');
  pen.lineWidth = ratio;
  const across = (value: number): number => left + ((value - x[0]) / (x[1] - x[0])) * width;
  const up = (value: number): number => top + height - ((value - y[0]) / (y[1] - y[0])) * height;
  const along = (axis: ChartAxis, range: readonly [number, number], count: number, draw: (value: number, text: string) => void): void => {
    const shown = axis.bare ? [] : ticks(range, count);
    for (const value of shown) draw(value, tickText(value, (shown[1] ?? 1) - (shown[0] ?? 0)));
  };
  along(spec.x, x, kTicks.x, (value, text) => {
    line(pen, across(value), top, across(value), top + height);
    write(text, across(value) / ratio, (top + height) / ratio + 14, 12, '--ink-2', 'center');
  });
  along(spec.y, y, kTicks.y, (value, text) => {
    line(pen, left, up(value), left + width, up(value));
    write(text, left / ratio - 8, up(value) / ratio, 12, '--ink-2', 'right');
  });
  write(spec.x.title, (left + width) / ratio, kHeight - 18, 12, '--ink-2', 'right');
  write(spec.y.title, kMargin.left, kMargin.top - 8, 12, '--ink-2', 'left');
}

function line(pen: Pen, x1: number, y1: number, x2: number, y2: number): void {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}

/** The mark of a series: a chart of one point, or of one step. */
function drawMark(pen: Pen, { shape, colour, name }: PointSeries, x: number, y: number, ratio: number, token: Token): void {
  const places = shape === 'steps' ? { x: [0, 1], y: [0, 1] } : { x: [0.5], y: [0.5] };
  const axis = { title: '', max: 1 };
  const frame = { left: x - 5 * ratio, top: y - 5 * ratio, width: 10 * ratio, height: 10 * ratio, ratio };
  const spec = { label: '', x: axis, y: axis, series: [{ name, shape, colour, ...places }] };
  paintPoints(pen, spec, { ...frame, window: fullWindow(spec) }, token);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Writes down what it is told to paint. Squares of one colour, of which there are thousands, become one path. */
class SvgPen implements Pen {
  fillStyle: Pen['fillStyle'] = '#000';
  strokeStyle: Pen['strokeStyle'] = '#000';
  lineWidth = 1;
  globalAlpha = 1;
  font = '';
  textAlign: CanvasTextAlign = 'left';
  textBaseline: CanvasTextBaseline = 'middle';
  private readonly parts: string[] = [];
  private path: string[] = [];
  private dash: readonly number[] = [];
  private squares: { readonly style: string; readonly path: string[] } | undefined;
  private clips = 0;

  text(): string {
    this.flush();
    return this.parts.join('');
  }

  clip({ left, top, width, height }: Frame): void {
    this.flush();
    const id = `inside-${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><rect x="${left}" y="${top}" width="${width}" height="${height}"/></clipPath>\n<g clip-path="url(#${id})">\n`);
  }

  unclip(): void {
    this.flush();
    this.parts.push('</g>\n');
  }

  beginPath(): void {
    this.path = [];
  }

  moveTo(x: number, y: number): void {
    this.path.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.path.push(`L${short(x)} ${short(y)}`);
  }

  /** Whole circles only. */
  arc(x: number, y: number, radius: number): void {
    const [r, wide] = [short(radius), short(2 * radius)];
    this.path.push(`M${short(x - radius)} ${short(y)}a${r} ${r} 0 1 0 ${wide} 0a${r} ${r} 0 1 0 -${wide} 0z`);
  }

  closePath(): void {
    this.path.push('z');
  }

  fill(): void {
    this.add(`fill="${colour(this.fillStyle)}"`);
  }

  stroke(): void {
    const dash = this.dash.length > 0 ? ` stroke-dasharray="${this.dash.join(' ')}"` : '';
    this.add(`fill="none" stroke="${colour(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}"${dash}`);
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    const style = this.styled(`fill="${colour(this.fillStyle)}"`);
    if (this.squares?.style !== style) this.flush();
    this.squares ??= { style, path: [] };
    this.squares.path.push(`M${short(x)} ${short(y)}h${short(width)}v${short(height)}h-${short(width)}z`);
  }

  fillText(text: string, x: number, y: number): void {
    this.flush();
    const [size = '12px', ...family] = this.font.split(' ');
    const anchor = { left: 'start', start: 'start', center: 'middle', right: 'end', end: 'end' }[this.textAlign];
    this.parts.push(
      `<text x="${short(x)}" y="${short(y)}" fill="${colour(this.fillStyle)}" font-size="${size}" font-family="${escaped(family.join(' '))}" ` +
        `text-anchor="${anchor}" dominant-baseline="central">${escaped(text)}</text>\n`,
    );
  }

  setLineDash(dash: readonly number[]): void {
    this.dash = dash;
  }

  private add(style: string): void {
    this.flush();
    if (this.path.length > 0) this.parts.push(`<path ${this.styled(style)} d="${this.path.join('')}"/>\n`);
  }

  private flush(): void {
    if (this.squares) this.parts.push(`<path ${this.squares.style} d="${this.squares.path.join('')}"/>\n`);
    this.squares = undefined;
  }

  private styled(style: string): string {
    return this.globalAlpha === 1 ? style : `${style} fill-opacity="${this.globalAlpha}"`;
  }
}

function colour(style: Pen['fillStyle']): string {
  return escaped(String(style).trim());
}

/** Coordinates to a tenth of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
