import { html, nothing, type TemplateResult } from 'lit';
import type { Send } from './send.js';
import { chart, type ChartEvents } from '../charts.js';
import { fitChart, truthChart } from '../derive.js';
import { glyph } from './architecture.js';
import { setAside } from '../doubts.js';
import { between, correlation, count, percent, signedPercent, significant } from '../format.js';
import { legend, saveChart } from './legend.js';
import { kSpaces } from '../spaces/index.js';
import { nameOf, resultOf, spaceId, unitOf, viewOf, type Result, type State } from '../state.js';

/** How good the estimates are: on the measurements, with each left out, and against the truth where it is known. */
export function fit(state: State, send: Send): TemplateResult {
  const events: ChartEvents = {
    hover: (index) => send(index === undefined ? { type: 'hover' } : { type: 'hover', index }),
    pick: (index) => send({ type: 'select', index }),
  };
  const own = fitChart(state);
  const all = truthChart(state);
  const result = resultOf(state);
  if (!own || !result) return html``;
  const held = result.leaveOneOut;
  const checking = state.job?.phase === 'leave-one-out' && state.job.device === state.device;
  const waiting = checking ? 'being computed' : 'not computed';
  return html`<div class="fit">
    <section aria-labelledby="fit-own">
      <h2 id="fit-own">The ${result.readings.length} measurements</h2>
      <div class="row">${legend(own)} ${saveChart(own, 'fit', send)}</div>
      <div class="plot" ${chart(own, events)}></div>
      <dl class="facts">
        <div>
          <dt title="Spearman between measured and estimated, each measurement estimated by a transfer from the others">
            rank correlation, left out
          </dt>
          <dd>${held ? correlation(held.spearman) : html`<span class="quiet">${waiting}</span>`}</dd>
        </div>
        <div>
          <dt title="Half of the estimates are closer than this">median error, left out</dt>
          <dd>${held ? percent(held.mdape) : html`<span class="quiet">${waiting}</span>`}</dd>
        </div>
      </dl>
    </section>
    ${
      all && result.accuracy
        ? html`<section aria-labelledby="fit-all">
            <h2 id="fit-all">The other ${count(result.accuracy.count)}, never seen by the transfer</h2>
            <div class="row">${legend(all)} ${saveChart(all, 'truth', send)}</div>
            <div class="plot" ${chart(all, events)}></div>
            ${accuracyFacts(result.accuracy)}
          </section>`
        : residuals(state, send, result)
    }
  </div>`;
}

function accuracyFacts(accuracy: NonNullable<Result['accuracy']>): TemplateResult {
  return html`<dl class="facts">
    <div>
      <dt title="Spearman's rank correlation: 1 means exactly the measured order">Spearman</dt>
      <dd>${correlation(accuracy.spearman)}</dd>
    </div>
    <div>
      <dt title="Kendall's tau: share of pairs in the right order minus share in the wrong one">Kendall</dt>
      <dd>${correlation(accuracy.kendall)}</dd>
    </div>
    <div>
      <dt title="Half of the estimates are closer than this">median error</dt>
      <dd>${percent(accuracy.mdape)}</dd>
    </div>
    <div>
      <dt title="Share of estimates that are off by 5 % or less">within 5 %</dt>
      <dd>${percent(accuracy.within5)}</dd>
    </div>
    <div>
      <dt title="Share of estimates that are off by 10 % or less">within 10 %</dt>
      <dd>${percent(accuracy.within10)}</dd>
    </div>
  </dl>`;
}

/** The measurements one by one, the least understood first. */
function residuals(state: State, send: Send, result: Result): TemplateResult {
  const held = result.leaveOneOut?.latency_ms;
  const { low, high } = result.leaveOneOut ?? {};
  const unit = unitOf(state);
  const aside = setAside(result.review);
  const lines = result.readings.map((reading, i) => {
    const estimate = result.latency_ms[reading.index] ?? Number.NaN;
    const without = held?.[i] ?? Number.NaN;
    const error = (held ? without : estimate) / reading.latency_ms - 1;
    return { reading, estimate, without, error, low: low?.[i] ?? Number.NaN, high: high?.[i] ?? Number.NaN, aside: aside.has(i) };
  });
  lines.sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
  const suffix = unit.toLowerCase();
  const table = [
    ['arch', `measured_${suffix}`, `with_it_${suffix}`, `without_it_${suffix}`, `low_${suffix}`, `high_${suffix}`, 'error', 'set_aside'],
    ...lines.map(({ reading, estimate, without, error, low, high, aside }) => [
      ...[reading.architecture, reading.latency_ms, estimate, without, low, high, error],
      aside ? 'yes' : 'no',
    ]),
  ];
  return html`<section aria-labelledby="fit-residuals">
    <div class="row">
      <h2 id="fit-residuals">One by one, furthest off first</h2>
      <button type="button" class="plain small" aria-label="Save the residuals as CSV" @click=${() => send({ type: 'save-table', name: 'residuals', rows: table })}>CSV</button>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="fit-residuals">
      <table class="list">
        <thead>
          <tr>
            <th scope="col" class="left">${kSpaces[spaceId(state)].one}</th>
            <th scope="col">measured, ${unit}</th>
            ${low ? nothing : html`<th scope="col">with it, ${unit}</th>`}
            <th scope="col">without it, ${unit}</th>
            ${low ? html`<th scope="col" title="The truth lies here with a probability of 90 %">90 % interval</th>` : nothing}
            <th scope="col">${held ? 'error without' : 'error with'}</th>
          </tr>
        </thead>
        <tbody>
          ${lines.map(
            ({ reading, estimate, without, error, low: least, high: most, aside }) =>
              html`<tr
                aria-selected=${reading.index === viewOf(state).selected}
                @click=${() => send({ type: 'select', index: reading.index })}
              >
                <td class="left">
                  <button type="button" class="plain" aria-label="Show ${reading.architecture}">
                    ${glyph(spaceId(state), reading.architecture)}
                  </button>
                </td>
                <td>${aside ? html`<span class="bad" title="Set aside">✕ ${significant(reading.latency_ms)}</span>` : significant(reading.latency_ms)}</td>
                ${low ? nothing : html`<td>${significant(estimate)}</td>`}
                <td>${significant(without)}</td>
                ${low ? html`<td>${between(least, most)}</td>` : nothing}
                <td><b>${signedPercent(error)}</b></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      result.accuracy
        ? html`<p class="quiet small">
              Against ${count(result.accuracy.count)} other measurements of ${nameOf(state.device)}, never seen by the
              transfer:
            </p>
            ${accuracyFacts(result.accuracy)}`
        : nothing
    }
  </section>`;
}
