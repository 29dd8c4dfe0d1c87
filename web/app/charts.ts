/**
 * All charts of the page: scatter plots with one look for axes, ticks, numbers and colours. uPlot does scales and axes
 * and is fetched when the first chart is shown; the points are painted by paint.ts. The wheel zooms, dragging moves what is zoomed.
 */

import { AsyncDirective, directive } from 'lit/async-directive.js';
import type { ElementPart } from 'lit';
import type uPlot from 'uplot';
import { whenNear } from './near.js';
import { fullWindow, kFontFamily, nearestPoint, paintMarked, paintPoints, tickText, type Frame, type Window } from './paint.js';

export interface ChartAxis {
  readonly title: string;
  /** Where the axis begins, 0 unless told; what lies below is not drawn. */
  readonly min?: number;
  readonly max: number;
  /** Its numbers mean nothing, only distances do. */
  readonly bare?: boolean;
}

export interface PointSeries {
  readonly name: string;
  /** `steps`: a line that keeps its height up to the next point. */
  readonly shape: 'dot' | 'diamond' | 'square' | 'triangle' | 'ring' | 'cross' | 'steps';
  /** A colour token of styles.css. */
  readonly colour: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Architecture of each point by its row of the table; position where absent. */
  readonly ids?: ArrayLike<number>;
  /** Of dots: 0 for each that a filter leaves out. */
  readonly shown?: Uint8Array;
  /** A name beside each point, where there is room. */
  readonly labels?: readonly string[];
  /** How far each point may be off: a bar through it; of dots, which are many, only through the one that is marked. */
  readonly bars?: { readonly along: 'x' | 'y'; readonly low: ArrayLike<number>; readonly high: ArrayLike<number> };
}

export interface ChartSpec {
  /** For those who do not see the chart. */
  readonly label: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly series: readonly PointSeries[];
  /** Beside the legend. */
  readonly remark?: string;
  /** Draws where both axes agree, and 10 % around it. */
  readonly diagonal?: boolean;
  /** A line at this x; points beyond it are greyed. */
  readonly limit?: number;
  /** The architecture to point out. */
  readonly marked?: number;
}

export interface ChartEvents {
  readonly hover?: (id: number | undefined) => void;
  readonly pick?: (id: number) => void;
  /** The limit line was dragged here. */
  readonly limit?: (x: number) => void;
}

const kFont = `11px ${kFontFamily}`;
const kReach = 14; // CSS pixels within which a pointer finds a point
const kClick = 4; // CSS pixels that a pointer may move without dragging
const kNearest = 500; // how far a chart can be zoomed
const kWheel = 400; // pixels of a wheel that zoom by a factor of e
const kButton = 1.6; // what a button zooms by

class Chart {
  private plot: uPlot | undefined;
  /** What is pointed out lies over the points, so that pointing does not paint them all again. */
  private readonly marks = document.createElement('canvas');
  private readonly controls = document.createElement('div');
  private readonly observer: ResizeObserver;
  private readonly scheme = matchMedia('(prefers-color-scheme: dark)');
  private readonly theme = new MutationObserver(() => this.repaint());
  /** Undefined where all is shown. */
  private zoomed: Window | undefined;
  private frame = 0;
  private rescaling = false;

  constructor(
    private readonly host: HTMLElement,
    private readonly UPlot: typeof uPlot,
    private spec: ChartSpec,
    private events: ChartEvents,
  ) {
    this.marks.className = 'marks';
    this.makeControls();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
    this.scheme.addEventListener('change', this.repaint);
    this.theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  }

  update(spec: ChartSpec, events: ChartEvents): void {
    const before = this.spec;
    this.spec = spec;
    this.events = events;
    if (spec === before) return;
    this.plot?.root.setAttribute('aria-label', spec.label);
    if (spec.x.title !== before.x.title || spec.y.title !== before.y.title) this.rebuild();
    else if (!sameScale(spec.x, before.x) || !sameScale(spec.y, before.y)) this.rescale();
    else if (spec.series !== before.series || spec.limit !== before.limit) this.repaint();
    else if (spec.marked !== before.marked) this.paintMarks();
  }

