/** One architecture of any space: its drawing, its glyph in a line, and the panel of the one pointed out. */

import { html, nothing, type TemplateResult } from 'lit';
import { cellDrawing, cellGlyph, cellRemark } from './cell.js';
import { kStripRemarks, stripDrawing, stripGlyph } from './strip.js';
import type { Send } from './send.js';
import { count, millions, percent, significant, withUnit } from '../format.js';
import { boundsText, measured, pointedOut, quality } from '../derive.js';
import { kSpaces, type PageSpace } from '../spaces/index.js';
import { rowFacts, rowName } from '../table/row.js';
import { isOwn, resultOf, tableOf, unitOf, viewOf, type State } from '../state.js';

export function drawing(space: PageSpace, architecture: string): TemplateResult {
  if (space === 'table') return rowName(architecture);
  return space === 'nb201' ? cellDrawing(architecture) : stripDrawing(space, architecture);
}

export function glyph(space: PageSpace, architecture: string): TemplateResult {
  if (space === 'table') return rowName(architecture);
  return space === 'nb201' ? cellGlyph(architecture) : stripGlyph(space, architecture);
}

/** The selected architecture, or the one under the pointer. */
export function architecturePanel(state: State, send: Send): TemplateResult {
  const index = pointedOut(state);
  const table = tableOf(state);
  const architecture = table?.architectures[index];
  if (!table || architecture === undefined) return html`<section class="cell" aria-label="Architecture"></section>`;
  const { listed, long, counted } = kSpaces[table.space];
  const estimate = resultOf(state)?.latency_ms[index] ?? Number.NaN;
  const known = measured(state)?.[index] ?? Number.NaN;
  const bounds = boundsText(resultOf(state), index);
  const against = quality(state);
  const value = against && against.id !== 'macs' ? against.values[index] : undefined;
  const text = long(architecture);
  return html`<section class="cell" aria-label="Architecture">
    <div class="cell-title">
      <h2>${listed ? architecture : `no. ${count(index)}`}</h2>
      <span class="quiet">${table.columns ? `row ${count(index + 1)}` : listed ? `index ${count(index)}` : origin(state, index)}</span>
    </div>
    ${table.columns ? rowFacts(table, index) : drawing(table.space, architecture)}
    <dl class="facts">
      <div>
        <dt>estimate</dt>
        <dd>
          ${Number.isNaN(estimate) ? html`<span class="quiet">after a transfer here</span>` : withUnit(estimate, unitOf(state))}
          ${bounds === '' ? '' : html`<span class="quiet" title="The truth lies here with a probability of 90 %">${bounds}</span>`}
        </dd>
      </div>
      <div>
        <dt>measured</dt>
        <dd>
          ${Number.isNaN(known) ? html`<span class="quiet">not measured</span>` : withUnit(known, unitOf(state))}
          ${
            known > 0 && estimate > 0
              ? html`<span class="quiet">off by ${percent(Math.abs(estimate / known - 1))}</span>`
              : ''
          }
        </dd>
      </div>
      <div>
        <dt>${value === undefined ? 'multiply-adds' : against?.name}</dt>
        <dd>
          ${value === undefined ? `${millions(table.macs[index] ?? 0)} M` : `${significant(value)}${against?.unit ?? ''}`}
        </dd>
      </div>
      ${
        counted
          ? html`<div>
              <dt>parameters</dt>
              <dd>${millions(table.params[index] ?? 0)} M</dd>
            </div>`
          : nothing
      }
    </dl>
    <div class="copyable">
      <code tabindex="0" aria-label=${table.columns ? 'Name' : 'Arch string'}>${listed ? text : architecture}</code>
      <button
        type="button"
        @click=${() => send({ type: 'copy', text: listed ? text : architecture, what: table.columns ? 'The name' : 'Arch string' })}
      >
        Copy
      </button>
      ${
        table.columns
          ? nothing
          : html`<button
                type="button"
                title="Keeps it among the architectures that stand side by side under Devices"
                aria-pressed=${viewOf(state).kept?.includes(index) === true}
                @click=${() => send({ type: 'keep', index })}
              >
                Keep
              </button>`
      }
    </div>
    ${
      table.space === 'table'
        ? nothing
        : html`<p class="quiet small">${table.space === 'nb201' ? cellRemark(architecture) : kStripRemarks[table.space]}</p>`
    }
  </section>`;
}

/** Where an architecture of a space too large to list comes from. */
function origin(state: State, index: number): string {
  if (index >= (tableOf(state)?.shipped ?? 0)) return 'added here';
  const used = resultOf(state)?.readings.some((reading) => reading.index === index) === true;
  return used && !isOwn(state.device) ? 'measured' : 'drawn at random';
}
