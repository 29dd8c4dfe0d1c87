/**
 * All charts of the page: scatter plots with one look for axes, ticks, numbers and colours. uPlot does scales and axes
 * and is fetched when the first chart is shown; the points are painted here.
 */

import { AsyncDirective, directive } from 'lit/async-directive.js';
import type { ElementPart } from 'lit';
import type uPlot from 'uplot';
import { significant } from './format.js';

export interface ChartAxis {
  readonly title: string;
  /** Where the axis begins, 0 unless told; what lies below is not drawn. */
  readonly min?: number;
  readonly max: number;
}

export interface PointSeries {
  readonly name: string;
  /** `steps`: a line that keeps its height up to the next point. */
  readonly shape: 'dot' | 'diamond' | 'ring' | 'cross' | 'steps';
  /** A colour token of styles.css. */
  readonly colour: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Architecture of each point by its row of the table; position where absent. */
  readonly ids?: ArrayLike<number>;
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

const kFont = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const kMostCorners = 80; // of steps, above which their dots would run together
const kReach = 14; // CSS pixels within which a pointer finds a point

class Chart {
  private plot: uPlot | undefined;
  private readonly observer: ResizeObserver;
  private readonly scheme = matchMedia('(prefers-color-scheme: dark)');
  private readonly theme = new MutationObserver(() => this.repaint());
  private frame = 0;

  constructor(
    private readonly host: HTMLElement,
    private readonly UPlot: typeof uPlot,
    private spec: ChartSpec,
    private events: ChartEvents,
  ) {
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(host);
    this.scheme.addEventListener('change', this.repaint);
    this.theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  }

  update(spec: ChartSpec, events: ChartEvents): void {
    const { x, y } = this.spec;
    const rescaled = !sameScale(spec.x, x) || !sameScale(spec.y, y);
    const moved = spec !== this.spec;
    this.spec = spec;
    this.events = events;
    if (spec.x.title !== x.title || spec.y.title !== y.title) this.rebuild();
    else if (rescaled) this.plot?.setData(kScaleData);
    else if (moved) this.repaint();
  }

