import { html, nothing, type TemplateResult } from 'lit';
import type { Send } from './send.js';
import { isBuiltIn, kSpaces } from '../spaces/index.js';
import { count, plural } from '../format.js';
import { currentCheck, deviceTitle, isOwn, kFewestReadings, resultOf, sheetOf, spaceId, tableOf, viewOf, type State } from '../state.js';

interface Step {
  readonly title: string;
  /** What has come of it. */
  readonly found?: string;
  readonly done: boolean;
  readonly go: () => void;
}

/** The way from a device to a network, and how far one is; every step can be taken at any time. */
export function steps(state: State, send: Send): TemplateResult {
  const list = stepsOf(state, send);
  const current = list.findIndex(({ done }) => !done);
  return html`<nav class="way" aria-label="Steps">
    <ol>
      ${list.map(
        ({ title, found, done, go }, i) =>
          html`<li class=${done ? 'done' : ''}>
            <button type="button" class="plain" aria-label="Step ${i + 1}: ${title}" aria-current=${i === current ? 'step' : nothing} @click=${go}>
              <span class="number" aria-hidden="true">${done ? '✓' : i + 1}</span> ${title}</button
            >${done ? html`<span class="hidden"> (done)</span>` : nothing}${found === undefined ? nothing : html` <span class="quiet">${found}</span>`}
          </li>`,
      )}
    </ol>
  </nav>`;
}

function stepsOf(state: State, send: Send): readonly Step[] {
  const kind = kSpaces[spaceId(state)];
  const readings = currentCheck(sheetOf(state))?.readings.length ?? 0;
  const result = resultOf(state);
  const own = isOwn(state.device);
  const { budget_ms } = viewOf(state);
  const table = tableOf(state);
  const builtIn = isBuiltIn(kind.id);
  // A table is no predictor file.
  const saved = builtIn && state.saved[state.device] === true;
  return [
    { title: 'Space', found: kind.title, done: builtIn || table !== undefined, go: () => show(builtIn || table ? '#space' : '#own-table-text textarea') },
    {
      title: 'Measure or paste',
      found: own ? plural(readings, 'measurement') : deviceTitle(state),
      done: readings >= kFewestReadings || (!own && result !== undefined),
      go: () => show(own ? '#measurements textarea' : '#device'),
    },
    { title: 'Transfer', done: result !== undefined, go: () => show(builtIn ? '.transfer select, .transfer button' : '#measurements textarea') },
    { title: 'Explore', ...(result ? { found: `${table?.columns ? count(table.architectures.length) : kind.know} estimates` } : {}), done: result !== undefined, go: () => tab('estimates') },
    { title: 'Search', done: result !== undefined && budget_ms !== undefined, go: () => (result ? tab('search') : tab('measure')) },
    { title: 'Save or share', done: false, go: () => show(saved ? '#save-predictor' : '#copy-link') },
  ];

  function tab(id: 'estimates' | 'search' | 'measure'): void {
    send({ type: 'tab', tab: id });
    show(`#tab-${id}`);
  }
}

/** Takes the eye and the keyboard there. */
function show(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector);
  element?.scrollIntoView({ block: 'nearest' });
  element?.focus();
}
