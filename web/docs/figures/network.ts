/** <figure-network>: fine-tuning the network on a device's measurements, as it happens. */

import { html, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import type { Accuracy } from '../../api/types.js';
import { correlation, percent } from '../../app/format.js';
import { plotView, type Plot } from '../../element/plot.js';
import { Figure } from './figure.js';

const kHeight = 220;
const kEpochs = 40;

interface Outcome {
  readonly nearest: string;
  readonly accuracy: Accuracy;
}

export class FigureNetwork extends Figure {
  static override properties: PropertyDeclarations = {
    ...Figure.properties,
    losses: { state: true },
    outcome: { state: true },
    busy: { state: true },
  };

  /** By epoch. */
  private declare losses: readonly number[];
  private declare outcome: Outcome | undefined;
  private declare busy: boolean;
  private running: AbortController | undefined;

  constructor() {
    super();
    this.losses = [];
    this.busy = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.running?.abort();
  }

  protected override async prepare(): Promise<void> {
    this.requestUpdate();
  }

  private async tune(): Promise<void> {
    const { ground } = this;
    if (!ground) return;
    const { signal } = (this.running = new AbortController());
    this.busy = true;
    this.losses = [];
    this.outcome = undefined;
    try {
      const { measurements, truth_ms } = await this.pi();
      const predictor = await ground.base.transfer(measurements, {
        method: 'finetune',
        epochs: kEpochs,
        signal,
        onProgress: ({ epoch, loss }) => {
          if (epoch > this.losses.length) this.losses = [...this.losses, loss];
        },
      });
      try {
        const latency_ms = await predictor.predict(ground.pool, { signal });
        const known = new Set(measurements.map(({ architecture }) => ground.rowOf.get(architecture)));
        const rest = [...ground.pool.keys()].filter((row) => !known.has(row));
        const accuracy = await ground.engine.accuracy(
          Float64Array.from(rest, (row) => latency_ms[row]!),
          Float64Array.from(rest, (row) => truth_ms[row]!),
        );
        this.outcome = { nearest: predictor.info.nearest?.device ?? '', accuracy };
      } finally {
        predictor.dispose();
      }
    } catch (caught) {
      if (!signal.aborted) this.message = caught instanceof Error ? caught.message : String(caught);
    } finally {
      this.busy = false;
    }
  }

  protected override plot(): Plot {
    const { losses, width } = this;
    return {
      label: `Loss after ${losses.length} of ${kEpochs} epochs`,
      width,
      height: kHeight,
      x: { min: 0, max: kEpochs, title: 'epoch' },
      y: { min: 0, max: Math.max(0.01, ...losses) * 1.1, title: 'mean pairwise hinge loss' },
      line: losses.map((loss, i) => [i + 1, loss] as const),
    };
  }

  protected override render(): TemplateResult {
    const { outcome, busy, message } = this;
    return html`<figure class="box" aria-label="Fine-tuning">
      <div class="head">
        <strong>Raspberry Pi 4, 20 measurements</strong>
        <span class="quiet">${outcome ? html`started from ${outcome.nearest.startsWith('simulated_') ? 'an invented device' : `the known device ${outcome.nearest}`}` : 'all weights of the network move'}</span>
      </div>
      ${message ? html`<p class="failure" role="alert">${message}</p>` : nothing}
      <div class="plot mid">${this.width > 0 ? plotView(this.plot()) : nothing}</div>
      <div class="head">
        <button class="button" type="button" ?disabled=${busy || !this.ground} @click=${this.tune}>${busy ? 'Fine-tuning…' : 'Fine-tune'}</button>
      </div>
      <dl class="facts" aria-live="polite">
        <div><dt>rank correlation</dt><dd>${outcome ? correlation(outcome.accuracy.spearman) : '–'}</dd></div>
        <div><dt>median error</dt><dd>${outcome ? percent(outcome.accuracy.mdape) : '–'}</dd></div>
      </dl>
    </figure>`;
  }
}
