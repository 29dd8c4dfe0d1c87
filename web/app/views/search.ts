import { html, nothing, type TemplateResult } from 'lit';
import type { Send } from './send.js';
import { glyph } from './architecture.js';
import { progress } from './rail.js';
import { boundsText, budgetSummary, front, quality, type Quality } from '../derive.js';
import { count, millions, significant } from '../format.js';
import { kSpaces } from '../spaces/index.js';
import type { SpaceTable } from '../spaces/table.js';
import { readiness, resultOf, spaceId, tableOf, unitOf, viewOf, type Result, type State } from '../state.js';

/** Beside the tabs: how long the front is, and the file of it. */
export function searchTools(state: State, send: Send): TemplateResult {
  const rows = front(state);
  return html`<span class="quiet small" role="status">${count(rows.length)} on the front</span>
    <button type="button" class="small" ?disabled=${rows.length === 0} @click=${() => send({ type: 'save-front' })}>
      Download the front (CSV)
    </button>`;
}

/** The best architecture for every latency, and the search for better ones. */
export function search(state: State, send: Send): TemplateResult {
  const result = resultOf(state);
  const table = tableOf(state);
  const against = quality(state);
  if (!result || !table || !against) return html``;
  const pick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) send({ type: 'open-quality', file });
    input.value = '';
  };
  return html`<div class="lookup search">
    <section aria-label="How the best are found">
      <p>
        <b>Pareto front</b>: no other estimated architecture is both faster and better in
        <b>${against.id === 'own' ? against.title : against.name}</b>. Choose what counts as better above the chart.
      </p>
      ${how(state, table, against, send)}
      <p>
        <label class="button"
          >Use my own numbers…<input
            type="file"
            class="hidden"
            accept=".csv,.tsv,.txt"
            aria-label="Open a table of architectures and a number each (CSV)"
            @change=${pick}
        /></label>
      </p>
      <p class="quiet small">A table of architectures and a number each, larger is better. They join the estimates.</p>
    </section>
    <section class="found" aria-label="Pareto front">${frontTable(state, table, result, against, send)}</section>
  </div>`;
}

function how(state: State, table: SpaceTable, against: Quality, send: Send): TemplateResult {
  const { listed, title } = kSpaces[table.space];
  if (table.columns && against.id !== 'own') {
    return html`<p class="quiet">
      Every row of your table was compared: this is the whole front. Columns that are to be large can be chosen above the chart.
    </p>`;
  }
  if (listed && against.id !== 'own') {
    return html`<p class="quiet">
      All ${count(table.architectures.length)} architectures of ${title} are
      estimated${against.id === 'macs' ? '' : ' and their accuracies are known (NATS-Bench)'}, so every one of them was
      compared: this is the whole front.
    </p>`;
  }
  if (against.id === 'own') {
    const known = against.values.filter((value) => !Number.isNaN(value)).length;
    return html`<p class="quiet">
      ${count(known)} architectures have a number in ${against.title}; every one of them was compared.
    </p>`;
  }
  const held = state.saved[state.device] === true;
  const busy = state.job?.device === state.device;
  return html`<p class="quiet">
      No accuracies of ${title} are public for these measurements. Multiply-adds stand in for them: larger networks tend
      to be more accurate, but that is only a tendency.
    </p>
    <p class="quiet">
      The ${count(table.architectures.length)} estimated architectures are mostly drawn at random. A search goes on from
      the best: it changes one choice at a time and keeps what is better (regularised evolution, 5,000 estimates).
    </p>
    <p>
      <button type="button" class="primary" ?disabled=${!held || busy} @click=${() => send({ type: 'search' })}>
        Search
      </button>
      ${
        held
          ? nothing
          : html`<button
                type="button"
                ?disabled=${readiness(state).status !== 'ready' || busy}
                @click=${() => send({ type: 'transfer' })}
              >
                Transfer first</button
              ><span class="quiet small"> The estimates shown were computed beforehand; a search needs the predictor.</span>`
      }
    </p>
    ${
      state.job?.phase === 'search'
        ? html`${progress(state, state.job)}
            <p><button type="button" @click=${() => send({ type: 'cancel' })}>Stop searching</button></p>`
        : nothing
    }`;
}

function frontTable(state: State, table: SpaceTable, result: Result, against: Quality, send: Send): TemplateResult {
  const { one, counted } = kSpaces[spaceId(state)];
  const macs = counted && against.id !== 'macs';
  const budget = budgetSummary(state);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Architectures on the front">
    <table class="list">
      <thead>
        <tr>
          <th scope="col" class="left">${one}</th>
          <th scope="col">estimate, ${unitOf(state)}</th>
          ${result.low ? html`<th scope="col" title="The truth lies here with a probability of 90 %">90 % interval</th>` : nothing}
          <th scope="col">${against.title}</th>
          ${macs ? html`<th scope="col">MACs, M</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${front(state).map(
          (row) =>
            html`<tr
              aria-selected=${row === viewOf(state).selected}
              class=${row === budget?.best ? 'best' : ''}
              @click=${() => send({ type: 'select', index: row })}
            >
              <td class="left">
                <button type="button" class="plain" aria-label="Show ${table.architectures[row] ?? ''}">
                  ${glyph(table.space, table.architectures[row] ?? '')}
                </button>
              </td>
              <td><b>${significant(result.latency_ms[row] ?? Number.NaN)}</b></td>
              ${result.low ? html`<td>${boundsText(result, row)}</td>` : nothing}
              <td>${significant(against.values[row] ?? Number.NaN)}</td>
              ${macs ? html`<td>${millions(table.macs[row] ?? 0)}</td>` : nothing}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
