import { html, nothing, type TemplateResult } from 'lit';
import './line-editor.js';
import { problemList } from './problems.js';
import { kUnread } from './rail.js';
import type { Send } from './send.js';
import { glyph } from './architecture.js';
import { count, millions, plural, significant } from '../format.js';
import { boundsText, lookupMarks } from '../derive.js';
import { kSpaces } from '../spaces/index.js';
import { readiness, resultOf, spaceId, tableOf, unitOf, viewOf, type State } from '../state.js';

const kIntervalHint = 'The truth lies here with a probability of 90 %';

/** Milliseconds of any list of architectures, beside the text as it is typed. */
export function lookup(state: State, send: Send): TemplateResult {
  const marks = lookupMarks(state);
  const found = marks.flatMap((mark) => (mark.index === undefined ? [] : [mark.index]));
  const result = resultOf(state);
  const table = tableOf(state);
  const { text, check } = state.lookups[spaceId(state)];
  const kind = kSpaces[spaceId(state)];
  const unknown = found.filter((row) => !((result?.latency_ms[row] ?? Number.NaN) > 0)).length;
  return html`<div class="lookup">
    <section aria-label="Architectures to look up">
      <line-editor
        id="lookup-text"
        .text=${text}
        .marks=${marks}
        .label=${'Architectures to look up, one per line'}
        .describedBy=${'lookup-problems'}
        .hint=${kind.lookupHint}
        @edit=${(event: CustomEvent<string>) => send({ type: 'lookup', text: event.detail })}
      ></line-editor>
      <div id="lookup-problems" class="problems">
        ${
          text.trim() === ''
            ? html`<p class="quiet">Type or paste architectures, one per line. ${kind.forms}</p>`
            : check?.text === text
              ? nothing
              : html`<p class="quiet">${kUnread[readiness(state).status]}</p>`
        }
        ${
          unknown > 0 && result?.source === 'precomputed'
            ? html`<p class="note">
                ${unknown} of them are not among the estimates computed beforehand.
                <button type="button" class="fix" ?disabled=${readiness(state).status !== 'ready'} @click=${() => send({ type: 'transfer' })}>
                  Transfer here</button
                >, and they are estimated too.
              </p>`
            : nothing
        }
        ${problemList(marks, 'lookup-text', send)}
      </div>
    </section>
    <section class="found" aria-label="Estimates">
      <div class="row">
        <span class="quiet small" role="status">${found.length > 0 ? plural(found.length, 'architecture') : ''}</span>
        <button type="button" ?disabled=${found.length === 0} @click=${() => send({ type: 'save-lookup' })}>
          Download these (CSV)
        </button>
      </div>
      ${
        found.length > 0 && result && table
          ? html`<div class="scroll" tabindex="0" role="region" aria-label="Looked-up architectures">
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">${kind.id === 'nb201' ? 'index' : 'no.'}</th>
                    <th scope="col" class="left">${kind.one}</th>
                    <th scope="col">estimate, ${unitOf(state)}</th>
                    ${result.low ? html`<th scope="col" title=${kIntervalHint}>90 % interval</th>` : nothing}
                    ${
                      kind.counted
                        ? html`<th scope="col">MACs, M</th>
                            <th scope="col" class="col-params">params, M</th>`
                        : nothing
                    }
                  </tr>
                </thead>
                <tbody>
                  ${found.slice(0, 500).map(
                    (index) =>
                      html`<tr
                        aria-selected=${index === viewOf(state).selected}
                        @click=${() => send({ type: 'select', index })}
                      >
                        <td>${count(table.columns ? index + 1 : index)}</td>
                        <td class="left">
                          <button type="button" class="plain" aria-label="Show ${table.architectures[index] ?? ''}">
                            ${glyph(table.space, table.architectures[index] ?? '')}
                          </button>
                        </td>
                        <td><b>${significant(result.latency_ms[index] ?? Number.NaN)}</b></td>
                        ${result.low ? html`<td>${boundsText(result, index)}</td>` : nothing}
                        ${
                          kind.counted
                            ? html`<td>${millions(table.macs[index] ?? 0)}</td>
                                <td class="col-params">${millions(table.params[index] ?? 0)}</td>`
                            : nothing
                        }
                      </tr>`,
                  )}
                </tbody>
              </table>
              ${found.length > 500 ? html`<p class="quiet small">The first 500 of ${count(found.length)}; the file holds all.</p>` : nothing}
            </div>`
          : nothing
      }
    </section>
  </div>`;
}
