import { html, nothing, type TemplateResult } from 'lit';
import './cell-table.js';
import type { TableData } from './cell-table.js';
import type { Send } from './send.js';
import { isFiltered, spaceId, tableOf, viewOf, type CountFilter, type SortKey, type State } from '../state.js';
import { rows, tableData } from '../derive.js';
import { kSpaces, type Countable } from '../spaces/index.js';
import { count } from '../format.js';

/** Beside the tabs: how much of the space the table shows, and the file of it. */
export function estimatesTools(state: State, send: Send): TemplateResult {
  return html`<span class="quiet small" role="status">
      ${count(rows(state).length)}
      ${
        isFiltered(state)
          ? html`of ${count(tableOf(state)?.architectures.length ?? 0)}
              <button type="button" class="plain" @click=${() => send({ type: 'clear-filters' })}>show all</button>`
          : 'architectures'
      }
    </span>
    <button type="button" class="small" @click=${() => send({ type: 'save-estimates', format: 'csv' })}>Download CSV</button>
    <button
      type="button"
      class="small"
      title="The same columns for NumPy: numpy.load(file)['latency_ms']"
      @click=${() => send({ type: 'save-estimates', format: 'npz' })}
    >
      .npz
    </button>`;
}

/** Table of the whole space, or of the part of it that is estimated. */
export function estimates(state: State, send: Send): TemplateResult {
  const data: TableData | undefined = tableData(state);
  const shown = rows(state);
  const { sort, query, counts, selected } = viewOf(state);
  const kind = kSpaces[spaceId(state)];
  return html`
    <div class="filters">
      <input
        type="search"
        aria-label="Find architectures"
        placeholder=${kind.findHint}
        .value=${query}
        @input=${(event: Event) => send({ type: 'query', query: (event.target as HTMLInputElement).value })}
      />
      ${kind.countables.map((each, which) => countFilter(each, which, counts[which] ?? { min: 0, max: each.most }, send))}
    </div>
    <cell-table
      .rows=${shown}
      .data=${data}
      .sort=${sort}
      .selected=${selected}
      @pick=${(event: CustomEvent<number>) => send({ type: 'select', index: event.detail })}
      @sort=${(event: CustomEvent<SortKey>) => send({ type: 'sort', key: event.detail })}
    ></cell-table>
    ${
      shown.length === 0
        ? html`<p class="empty">
            No architecture fits.
            <button type="button" class="plain" @click=${() => send({ type: 'clear-filters' })}>Show all</button>
          </p>`
        : nothing
    }
  `;
}

interface Choice {
  readonly title: string;
  readonly filter: CountFilter;
}

/** Every single number where there are few, else limits a few apart. */
function choicesOf(most: number): readonly Choice[] {
  const few = most <= 6;
  const exact = few ? Array.from({ length: most + 1 }, (_, n) => n) : [0];
  const atLeast = few ? [1, 2, 3, 4, 5] : [1, 2, 4, 6, 8, 10, 12, 15, 18];
  const atMost = few ? [1, 2, 3] : [1, 2, 4, 6, 8, 10, 12, 15, 18];
  return [
    { title: 'any', filter: { min: 0, max: most } },
    ...exact.map((n) => ({ title: String(n), filter: { min: n, max: n } })),
    ...atLeast.map((n) => ({ title: `≥ ${n}`, filter: { min: n, max: most } })),
    ...atMost.map((n) => ({ title: `≤ ${n}`, filter: { min: 0, max: n } })),
  ];
}

function countFilter({ label, most, tile }: Countable, which: number, filter: CountFilter, send: Send): TemplateResult {
  const choices = choicesOf(most);
  const chosen = choices.findIndex((each) => each.filter.min === filter.min && each.filter.max === filter.max);
  const change = (event: Event): void => {
    const choice = choices[Number((event.target as HTMLSelectElement).value)];
    if (choice) send({ type: 'count', which, filter: choice.filter });
  };
  return html`<label class="count-filter">
    ${tile === undefined ? nothing : html`<span class="glyph"><i class="op-${tile}" aria-hidden="true">${tile}</i></span>`} ${label}
    <select .value=${String(chosen)} @change=${change}>
      ${choices.map(({ title }, i) => html`<option value=${i} ?selected=${i === chosen}>${title}</option>`)}
    </select>
  </label>`;
}
