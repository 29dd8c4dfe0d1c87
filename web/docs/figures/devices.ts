/** <figure-devices>: how two known devices order the same cells, by the network's scores. */

import { html, nothing, type PropertyDeclarations, type TemplateResult } from 'lit';
import { count, correlation } from '../../app/format.js';
import { plotView, type Plot } from '../../element/plot.js';
import type { Ground } from '../../element/station.js';
import { Figure } from './figure.js';

const kHeight = 280;
const kCells = 500;
const kFirst = ['pixel3', 'titan_rtx_256'] as const;

interface Compared {
  /** Places in the order of each device, from 1. */
  readonly places: readonly [Float64Array, Float64Array];
  readonly spearman: number;
}

export class FigureDevices extends Figure {
  static override properties: PropertyDeclarations = { ...Figure.properties, chosen: { state: true }, compared: { state: true } };

  private declare chosen: readonly [string, string];
  private declare compared: Compared | undefined;
  private cells: readonly string[] = [];
  private readonly scores = new Map<string, Promise<Float64Array>>();
  private asked = 0;

  constructor() {
    super();
    this.chosen = kFirst;
  }

  protected override async prepare({ engine }: Ground): Promise<void> {
    this.scores.clear();
    this.cells = await engine.random('nb201', kCells);
    await this.compare();
  }

  private scoresOf(device: string, { base }: Ground): Promise<Float64Array> {
    let scores = this.scores.get(device);
    if (!scores) this.scores.set(device, (scores = base.scores(device, this.cells)));
    return scores;
  }

  private async compare(): Promise<void> {
    const { ground, chosen } = this;
    if (!ground) return;
    const asked = ++this.asked;
    try {
      const [a, b] = await Promise.all([this.scoresOf(chosen[0], ground), this.scoresOf(chosen[1], ground)]);
      const places = [placesOf(a), placesOf(b)] as const;
      const { spearman } = await ground.engine.accuracy(...places);
      if (asked === this.asked) this.compared = { places, spearman };
    } catch (caught) {
      this.message = caught instanceof Error ? caught.message : String(caught);
    }
  }

  protected override plot(): Plot | undefined {
    const { compared, chosen, width } = this;
    if (!compared) return undefined;
    const axis = (device: string) => ({ min: -5, max: kCells + 5, title: `place on ${device}` });
    return {
      label: `Order of ${count(kCells)} cells on ${chosen.join(' and ')}`,
      width,
      height: kHeight,
      x: axis(chosen[0]),
      y: axis(chosen[1]),
      points: { x: compared.places[0], y: compared.places[1] },
      diagonal: true,
    };
  }

  private choice(which: 0 | 1): TemplateResult {
    // Devices that were invented for training have numbers for names.
    const devices = this.ground?.base.info.devices.filter((name) => !name.startsWith('simulated_')) ?? this.chosen;
    return html`<label class="field"
      >${which === 0 ? 'Across' : 'Up'}
      <select
        @change=${(event: Event) => {
          const { value } = event.target as HTMLSelectElement;
          this.chosen = which === 0 ? [value, this.chosen[1]] : [this.chosen[0], value];
          void this.compare();
        }}
      >
        ${devices.map((device) => html`<option ?selected=${device === this.chosen[which]}>${device}</option>`)}
      </select></label
    >`;
  }

  protected override render(): TemplateResult {
    const plot = this.plot();
    const { compared, message } = this;
    return html`<figure class="box" aria-label="Two devices compared">
      <div class="two">${this.choice(0)} ${this.choice(1)}</div>
      ${message ? html`<p class="failure" role="alert">${message}</p>` : nothing}
      <div class="plot tall" @transitionend=${this.repaint}>${plot && this.width > 0 ? plotView(plot) : nothing}</div>
      <dl class="facts" aria-live="polite">
        <div><dt>rank correlation</dt><dd>${compared ? correlation(compared.spearman) : '–'}</dd></div>
      </dl>
    </figure>`;
  }
}

/** The place of each score in ascending order. */
function placesOf(scores: Float64Array): Float64Array {
  const places = new Float64Array(scores.length);
  [...scores.keys()].sort((a, b) => scores[a]! - scores[b]!).forEach((row, i) => (places[row] = i + 1));
  return places;
}
