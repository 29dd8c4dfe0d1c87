import { html, nothing, type TemplateResult } from 'lit';
import './cell-table.js';
import type { TableData } from './cell-table.js';
import type { Send } from './send.js';
import { isFiltered, kAnyCount, type CountFilter, type SortKey, type State } from '../state.js';
import { measured, rows, tableData } from '../derive.js';
import { kOperations } from '../space.js';
import { count } from '../format.js';

/** Beside the tabs: how much of the space the table shows, and the file of it. */
export function estimatesTools(state: State, send: Send): TemplateResult {
  return html`<span class="quiet small" role="status">
      ${count(rows(state).length)}
      ${
        isFiltered(state)
          ? html`of 15,625
              <button type="button" class="plain" @click=${() => send({ type: 'clear-filters' })}>show all</button>`
          : 'architectures'
      }
    </span>
    <button type="button" class="small" @click=${() => send({ type: 'save-estimates' })}>Download CSV</button>`;
}

/** Table of the whole space. */
export function estimates(state: State, send: Send): TemplateResult {
  const data: TableData | undefined = tableData(state, measured(state));
  const shown = rows(state);
  return html`
    <div class="filters">
      <input
        type="search"
        aria-label="Find architectures"
        placeholder="Find: 4212??, 13714, avg_pool_3x3~2"
        .value=${state.query}
        @input=${(event: Event) => send({ type: 'query', query: (event.target as HTMLInputElement).value })}
      />
      ${[3, 2, 4, 1, 0].map((op) => countFilter(op, state.counts[op] ?? kAnyCount, send))}
    </div>
    <cell-table
      .rows=${shown}
      .data=${data}
      .sort=${state.sort}
      .selected=${state.selected}
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

const kChoices: readonly { readonly title: string; readonly filter: CountFilter }[] = [
  { title: 'any', filter: kAnyCount },
  ...[0, 1, 2, 3, 4, 5, 6].map((n) => ({ title: String(n), filter: { min: n, max: n } })),
  ...[1, 2, 3, 4, 5].map((n) => ({ title: `≥ ${n}`, filter: { min: n, max: 6 } })),
  ...[1, 2, 3].map((n) => ({ title: `≤ ${n}`, filter: { min: 0, max: n } })),
];

function countFilter(op: number, filter: CountFilter, send: Send): TemplateResult {
  const chosen = kChoices.findIndex((each) => each.filter.min === filter.min && each.filter.max === filter.max);
  const change = (event: Event): void => {
    const choice = kChoices[Number((event.target as HTMLSelectElement).value)];
    if (choice) send({ type: 'count', operation: op, filter: choice.filter });
  };
  return html`<label class="count-filter">
    <span class="glyph"><i class="op-${op}" aria-hidden="true">${op}</i></span> ${kOperations[op]?.label}
    <select .value=${String(chosen)} @change=${change}>
      ${kChoices.map(({ title }, i) => html`<option value=${i} ?selected=${i === chosen}>${title}</option>`)}
    </select>
  </label>`;
}