  /** Colours changed, or points did; painted once before the next frame. */
  readonly repaint = (): void => {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.plot?.redraw(false, true);
    });
  };

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.theme.disconnect();
    this.scheme.removeEventListener('change', this.repaint);
    this.plot?.destroy();
  }

  /** uPlot takes an axis' title once. */
  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
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
      size,
      gap: 4,
      space: scale === 'x' ? 56 : 36,
      stroke: () => this.token('--ink-2'),
      grid: { stroke: () => this.token('--grid'), width: 1 },
      ticks: { show: false },
      values: (_, splits) => splits.map((value) => (value === 0 ? '0' : trimmed(value))),
    });
    const plot = new this.UPlot(
      {
        width,
        height,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [begin(this.spec.x), this.spec.x.max] },
          y: { range: () => [begin(this.spec.y), this.spec.y.max] },
        },
        axes: [axis('x', 26), axis('y', 40)],
        // uPlot needs one series to set its scales; the points are painted by the hook.
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: { draw: [(u) => this.paint(u)] },
      },
      kScaleData,
      this.host,
    );
    this.listen(plot);
    return plot;
  }

  private listen(plot: uPlot): void {
    const { over } = plot;
    let dragging = false;
    const nearLimit = (event: PointerEvent): boolean =>
      this.spec.limit !== undefined &&
      this.events.limit !== undefined &&
      Math.abs(plot.valToPos(this.spec.limit, 'x') - event.offsetX) < 6;
    const dragTo = (event: PointerEvent): void => {
      const x = Math.min(Math.max(plot.posToVal(event.offsetX, 'x'), this.spec.x.max / 200), this.spec.x.max);
      this.events.limit?.(Number(x.toPrecision(3)));
    };
    over.addEventListener('pointerdown', (event) => {
      if (!nearLimit(event)) return;
      dragging = true;
      over.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    over.addEventListener('pointermove', (event) => {
      if (dragging) {
        dragTo(event);
        return;
      }
      const onLimit = nearLimit(event);
      over.classList.toggle('on-limit', onLimit);
      this.events.hover?.(onLimit ? undefined : this.nearest(plot, event));
    });
    over.addEventListener('pointerup', (event) => {
      if (dragging) {
        dragging = false;
        return;
      }
      const id = this.nearest(plot, event);
      if (id !== undefined) this.events.pick?.(id);
    });
    over.addEventListener('pointercancel', () => {
      dragging = false;
    });
    over.addEventListener('pointerleave', () => this.events.hover?.(undefined));
  }

  /** The point under the pointer; what is drawn on top wins. */
  private nearest(plot: uPlot, event: PointerEvent): number | undefined {
    const { width, height } = plot.over.getBoundingClientRect();
    const { x, y } = this.spec;
    const toX = width / (x.max - begin(x));
    const toY = height / (y.max - begin(y));
    for (const series of [...this.spec.series].reverse()) {
      let best: number | undefined;
      let least = (series.shape === 'dot' ? kReach : kReach / 2) ** 2;
      for (let i = 0; i < series.x.length; i++) {
        const dx = ((series.x[i] ?? Number.NaN) - begin(x)) * toX - event.offsetX;
        const dy = height - ((series.y[i] ?? Number.NaN) - begin(y)) * toY - event.offsetY;
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

  private paint(plot: uPlot): void {
    const { ctx } = plot;
    const ratio = this.UPlot.pxRatio;
    const { left, top, width, height } = plot.bbox;
    const { x, y } = this.spec;
    const toX = width / (x.max - begin(x));
    const toY = height / (y.max - begin(y));
    const px = (value: number): number => left + (value - begin(x)) * toX;
    const py = (value: number): number => top + height - (value - begin(y)) * toY;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top - 4 * ratio, width + 4 * ratio, height + 4 * ratio);
    ctx.clip();
    if (this.spec.diagonal) {
      const end = Math.max(this.spec.x.max, this.spec.y.max);
      ctx.fillStyle = this.token('--band');
      ctx.beginPath();
      ctx.moveTo(px(0), py(0));
      ctx.lineTo(px(end), py(end * 1.1));
      ctx.lineTo(px(end), py(end * 0.9));
      ctx.fill();
      ctx.strokeStyle = this.token('--ink-3');
      ctx.lineWidth = ratio;
      ctx.beginPath();
      ctx.moveTo(px(0), py(0));
      ctx.lineTo(px(end), py(end));
      ctx.stroke();
    }
    for (const series of this.spec.series) this.paintSeries(ctx, series, px, py, ratio);
    if (this.spec.limit !== undefined) {
      ctx.strokeStyle = this.token('--ink');
      ctx.lineWidth = ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(px(this.spec.limit), top);
      ctx.lineTo(px(this.spec.limit), top + height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    this.paintMarked(ctx, px, py, ratio);
    ctx.restore();
  }

  private paintSeries(
    ctx: CanvasRenderingContext2D,
    series: PointSeries,
    px: (x: number) => number,
    py: (y: number) => number,
    ratio: number,
  ): void {
    const near = this.token(series.colour);
    const far = this.token('--ink-3');
    const { limit } = this.spec;
    if (series.shape === 'dot') {
      const size = 2 * ratio;
      ctx.globalAlpha = series.x.length > 2000 ? 0.45 : 1;
      // Two passes, so that the colour is set twice and not 15,625 times.
      for (const beyond of [true, false]) {
        ctx.fillStyle = beyond ? far : near;
        for (let i = 0; i < series.x.length; i++) {
          const x = series.x[i] ?? Number.NaN;
          if ((limit !== undefined && x > limit) !== beyond) continue;
          ctx.fillRect(px(x) - size / 2, py(series.y[i] ?? Number.NaN) - size / 2, size, size);
        }
      }
      ctx.globalAlpha = 1;
      return;
    }
    if (series.shape === 'steps') {
      ctx.strokeStyle = near;
      ctx.lineWidth = 1.5 * ratio;
      ctx.beginPath();
      for (let i = 0; i < series.x.length; i++) {
        const x = px(series.x[i] ?? Number.NaN);
        const y = py(series.y[i] ?? Number.NaN);
        if (i === 0) ctx.moveTo(x, y);
        else ctx.lineTo(x, py(series.y[i - 1] ?? Number.NaN));
        ctx.lineTo(x, y);
      }
      ctx.stroke();
      if (series.x.length > kMostCorners) return;
      ctx.fillStyle = near;
      for (let i = 0; i < series.x.length; i++) {
        ctx.beginPath();
        ctx.arc(px(series.x[i] ?? Number.NaN), py(series.y[i] ?? Number.NaN), 2.5 * ratio, 0, 2 * Math.PI);
        ctx.fill();
      }
      return;
    }
    const radius = (series.shape === 'diamond' ? 5 : 4) * ratio;
    ctx.strokeStyle = near;
    ctx.lineWidth = ratio;
    for (let i = 0; i < series.x.length; i++) paintBar(ctx, series, i, px, py);
    ctx.lineWidth = 1.5 * ratio;
    for (let i = 0; i < series.x.length; i++) {
      const x = px(series.x[i] ?? Number.NaN);
      const y = py(series.y[i] ?? Number.NaN);
      ctx.beginPath();
      if (series.shape === 'diamond') {
        ctx.moveTo(x, y - radius);
        ctx.lineTo(x + radius, y);
        ctx.lineTo(x, y + radius);
        ctx.lineTo(x - radius, y);
        ctx.closePath();
        ctx.fillStyle = near;
        ctx.fill();
        ctx.strokeStyle = this.token('--paper');
      } else if (series.shape === 'cross') {
        ctx.moveTo(x - radius, y - radius);
        ctx.lineTo(x + radius, y + radius);
        ctx.moveTo(x - radius, y + radius);
        ctx.lineTo(x + radius, y - radius);
        ctx.strokeStyle = near;
      } else {
        ctx.arc(x, y, radius, 0, 2 * Math.PI);
        ctx.strokeStyle = near;
      }
      ctx.stroke();
    }
  }

  private paintMarked(
    ctx: CanvasRenderingContext2D,
    px: (x: number) => number,
    py: (y: number) => number,
    ratio: number,
  ): void {
    const { marked } = this.spec;
    if (marked === undefined) return;
    for (const series of this.spec.series) {
      const at = series.ids ? Array.prototype.indexOf.call(series.ids, marked) : marked;
      const x = series.x[at];
      const y = series.y[at];
      if (x === undefined || y === undefined) continue;
      ctx.lineWidth = 2 * ratio;
      ctx.strokeStyle = this.token('--ink');
      paintBar(ctx, series, at, px, py, 5 * ratio);
      ctx.beginPath();
      ctx.arc(px(x), py(y), 7 * ratio, 0, 2 * Math.PI);
      ctx.lineWidth = 4 * ratio;
      ctx.strokeStyle = this.token('--paper');
      ctx.stroke();
      ctx.lineWidth = 2 * ratio;
      ctx.strokeStyle = this.token('--ink');
      ctx.stroke();
    }
  }

  private token(name: string): string {
    return getComputedStyle(this.host).getPropertyValue(name);
  }
}

/** A bar from low to high of a point, with caps of this half length. */
function paintBar(
  ctx: CanvasRenderingContext2D,
  { bars, x, y }: PointSeries,
  i: number,
  px: (x: number) => number,
  py: (y: number) => number,
  cap = 0,
): void {
  const [low, high] = [bars?.low[i], bars?.high[i]];
  if (!bars || low === undefined || high === undefined) return;
  ctx.beginPath();
  if (bars.along === 'x') {
    const height = py(y[i] ?? Number.NaN);
    for (const end of [px(low), px(high)]) {
      ctx.moveTo(end, height - cap);
      ctx.lineTo(end, height + cap);
    }
    ctx.moveTo(px(low), height);
    ctx.lineTo(px(high), height);
  } else {
    const across = px(x[i] ?? Number.NaN);
    for (const end of [py(low), py(high)]) {
      ctx.moveTo(across - cap, end);
      ctx.lineTo(across + cap, end);
    }
    ctx.moveTo(across, py(low));
    ctx.lineTo(across, py(high));
  }
  ctx.stroke();
}

function begin(axis: ChartAxis): number {
  return axis.min ?? 0;
}

function sameScale(a: ChartAxis, b: ChartAxis): boolean {
  return begin(a) === begin(b) && a.max === b.max;
}

const kScaleData: uPlot.AlignedData = [
  [0, 1],
  [0, 1],
];

/** `20`, `0.5`: an axis number without trailing zeros. */
function trimmed(value: number): string {
  return significant(value)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

class ChartDirective extends AsyncDirective {
  private chart: Chart | undefined;
  private wanted: { spec: ChartSpec; events: ChartEvents } | undefined;
  private host: HTMLElement | undefined;

  override render(_spec: ChartSpec, _events: ChartEvents): undefined {
    return undefined;
  }

  override update(part: ElementPart, [spec, events]: [ChartSpec, ChartEvents]): undefined {
    const host = part.element as HTMLElement;
    host.setAttribute('role', 'img');
    host.setAttribute('aria-label', spec.label);
    const first = !this.wanted;
    this.wanted = { spec, events };
    this.host = host;
    this.chart?.update(spec, events);
    if (first) void this.mount();
    return undefined;
  }

  private async mount(): Promise<void> {
    const { default: UPlot } = await import('uplot');
    if (!this.isConnected || !this.wanted || !this.host || this.chart) return;
    this.chart = new Chart(this.host, UPlot, this.wanted.spec, this.wanted.events);
  }

  protected override disconnected(): void {
    this.chart?.destroy();
    this.chart = undefined;
  }

  protected override reconnected(): void {
    void this.mount();
  }
}

/** Fills an element with a chart: `<div class="plot" ${chart(spec, events)}></div>`. */
export const chart = directive(ChartDirective);

/** The mark of a series, for a legend. */
export const kShapes: Readonly<Record<PointSeries['shape'], string>> = {
  dot: 'M3 3h6v6h-6z',
  diamond: 'M6 1l5 5l-5 5l-5 -5z',
  ring: 'M6 2a4 4 0 1 0 .01 0z',
  cross: 'M2 2l8 8M2 10l8 -8',
  steps: 'M1 11h3v-4h4v-5h3',
};
