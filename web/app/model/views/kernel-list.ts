import { html, LitElement, nothing, svg, type PropertyValues, type TemplateResult } from 'lit';
import type { ModelKernel } from '../../../api/index.js';
import { kernelTitle, kindOf, layerName, sizes, type Cost } from '../derive.js';

/** Before the rest has to be asked for: more rows than anybody reads, few enough to appear at once. */
const kMostRows = 500;

/**
 * The kernels of a model as bars. Arrow keys, Page Up and Down, Home and End move the selection. Fires `pick` (detail: the place of
 * a kernel in the order of execution).
 */
export class KernelList extends LitElement {
  static override readonly properties = {
    kernels: { attribute: false },
    places: { attribute: false },
    cost: { attribute: false },
    selected: { attribute: false },
    whole: { state: true },
  };

  declare kernels: readonly ModelKernel[];
  /** What is listed, in order. */
  declare places: readonly number[];
  declare cost: Cost | undefined;
  declare selected: number | undefined;
  declare private whole: boolean;

  constructor() {
    super();
    this.kernels = [];
    this.places = [];
    this.cost = undefined;
    this.selected = undefined;
    this.whole = false;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('kernels')) this.whole = false;
  }

  protected override updated(changed: PropertyValues): void {
    if (!changed.has('selected') || this.selected === undefined) return;
    this.querySelector(`#kernel-${this.selected}`)?.scrollIntoView({ block: 'nearest' });
  }

  protected override render(): TemplateResult {
    const { cost, places } = this;
    if (!cost) return html`${nothing}`;
    const shown = this.whole ? places : places.slice(0, kMostRows);
    const most = Math.max(...cost.values, 0);
    return html`<div
        class="kernels"
        role="listbox"
        tabindex="0"
        aria-label="Kernels"
        aria-activedescendant=${this.selected === undefined || !shown.includes(this.selected) ? nothing : `kernel-${this.selected}`}
        @keydown=${this.onKey}
      >
        ${shown.map((place) => this.row(place, cost, most))}
      </div>
      ${
        shown.length < places.length
          ? html`<p class="kernels-more">
              ${shown.length} of ${places.length} kernels.
              <button type="button" class="plain" @click=${() => (this.whole = true)}>Show all</button>
            </p>`
          : nothing
      }`;
  }

  private row(place: number, cost: Cost, most: number): TemplateResult {
    const kernel = this.kernels[place];
    if (!kernel) return html`${nothing}`;
    const value = cost.values[place] ?? 0;
    return html`<div
      class="kernel kind--${kindOf(kernel.type)}"
      role="option"
      id="kernel-${place}"
      aria-selected=${place === this.selected}
      @click=${() => this.pick(place)}
    >
      <span class="kernel-no">${place + 1}</span>
      <span class="kernel-what"><b>${kernelTitle(kernel)}</b> <span class="kernel-sizes">${sizes(kernel)}</span></span>
      <span class="kernel-layer" title=${layerName(kernel)}>${layerName(kernel)}</span>
      ${bar(most > 0 ? value / most : 0)}
      <span class="kernel-cost">${cost.text(value)}</span>
    </div>`;
  }

  private pick(place: number): void {
    // At once: the next key may come before the page has painted.
    this.selected = place;
    this.dispatchEvent(new CustomEvent<number>('pick', { detail: place }));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const last = this.places.length - 1;
    if (last < 0) return;
    const here = this.selected === undefined ? -1 : this.places.indexOf(this.selected);
    const page = 10;
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: here + 1,
      ArrowUp: here < 0 ? 0 : here - 1,
      PageDown: here + page,
      PageUp: here - page,
      Home: 0,
      End: last,
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    const position = Math.min(Math.max(move, 0), last);
    if (position >= kMostRows) this.whole = true;
    const place = this.places[position];
    if (place !== undefined) this.pick(place);
  };
}

/** A share in [0, 1] as a bar; drawn, because the page's policy allows no styles in elements. */
export function bar(share: number): TemplateResult {
  return html`<svg class="kernel-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    ${svg`<rect width=${(100 * share).toFixed(2)} height="1"></rect>`}
  </svg>`;
}

customElements.define('kernel-list', KernelList);

declare global {
  interface HTMLElementTagNameMap {
    'kernel-list': KernelList;
  }
}
