import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { elementScroll, observeElementOffset, Virtualizer } from '@tanstack/virtual-core';
import { whenNear } from '../near.js';
import { glyph } from './architecture.js';
import type { Quality } from '../derive.js';
import { between, count, millions, signedPercent, significant } from '../format.js';
import { kSpaces } from '../spaces/index.js';
import type { SpaceTable } from '../spaces/table.js';
import type { SortKey, View } from '../state.js';

export interface TableData {
  readonly table: SpaceTable;
  readonly unit: 'ms' | 'mJ';
  /** By row. */
  readonly latency_ms: Float64Array;
  /** By row: between them the truth lies with 90 %. */
  readonly bounds?: { readonly low: Float64Array; readonly high: Float64Array };
  /** By row; NaN where not measured. */
  readonly measured_ms: Float64Array;
  /** In place of the parameters, where it is not multiply-adds. */
  readonly quality?: Quality;
  /** Indices that the transfer used. */
  readonly used: ReadonlySet<number>;
  /** Greatest of latency_ms, for the bars. */
  readonly most_ms: number;
}

interface Column {
  readonly key: SortKey;
  readonly title: string;
  readonly hint: string;
}

/** What a row shows; the accuracy takes the place of the parameters where it is known. */
function columnsOf(data: TableData | undefined): readonly Column[] {
  const kind = kSpaces[data?.table.space ?? 'nb201'];
  const unit = data?.unit ?? 'ms';
  const what = unit === 'ms' ? 'latency in milliseconds' : 'energy in millijoules';
  const number = kind.id === 'nb201' ? 'Official index of NAS-Bench-201' : 'Number in the table';
  return [
    { key: 'index', title: kind.id === 'nb201' ? 'index' : 'no.', hint: number },
    { key: 'cell', title: kind.one, hint: kind.cellHint },
    { key: 'estimate', title: `estimate, ${unit}`, hint: `Estimated ${what}` },
    ...(data?.bounds
      ? [{ key: 'interval', title: '90 % interval', hint: 'The truth lies here with a probability of 90 %; sorted by its width' } as const]
      : []),
    { key: 'measured', title: `measured, ${unit}`, hint: `Measured ${what}, where known` },
    { key: 'error', title: 'error', hint: 'Estimate against measurement; sorted by its size' },
    ...(kind.counted ? [{ key: 'macs', title: 'MACs, M', hint: kind.macsHint } as const] : []),
    data?.quality
      ? { key: 'quality', title: shortTitle(data.quality), hint: data.quality.title }
      : { key: 'params', title: 'params, M', hint: 'Trainable parameters in millions' },
  ];
}

function shortTitle({ id, title, unit }: Quality): string {
  if (id === 'own') return 'own';
  return id.startsWith('column:') ? title : `accuracy,${unit}`;
}

const kRowHeight = 28; // CSS pixels; the same as --row-height of styles.css
/** There before the table's size is known, which takes two frames; where everything stands in one column the table is far below. */
const kFirstRows = matchMedia('(min-width: 901px)').matches ? 8 : 0;

/**
 * All architectures as a grid; only the rows in view exist as elements. Arrow keys, Page Up and Down, Home and End move
 * the selection. Fires `pick` (detail: index) and `sort` (detail: SortKey).
 */
export class CellTable extends LitElement {
  static override readonly properties = {
    rows: { attribute: false },
    data: { attribute: false },
    sort: { attribute: false },
    selected: { attribute: false },
  };

  declare rows: Int32Array;
  declare data: TableData | undefined;
  declare sort: View['sort'];
  declare selected: number;
  private virtualizer: Virtualizer<HTMLElement, HTMLElement> | undefined;
  /** Before its size is known nothing can be scrolled, and to ask for it lays out the page. */
  private sized = false;
  private stop: (() => void) | undefined;

