/** <figure-transfer>: estimates against measurements of every cell on a device, as its measurements come in one by one. */

import { html, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { Accuracy } from '../../api/types.js';
import { count, correlation, percent, plural } from '../../app/format.js';
import { plotView, type Plot } from '../../element/plot.js';
import type { Ground } from '../../element/station.js';
import { Figure, type Pi } from './figure.js';

const kHeight = 280;
const kMost = 110; // ms; a handful of cells is slower

interface Estimated {
  readonly measured: number;
  readonly latency_ms: Float64Array;
  /** Share of measurements within their 90 % interval. */
  readonly within: number;
  readonly accuracy: Accuracy;
}

export class FigureTransfer extends Figure {
  static override properties: PropertyDeclarations = { ...Figure.properties, measured: { state: true }, estimated: { state: true } };

  private declare measured: number;
  private declare estimated: Estimated | undefined;
  private device: Pi | undefined;
  private running: AbortController | undefined;

  constructor() {
    super();
    this.measured = 20;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.running?.abort();
  }

  protected override async prepare(): Promise<void> {
    this.device = await this.pi();
    await this.estimate();
  }

  private async estimate(): Promise<void> {
    const { ground, device, measured } = this;
    if (!ground || !device) return;
    this.running?.abort();
    const { signal } = (this.running = new AbortController());
    try {
      this.estimated = await estimated(ground, device, measured, signal);
    } catch (caught) {
      if (!signal.aborted) this.message = caught instanceof Error ? caught.message : String(caught);
    }
  }

  protected override plot(): Plot | undefined {
    const { estimated: now, device, width } = this;
    if (!now || !device) return undefined;
    return {
      label: `Estimated against measured latency of ${count(now.latency_ms.length)} cells after ${plural(now.measured, 'measurement')}`,
      width,
      height: kHeight,
      x: { min: 0, max: kMost, title: 'measured (ms)' },
      y: { min: 0, max: kMost, title: 'estimated (ms)' },
      points: { x: device.truth_ms, y: now.latency_ms },
      diagonal: true,
    };
  }

  protected override render(): TemplateResult {
    const plot = this.plot();
    const { estimated: now, measured, message } = this;
    return html`<figure class="box" aria-label="Estimates from measurements">
      <div class="head">
        <strong>Raspberry Pi 4, ${plural(measured, 'measurement')}</strong>
        <span class="quiet">${now ? html`every point is one of ${count(now.latency_ms.length)} cells` : 'Estimating…'}</span>
      </div>
      ${message ? html`<p class="failure" role="alert">${message}</p>` : nothing}
      <div class="plot tall" @transitionend=${this.repaint}>${plot && this.width > 0 ? plotView(plot) : nothing}</div>
      <label class="field"
        >Measurements
        <input
          class="slider full"
          type="range"
          min="1"
          max="20"
          .value=${String(measured)}
          @input=${(event: Event) => {
            this.measured = Number((event.target as HTMLInputElement).value);
            void this.estimate();
          }}
      /></label>
      <dl class="facts" aria-live="polite">
        <div><dt>rank correlation</dt><dd>${now ? correlation(now.accuracy.spearman) : '–'}</dd></div>
        <div><dt>median error</dt><dd>${now ? percent(now.accuracy.mdape) : '–'}</dd></div>
        <div><dt>within their 90 % interval</dt><dd>${now ? percent(now.within) : '–'}</dd></div>
      </dl>
    </figure>`;
  }
}

async function estimated({ engine, base, pool, rowOf }: Ground, { measurements, truth_ms }: Pi, measured: number, signal: AbortSignal): Promise<Estimated> {
  const used = measurements.slice(0, measured);
  const predictor = await base.transfer(used, { signal, device: 'Raspberry Pi 4' });
  try {
    const { low, latency_ms, high } = await predictor.intervals(pool, 0.9, { signal });
    const known = new Set(used.map(({ architecture }) => rowOf.get(architecture)));
    const rest = [...pool.keys()].filter((row) => !known.has(row));
    const truth = Float64Array.from(rest, (row) => truth_ms[row]!);
    const accuracy = await engine.accuracy(Float64Array.from(rest, (row) => latency_ms[row]!), truth);
    const inside = rest.filter((row) => low[row]! <= truth_ms[row]! && truth_ms[row]! <= high[row]!).length;
    return { measured, latency_ms, within: inside / rest.length, accuracy };
  } finally {
    predictor.dispose();
  }
}