  /** Colours changed, or points did; painted once before the next frame. */
  readonly repaint = (): void => {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.rescaling) this.plot?.setData(kScaleData);
      else this.plot?.redraw(false, true);
      this.rescaling = false;
    });
  };

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.theme.disconnect();
    this.scheme.removeEventListener('change', this.repaint);
    this.plot?.destroy();
    this.controls.remove();
  }

  private rescale(): void {
    this.rescaling = true;
    this.repaint();
  }

  /** uPlot takes an axis' title once. */
  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    this.zoom(undefined);
    this.resize();
  }

  private resize(): void {
    const width = Math.floor(this.host.clientWidth);
    const height = Math.floor(this.host.clientHeight);
    if (width < 40 || height < 40) return;
    if (this.plot) this.plot.setSize({ width, height });
    else this.plot = this.create(width, height);
  }

  private create(width: number, height: number): uPlot {
    const axis = (scale: 'x' | 'y', size: number): uPlot.Axis => ({
      scale,
      side: scale === 'x' ? 2 : 3,
      font: kFont,
      labelFont: kFont,
      label: this.spec[scale].title,
      labelSize: 18,
      labelGap: 0,
      size: this.spec[scale].bare ? 4 : size,
      gap: 4,
      space: scale === 'x' ? 56 : 36,
      stroke: () => this.token('--ink-2'),
      grid: { stroke: () => this.token('--grid'), width: 1, show: !this.spec[scale].bare },
      ticks: { show: false },
      values: (_, splits) =>
        splits.map((value) => (this.spec[scale].bare ? '' : tickText(value, (splits[1] ?? 1) - (splits[0] ?? 0)))),
    });
    const plot = new this.UPlot(
      {
        width,
        height,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [...this.window().x] },
          y: { range: () => [...this.window().y] },
        },
        axes: [axis('x', 26), axis('y', 40)],
        // uPlot needs one series to set its scales; the points are painted by the hook.
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [(u) => this.paint(u)] },
      },
      kScaleData,
      this.host,
    );
    plot.root.setAttribute('role', 'img');
    plot.root.setAttribute('aria-label', this.spec.label);
    plot.over.before(this.marks);
    this.host.append(this.controls);
    this.listen(plot);
    return plot;
  }

  private listen(plot: uPlot): void {
    const { over } = plot;
    let dragging: 'limit' | 'window' | undefined;
    let from: { readonly x: number; readonly y: number; readonly window: Window } | undefined;
    const nearLimit = (event: PointerEvent): boolean =>
      this.spec.limit !== undefined &&
      this.events.limit !== undefined &&
      Math.abs(plot.valToPos(this.spec.limit, 'x') - event.offsetX) < 6;
    const dragTo = (event: PointerEvent): void => {
      const x = Math.min(Math.max(plot.posToVal(event.offsetX, 'x'), this.spec.x.max / 200), this.spec.x.max);
      this.events.limit?.(Number(x.toPrecision(3)));
    };
    const nearest = (event: PointerEvent): number | undefined =>
      nearestPoint(this.spec, this.shownFrame(plot, 'css'), { x: event.offsetX, y: event.offsetY }, kReach);
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      from = { x: event.offsetX, y: event.offsetY, window: this.window() };
      dragging = nearLimit(event) ? 'limit' : undefined;
      if (!dragging && !this.zoomed) return;
      over.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    over.addEventListener('pointermove', (event) => {
      if (dragging === 'limit') {
        dragTo(event);
        return;
      }
      if (from && this.zoomed && Math.hypot(event.offsetX - from.x, event.offsetY - from.y) > kClick) dragging = 'window';
      if (dragging === 'window' && from) {
        this.zoom(moved(from.window, (from.x - event.offsetX) / over.clientWidth, (event.offsetY - from.y) / over.clientHeight));
        return;
      }
      const onLimit = nearLimit(event);
      over.classList.toggle('on-limit', onLimit);
      this.events.hover?.(onLimit ? undefined : nearest(event));
    });
    over.addEventListener('pointerup', (event) => {
      const dragged = dragging;
      dragging = undefined;
      from = undefined;
      if (dragged) return;
      const id = nearest(event);
      if (id !== undefined) this.events.pick?.(id);
    });
    over.addEventListener('pointercancel', () => {
      dragging = undefined;
      from = undefined;
    });
    over.addEventListener('pointerleave', () => this.events.hover?.(undefined));
    over.addEventListener(
      'wheel',
      (event) => {
        // Where nothing is left to zoom, the page scrolls on.
        const out = event.deltaY > 0;
        if (out && !this.zoomed) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY / kWheel), event.offsetX / over.clientWidth, 1 - event.offsetY / over.clientHeight);
      },
      { passive: false },
    );
    over.addEventListener('dblclick', () => this.zoom(undefined));
  }

  private makeControls(): void {
    this.controls.className = 'zoom';
    const button = (text: string, label: string, press: () => void): void => {
      const element = document.createElement('button');
      element.type = 'button';
      element.textContent = text;
      element.setAttribute('aria-label', label);
      element.title = label;
      element.addEventListener('click', press);
      this.controls.append(element);
    };
    button('+', 'Zoom in', () => this.zoomBy(kButton));
    button('−', 'Zoom out', () => this.zoomBy(1 / kButton));
    button('⤢', 'Zoom all the way out', () => this.zoom(undefined));
  }

  /** Around a place within the window, from 0 to 1. */
  private zoomBy(factor: number, x = 0.5, y = 0.5): void {
    const all = fullWindow(this.spec);
    const now = this.window();
    const share = (axis: 'x' | 'y'): number => (all[axis][1] - all[axis][0]) / (now[axis][1] - now[axis][0]);
    const least = Math.min(factor, kNearest / share('x'));
    if (least * share('x') <= 1) this.zoom(undefined);
    else this.zoom({ x: narrowed(now.x, all.x, least, x), y: narrowed(now.y, all.y, least, y) });
  }

  private zoom(window: Window | undefined): void {
    const all = fullWindow(this.spec);
    this.zoomed = window && { x: within(window.x, all.x), y: within(window.y, all.y) };
    this.host.classList.toggle('zoomed', this.zoomed !== undefined);
    this.rescale();
  }

  private window(): Window {
    const all = fullWindow(this.spec);
    return this.zoomed ? { x: within(this.zoomed.x, all.x), y: within(this.zoomed.y, all.y) } : all;
  }

  /** Where the window lies on the canvas, or in what lies over it. */
  private shownFrame(plot: uPlot, where: 'canvas' | 'css'): Frame {
    const window = this.window();
    if (where === 'canvas') return { ...plot.bbox, ratio: this.UPlot.pxRatio, window };
    const { clientWidth: width, clientHeight: height } = plot.over;
    return { left: 0, top: 0, width, height, ratio: 1, window };
  }

  private paint(plot: uPlot): void {
    const { ctx } = plot;
    ctx.save();
    clip(ctx, this.shownFrame(plot, 'canvas'), 4);
    paintPoints(ctx, this.spec, this.shownFrame(plot, 'canvas'), (name) => this.token(name));
    ctx.restore();
    this.marks.width = ctx.canvas.width;
    this.marks.height = ctx.canvas.height;
    this.paintMarks();
  }

  private paintMarks(): void {
    const ctx = this.marks.getContext('2d');
    if (!ctx || !this.plot) return;
    ctx.clearRect(0, 0, this.marks.width, this.marks.height);
    ctx.save();
    clip(ctx, this.shownFrame(this.plot, 'canvas'), 8);
    paintMarked(ctx, this.spec, this.shownFrame(this.plot, 'canvas'), (name) => this.token(name));
    ctx.restore();
  }

  private token(name: string): string {
    return getComputedStyle(this.host).getPropertyValue(name);
  }
}

