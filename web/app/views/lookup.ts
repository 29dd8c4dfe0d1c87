import { html, nothing, type TemplateResult } from 'lit';
import './line-editor.js';
import { problemList } from './problems.js';
import { kUnread } from './rail.js';
import type { Send } from './send.js';
import { glyph } from './cell-table.js';
import { count, millions, plural, significant } from '../format.js';
import { lookupMarks } from '../derive.js';
import type { State } from '../state.js';

const kHint = `421211
|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|
13714`;

/** Milliseconds of any list of architectures, beside the text as it is typed. */
export function lookup(state: State, send: Send): TemplateResult {
  const marks = lookupMarks(state);
  const found = marks.flatMap((mark) => (mark.index === undefined ? [] : [mark.index]));
  const latency_ms = state.results[state.device]?.latency_ms;
  return html`<div class="lookup">
    <section aria-label="Architectures to look up">
      <line-editor
        id="lookup-text"
        .text=${state.lookup.text}
        .marks=${marks}
        .label=${'Architectures to look up, one per line'}
        .describedBy=${'lookup-problems'}
        .hint=${kHint}
        @edit=${(event: CustomEvent<string>) => send({ type: 'lookup', text: event.detail })}
      ></line-editor>
      <div id="lookup-problems" class="problems">
        ${
          state.lookup.text.trim() === ''
            ? html`<p class="quiet">
                Type or paste architectures, one per line: six digits, an arch string or an index.
              </p>`
            : state.lookup.check?.text === state.lookup.text
              ? nothing
              : html`<p class="quiet">${kUnread[state.engine.status]}</p>`
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
        found.length > 0 && latency_ms
          ? html`<div class="scroll" tabindex="0" role="region" aria-label="Looked-up architectures">
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">index</th>
                    <th scope="col" class="left">cell</th>
                    <th scope="col">estimate, ms</th>
                    <th scope="col">MACs, M</th>
                    <th scope="col" class="col-params">params, M</th>
                  </tr>
                </thead>
                <tbody>
                  ${found.slice(0, 500).map(
                    (index) =>
                      html`<tr
                        aria-selected=${index === state.selected}
                        @click=${() => send({ type: 'select', index })}
                      >
                        <td>${count(index)}</td>
                        <td class="left">
                          <button type="button" class="plain" aria-label="Show ${state.space?.digits[index] ?? ''}">
                            ${glyph(state.space?.digits[index] ?? '')}
                          </button>
                        </td>
                        <td><b>${significant(latency_ms[index] ?? Number.NaN)}</b></td>
                        <td>${millions(state.space?.macs[index] ?? 0)}</td>
                        <td class="col-params">${millions(state.space?.params[index] ?? 0)}</td>
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