  constructor() {
    super();
    this.rows = new Int32Array(0);
    this.data = undefined;
    this.sort = { key: 'index', descending: false };
    this.selected = 0;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.virtualizer = new Virtualizer<HTMLElement, HTMLElement>(this.options());
    this.stop = this.virtualizer._didMount();
    this.virtualizer._willUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop?.();
    this.sized = false;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!this.virtualizer) return;
    if (changed.has('rows')) {
      this.virtualizer.setOptions(this.options());
      // New estimates in the old order leave the view where it is.
      const before = changed.get('rows') as Int32Array | undefined;
      const same = before?.length === this.rows.length && before.every((index, i) => index === this.rows[i]);
      if (!same) this.virtualizer.scrollToOffset(0);
    }
    this.virtualizer._willUpdate();
  }

  protected override updated(changed: PropertyValues): void {
    // What was picked elsewhere, such as in a chart, comes into view.
    if (changed.has('selected')) this.reveal(this.rows.indexOf(this.selected));
    const spacer = this.querySelector<HTMLElement>('.table-space');
    if (!spacer || !this.virtualizer) return;
    spacer.style.height = `${this.virtualizer.getTotalSize()}px`;
    for (const row of spacer.querySelectorAll<HTMLElement>('.table-row')) {
      row.style.transform = `translateY(${Number(row.dataset['at']) * kRowHeight}px)`;
    }
    for (const bar of spacer.querySelectorAll<HTMLElement>('.bar')) {
      bar.style.width = `${bar.dataset['share'] ?? 0}%`;
    }
  }

  protected override render(): TemplateResult {
    const items = this.virtualizer?.getVirtualItems() ?? [];
    const shown = items.some((item) => this.rows[item.index] === this.selected);
    const columns = columnsOf(this.data);
    return html`
      <div
        class="table ${this.data?.bounds ? 'with-bounds' : ''} ${this.data?.table.columns ? 'without-macs' : ''}"
        role="grid"
        tabindex="0"
        aria-label="Architectures"
        aria-rowcount=${this.rows.length + 1}
        aria-colcount=${columns.length}
        aria-activedescendant=${shown ? `cell-row-${this.selected}` : nothing}
        @keydown=${this.onKey}
      >
        <div class="table-head" role="row" aria-rowindex="1">${columns.map((column) => this.heading(column))}</div>
        <div class="table-space" role="rowgroup">${items.map((item) => this.row(item.index))}</div>
      </div>
    `;
  }

  private heading({ key, title, hint }: Column): TemplateResult {
    const active = this.sort.key === key;
    const order = active ? (this.sort.descending ? 'descending' : 'ascending') : 'none';
    const pick = (): void => {
      this.dispatchEvent(new CustomEvent<SortKey>('sort', { detail: key }));
    };
    return html`<div class="col-${key}" role="columnheader" aria-sort=${order}>
      <button type="button" title=${hint} @click=${pick}>
        ${title}<span class="arrow" aria-hidden="true">${active ? (this.sort.descending ? '↓' : '↑') : ''}</span>
      </button>
    </div>`;
  }

  private row(position: number): TemplateResult | typeof nothing {
    const index = this.rows[position];
    const { data } = this;
    if (index === undefined || !data) return nothing;
    const estimate = data.latency_ms[index] ?? Number.NaN;
    const known = data.measured_ms[index] ?? Number.NaN;
    const used = data.used.has(index);
    const pick = (): void => this.pick(index);
    return html`<div
      class="table-row ${used ? 'used' : ''}"
      role="row"
      id="cell-row-${index}"
      data-at=${position}
      aria-rowindex=${position + 2}
      aria-selected=${index === this.selected}
      @click=${pick}
    >
      <span class="col-index" role="gridcell">${count(data.table.columns ? index + 1 : index)}</span>
      <span class="col-cell" role="gridcell">${glyph(data.table.space, data.table.architectures[index] ?? '')}</span>
      <span class="col-estimate" role="gridcell"
        ><span class="track"><i class="bar" data-share=${estimate > 0 ? (100 * estimate) / data.most_ms : 0}></i></span
        ><b>${significant(estimate)}</b></span
      >
      ${
        data.bounds
          ? html`<span class="col-interval" role="gridcell">${between(data.bounds.low[index], data.bounds.high[index])}</span>`
          : nothing
      }
      <span class="col-measured" role="gridcell" title=${used ? 'Used by the transfer' : nothing}
        >${Number.isNaN(known) ? '' : significant(known)}</span
      >
      <span class="col-error" role="gridcell">${Number.isNaN(known) ? '' : signedPercent(estimate / known - 1)}</span>
      ${data.table.columns ? nothing : html`<span class="col-macs" role="gridcell">${millions(data.table.macs[index] ?? 0)}</span>`}
      ${
        data.quality
          ? html`<span class="col-quality" role="gridcell">${significant(data.quality.values[index] ?? Number.NaN)}</span>`
          : html`<span class="col-params" role="gridcell">${millions(data.table.params[index] ?? 0)}</span>`
      }
    </div>`;
  }

  private options(): Virtualizer<HTMLElement, HTMLElement>['options'] {
    return {
      count: this.rows.length,
      getScrollElement: () => this.querySelector<HTMLElement>('.table'),
      estimateSize: () => kRowHeight,
      initialRect: { width: 0, height: kFirstRows * kRowHeight },
      overscan: 8,
      scrollPaddingEnd: kRowHeight, // the heading row covers that much of the view
      scrollToFn: (...scroll: Parameters<typeof elementScroll<HTMLElement>>) => {
        if (this.sized) elementScroll(...scroll);
      },
      observeElementRect: (virtualizer: Virtualizer<HTMLElement, HTMLElement>, tell: (rect: Size) => void) =>
        observeSize(virtualizer, (size) => {
          const first = !this.sized;
          this.sized = size.height > 0;
          tell(size);
          if (first) this.reveal(this.rows.indexOf(this.selected));
        }),
      observeElementOffset,
      onChange: () => this.requestUpdate(),
    } as unknown as Virtualizer<HTMLElement, HTMLElement>['options'];
  }

  private pick(index: number): void {
    // At once: the next key may come before the page has painted.
    this.selected = index;
    this.dispatchEvent(new CustomEvent<number>('pick', { detail: index }));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).closest('button')) return;
    const last = this.rows.length - 1;
    if (last < 0) return;
    const page = Math.max(1, Math.floor(this.clientHeight / kRowHeight) - 2);
    const here = this.rows.indexOf(this.selected);
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
    const index = this.rows[position];
    if (index === undefined) return;
    this.reveal(position);
    this.pick(index);
  };

  private reveal(position: number): void {
    if (position >= 0 && this.sized) this.virtualizer?.scrollToIndex(position, { align: 'auto' });
  }
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Tells the size of what scrolls once that comes near to what is seen. The library's own asks for it at once, for which the whole page is laid
 * out in the middle of a task; here the browser tells it, and the rows come in the frame after that.
 */
function observeSize({ scrollElement }: Virtualizer<HTMLElement, HTMLElement>, tell: (size: Size) => void): (() => void) | undefined {
  if (!scrollElement) return undefined;
  let frame = 0;
  const size = new ResizeObserver(([entry]) => {
    cancelAnimationFrame(frame);
    if (entry) frame = requestAnimationFrame(() => tell(entry.contentRect));
  });
  const stop = whenNear(scrollElement, () => size.observe(scrollElement));
  return () => {
    stop();
    cancelAnimationFrame(frame);
    size.disconnect();
  };
}

customElements.define('cell-table', CellTable);

declare global {
  interface HTMLElementTagNameMap {
    'cell-table': CellTable;
  }
}