function clip(ctx: CanvasRenderingContext2D, { left, top, width, height, ratio }: Frame, margin: number): void {
  ctx.beginPath();
  ctx.rect(left, top - margin * ratio, width + margin * ratio, height + margin * ratio);
  ctx.clip();
}

type Range = readonly [number, number];

function narrowed([low, high]: Range, all: Range, factor: number, at: number): Range {
  const centre = low + at * (high - low);
  return within([centre - (centre - low) / factor, centre + (high - centre) / factor], all);
}

function moved({ x, y }: Window, right: number, up: number): Window {
  const by = ([low, high]: Range, share: number): Range => [low + share * (high - low), high + share * (high - low)];
  return { x: by(x, right), y: by(y, up) };
}

/** Of the same length, inside all there is. */
function within([low, high]: Range, all: Range): Range {
  const length = Math.min(high - low, all[1] - all[0]);
  const start = Math.min(Math.max(low, all[0]), all[1] - length);
  return [start, start + length];
}

function sameScale(a: ChartAxis, b: ChartAxis): boolean {
  return a.min === b.min && a.max === b.max;
}

const kScaleData: uPlot.AlignedData = [
  [0, 1],
  [0, 1],
];

/** Fetches what charts need, for those that come into view later. */
export async function fetchCharts(): Promise<void> {
  await import('uplot');
}

class ChartDirective extends AsyncDirective {
  private chart: Chart | undefined;
  private stopWaiting: (() => void) | undefined;
  private wanted: { spec: ChartSpec; events: ChartEvents } | undefined;
  private host: HTMLElement | undefined;

  override render(_spec: ChartSpec, _events: ChartEvents): undefined {
    return undefined;
  }

  override update(part: ElementPart, [spec, events]: [ChartSpec, ChartEvents]): undefined {
    const host = part.element as HTMLElement;
    host.setAttribute('role', 'group');
    host.setAttribute('aria-label', spec.label);
    const first = !this.wanted;
    this.wanted = { spec, events };
    this.host = host;
    this.chart?.update(spec, events);
    if (first) this.wait();
    return undefined;
  }

  /** A chart is made when it comes into view: to paint thousands of points takes longer than all else. */
  private wait(): void {
    if (this.host) this.stopWaiting = whenNear(this.host, () => void this.mount());
  }

  private async mount(): Promise<void> {
    const { default: UPlot } = await import('uplot');
    if (!this.isConnected || !this.wanted || !this.host || this.chart) return;
    this.chart = new Chart(this.host, UPlot, this.wanted.spec, this.wanted.events);
  }

  protected override disconnected(): void {
    this.stopWaiting?.();
    this.chart?.destroy();
    this.chart = undefined;
  }

  protected override reconnected(): void {
    this.wait();
  }
}

/** Fills an element with a chart: `<div class="plot" ${chart(spec, events)}></div>`. */
export const chart = directive(ChartDirective);

/** The mark of a series, for a legend. */
export const kShapes: Readonly<Record<PointSeries['shape'], string>> = {
  dot: 'M3 3h6v6h-6z',
  diamond: 'M6 1l5 5l-5 5l-5 -5z',
  square: 'M2 2h8v8h-8z',
  triangle: 'M6 1l5 9h-10z',
  ring: 'M6 2a4 4 0 1 0 .01 0z',
  cross: 'M2 2l8 8M2 10l8 -8',
  steps: 'M1 11h3v-4h4v-5h3',
};
