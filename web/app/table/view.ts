/** The table of the user's own: its text, and how every column is read. */

import { html, nothing, type TemplateResult } from 'lit';
import type { TableColumn, TableColumnKind } from '../../api/index.js';
import { count, plural, significant } from '../format.js';
import type { SpaceTable, TableColumnValues } from '../spaces/table.js';
import { readiness, tableOf, type State } from '../state.js';
import '../views/line-editor.js';
import { problemList } from '../views/problems.js';
import type { Send } from '../views/send.js';
import { currentTableCheck, kRoles, usualRole, type OwnTableAction, type OwnTableState, type Role, type TableCheck } from './state.js';

const kHint = `name,layers,width,activation,accuracy,latency_ms:Pixel 2
net-1,12,64,relu,71.2,9.8
net-2,16,32,gelu,72.4,8.1`;

type Tell = (action: OwnTableAction) => void;

/** Under its tab, and before there is any. */
export function tablePanel(state: State, send: Send): TemplateResult {
  const { ownTable } = state;
  const tell: Tell = (action) => send({ type: 'own-table', action });
  const check = currentTableCheck(ownTable);
  const marks = check?.marks ?? ownTable.check?.marks ?? [];
  return html`<div class="lookup own-table">
    <section aria-labelledby="own-table-title">
      <h2 id="own-table-title">A row for each architecture</h2>
      <line-editor
        id="own-table-text"
        .text=${ownTable.text}
        .marks=${marks}
        .label=${'Table: comma-separated values with a heading line'}
        .describedBy=${'own-table-problems'}
        .hint=${kHint}
        @edit=${(event: CustomEvent<string>) => tell({ type: 'text', text: event.detail })}
      ></line-editor>
      <div id="own-table-problems" class="problems">
        ${summary(state, ownTable, check)}
        ${check?.problems.map((problem) => html`<p class="bad">${problem}</p>`)} ${problemList(marks, 'own-table-text', send)}
      </div>
      ${sources(ownTable, send, tell)}
    </section>
    <section class="found" aria-label="Columns">
      ${
        ownTable.check && ownTable.check.columns.length > 0
          ? columns(state, ownTable, ownTable.check, tell)
          : html`<p class="quiet">
              How every column is read will stand here, and can be changed: names of the architectures, what describes them by numbers or
              words, latencies of known devices, what is to be large (such as an accuracy), and what says nothing.
            </p>`
      }
    </section>
  </div>`;
}

function summary(state: State, ownTable: OwnTableState, check: TableCheck | undefined): TemplateResult {
  if (ownTable.text.trim() === '') {
    return html`<p class="quiet">
      Paste comma-separated values, or drop a file. One heading line, then a row each; a column <code>name</code>, and
      <code>latency_ms:NAME</code> for each device that some rows were measured on, if there are any.
    </p>`;
  }
  if (!check) {
    const { status } = state.engine;
    return html`<p class="quiet">
      ${status === 'failed' ? 'Not read, because the engine is not running.' : status === 'ready' ? 'Reading…' : 'Read as soon as the engine is ready.'}
    </p>`;
  }
  const bad = check.marks.length + check.problems.length;
  const kept = bad > 0 && tableOf(state) !== undefined;
  return html`<p role="status">
    ${plural(check.rows, 'row')}, ${plural(check.columns.length, 'column')}${
      bad > 0
        ? html`, <strong class="bad">${bad >= kMostProblems ? 'many problems' : plural(bad, 'problem')}</strong>${kept ? '. The estimates are of the table as it was.' : ''}`
        : ', every line understood'
    }
  </p>`;
}

/** The engine names no more. */
const kMostProblems = 100;

/** Where a table comes from, and the way back. */
function sources({ replaced, filename, origin }: OwnTableState, send: Send, tell: Tell): TemplateResult {
  const pick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) send({ type: 'open-table', file });
    input.value = '';
  };
  return html`<p>
      <label class="button"
        >Open a table…<input type="file" class="hidden" accept=".csv,.txt" aria-label="Open a table (CSV)" @change=${pick}
      /></label>
      <button type="button" @click=${() => tell({ type: 'ask-example' })}>Show an example</button>
    </p>
    <p class="small quiet">
      ${origin ? html`${origin}<br />` : filename ? html`Read from ${filename}. ` : nothing}
      ${
        replaced
          ? html`<button type="button" class="plain" @click=${() => tell({ type: 'undo' })}>Bring the earlier table back</button><br />`
          : nothing
      }
      Kept in this browser, never uploaded. A link holds what you look at, not the table: it is too large for an address.
    </p>`;
}

const kRoleTitles: Readonly<Record<Role, string>> = {
  describes: 'describes it',
  name: 'its name',
  device: 'known device, ms',
  quality: 'larger is better',
  ignored: 'ignore',
};

function columns(state: State, ownTable: OwnTableState, { columns: found }: TableCheck, tell: Tell): TemplateResult {
  const headings = found.map(({ heading }) => heading);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Columns of the table">
    <table class="list">
      <thead>
        <tr>
          <th scope="col" class="left">column</th>
          <th scope="col" class="left">what it is</th>
          <th scope="col" class="left">read as</th>
        </tr>
      </thead>
      <tbody>
        ${found.map((column) => {
          const { heading } = column;
          const role = ownTable.roles[heading] ?? usualRole(heading, headings);
          const change = (event: Event): void =>
            tell({ type: 'role', heading, role: (event.target as HTMLSelectElement).value as Role });
          return html`<tr>
            <td class="left"><code>${heading}</code></td>
            <td class="left">
              <select aria-label="What ${heading} is" .value=${role} @change=${change}>
                ${kRoles.map((each) => html`<option value=${each} ?selected=${each === role}>${kRoleTitles[each]}</option>`)}
              </select>
            </td>
            <td class="left ${column.kind === 'unusable' ? 'bad' : ''}">${readAs(column, tableOf(state))}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

const kKindTitles: Readonly<Record<TableColumnKind, string>> = {
  name: 'names',
  numbers: 'numbers',
  words: 'words',
  constant: 'the same for all: says nothing',
  device: 'known device',
  quality: 'numbers, larger is better',
  ignored: 'not used',
  unusable: 'not understood',
};

/** With how much it holds, where the table could be opened. */
function readAs({ heading, kind }: TableColumn, table: SpaceTable | undefined): string {
  const known = table?.columns?.find((column) => column.heading === heading && column.kind === kind);
  const held = known ? `, ${extent(known)}` : '';
  return kKindTitles[kind] + held;
}

function extent({ values, kind }: TableColumnValues): string {
  if (!(values instanceof Float64Array)) return `${new Set(values).size} different`;
  const finite = values.filter((value) => !Number.isNaN(value));
  if (kind === 'device') return `${count(finite.length)} measured`;
  let [least, most] = [Infinity, -Infinity];
  for (const value of finite) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return finite.length === 0 ? 'none' : `${significant(least)} to ${significant(most)}`;
}

/** Before there is a table. */
export function tableStart(state: State, send: Send): TemplateResult {
  const failed = readiness(state).status === 'failed';
  return html`<div class="empty start">
      <div>
        <h2>Your own search space</h2>
        <p>
          A table takes the place of a built-in space: a row for each architecture. Latencies of devices that you know already, on any
          rows, teach what the columns cost; a few measurements of the new device do the rest.
        </p>
        ${failed ? html`<p class="bad">It needs the engine, which is not running. What you write here is kept.</p>` : nothing}
      </div>
    </div>
    <section class="panel" id="panel" aria-label="Your table">${tablePanel(state, send)}</section>`;
}
