import { html, nothing, type TemplateResult } from 'lit';
import type { Send } from './send.js';
import { chart, type ChartEvents } from '../charts.js';
import { budgetSummary, spaceChart } from '../derive.js';
import { count, millions, percent, plural, withUnit } from '../format.js';
import { cellPanel, drawing } from './cell.js';
import { estimates, estimatesTools } from './estimates.js';
import { fit } from './fit.js';
import { legend } from './legend.js';
import { lookup } from './lookup.js';
import { rail } from './rail.js';
import { archString } from '../space.js';
import { deviceTitle, kTabs, type Result, type State, type Tab, type Theme } from '../state.js';

/** The whole page. */
export function page(state: State, send: Send): TemplateResult {
  return html`
    <header class="top">
      <h1>How fast will this network run on <em>your</em> device? <b>Measure 20. Know 15,625.</b></h1>
      ${engineStatus(state)} ${themeButton(state, send)}
    </header>
    ${engineFailure(state)}
    <div class="columns">${rail(state, send)} ${main(state, send)}</div>
    ${notice(state, send)}
    <div class="announcer" role="status" aria-live="polite">${announcement(state)}</div>
  `;
}

function engineStatus({ engine }: State): TemplateResult {
  switch (engine.status) {
    case 'loading':
      return html`<span class="engine quiet small"
        >Engine: loading${engine.done > 0 ? html` ${Math.round(engine.done * 100)} %` : nothing}</span
      >`;
    case 'ready':
      return html`<span class="engine ready quiet small">Engine: ready, in this browser</span>`;
    case 'failed':
      return html`<span class="engine bad small">Engine: not running</span>`;
  }
}

const kThemes: Readonly<Record<Theme, { readonly next: Theme; readonly title: string }>> = {
  auto: { next: 'light', title: 'Theme: system' },
  light: { next: 'dark', title: 'Theme: light' },
  dark: { next: 'auto', title: 'Theme: dark' },
};

function themeButton({ theme }: State, send: Send): TemplateResult {
  const { next, title } = kThemes[theme];
  return html`<button type="button" class="theme" @click=${() => send({ type: 'theme', theme: next })}>
    ${title}
  </button>`;
}

/** A lasting condition of the page, above everything. */
function engineFailure({ engine }: State): TemplateResult | typeof nothing {
  if (engine.status !== 'failed') return nothing;
  return html`<div class="banner error" role="alert">
    <p>
      <strong>The engine did not start:</strong> ${engine.message}. The examples below were computed beforehand and
      still work; a transfer does not. Your text is kept.
    </p>
    <button type="button" @click=${() => location.reload()}>Try again</button>
  </div>`;
}

/** The outcome of what the user just did; lies over the page so that nothing moves. */
function notice(state: State, send: Send): TemplateResult | typeof nothing {
  if (!state.notice) return nothing;
  return html`<div class="banner over ${state.notice.kind}" role=${state.notice.kind === 'error' ? 'alert' : 'status'}>
    <p>${state.notice.text}</p>
    <button type="button" @click=${() => send({ type: 'notice' })}>Close</button>
  </div>`;
}

function main(state: State, send: Send): TemplateResult {
  const result = state.results[state.device];
  if (!result || !state.space) return html`<main class="main" id="main">${waiting(state)}</main>`;
  const spec = spaceChart(state);
  const events: ChartEvents = {
    hover: (index) => send(index === undefined ? { type: 'hover' } : { type: 'hover', index }),
    pick: (index) => send({ type: 'select', index }),
    limit: (budget_ms) => send({ type: 'budget', budget_ms }),
  };
  return html`<main class="main" id="main">
    ${headline(state, send, result)}
    <div class="overview">
      <section class="chart" aria-label="All architectures">
        ${
          spec
            ? html`${legend(spec)}
                <div class="plot" ${chart(spec, events)}></div>`
            : nothing
        }
      </section>
      ${cellPanel(state, send)}
    </div>
    <div class="views">${tabs(state, send)} ${state.tab === 'estimates' ? estimatesTools(state, send) : nothing}</div>
    <section class="panel" role="tabpanel" id="panel" aria-labelledby="tab-${state.tab}">
      ${kPanels[state.tab](state, send)}
    </section>
  </main>`;
}

const kPanels: Readonly<Record<Tab, (state: State, send: Send) => TemplateResult>> = { estimates, fit, lookup };

function waiting(state: State): TemplateResult {
  if (state.device !== 'mine') return html`<p class="empty">The example is loading.</p>`;
  return html`<div class="empty start">
    <div>
      <h2>Estimates for ${deviceTitle(state)} will stand here</h2>
      <ol>
        <li>Measure some architectures of NAS-Bench-201 on your device. Any 20 of the 15,625 will do.</li>
        <li>Write or paste them on the left, or drop a file: one architecture and its latency per line.</li>
        <li>Press Transfer. The other architectures follow in seconds.</li>
      </ol>
      <p class="quiet">To see how it looks, choose one of the examples as the device.</p>
    </div>
    ${state.space ? threeForms(state.space.digits[state.selected] ?? '', state.selected) : nothing}
  </div>`;
}

/** The same cell in every form the notebook accepts. */
function threeForms(digits: string, index: number): TemplateResult {
  return html`<section aria-label="Ways to write an architecture">
    <p class="quiet">One cell, three ways to write it</p>
    ${drawing(digits)}
    <dl class="forms">
      <dt>six digits</dt>
      <dd><code>${digits}</code></dd>
      <dt>arch string</dt>
      <dd><code>${archString(digits)}</code></dd>
      <dt>official index</dt>
      <dd><code>${index}</code></dd>
    </dl>
  </section>`;
}

const kSources: Readonly<Record<Result['source'], (result: Result) => string>> = {
  precomputed: () => 'computed beforehand from 20 real measurements',
  transfer: (result) => `transferred here from ${plural(result.readings.length, 'measurement')}`,
  file: (result) => `from a saved predictor with ${plural(result.readings.length, 'measurement')}`,
};

function headline(state: State, send: Send, result: Result): TemplateResult | typeof nothing {
  const summary = budgetSummary(state);
  if (!summary || !state.space) return nothing;
  const { largest } = summary;
  const change = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    if (input.valueAsNumber > 0) send({ type: 'budget', budget_ms: input.valueAsNumber });
    else input.value = String(summary.budget_ms);
  };
  return html`<div class="headline">
    <p class="quiet small"><b>${deviceTitle(state)}</b>, ${kSources[result.source](result)}</p>
    <p class="answer">
      Within
      <label
        ><span class="hidden">Latency limit in milliseconds</span
        ><input
          type="number"
          min="0"
          step="any"
          inputmode="decimal"
          .value=${String(summary.budget_ms)}
          @change=${change}
      /></label>
      ms: <b>${count(summary.within)}</b> of 15,625 architectures
      (${percent(summary.within / result.latency_ms.length)})${
        largest === undefined
          ? '.'
          : html`, the largest
              <button type="button" class="plain" @click=${() => send({ type: 'select', index: largest })}>
                ${state.space.digits[largest]}</button
              >: ${millions(state.space.macs[largest] ?? 0)} M multiply-adds in
              <b>${withUnit(result.latency_ms[largest] ?? Number.NaN)}</b>.`
      }
    </p>
  </div>`;
}

const kTabTitles: Readonly<Record<Tab, string>> = { estimates: 'Estimates', fit: 'Fit', lookup: 'Lookup' };

function tabs(state: State, send: Send): TemplateResult {
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = kTabs[(kTabs.indexOf(state.tab) + step + kTabs.length) % kTabs.length] ?? state.tab;
    send({ type: 'tab', tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="Views" @keydown=${onKey}>
    ${kTabs.map(
      (tab) =>
        html`<button
          type="button"
          role="tab"
          id="tab-${tab}"
          aria-controls="panel"
          aria-selected=${tab === state.tab}
          tabindex=${tab === state.tab ? 0 : -1}
          @click=${() => send({ type: 'tab', tab })}
        >
          ${kTabTitles[tab]}
        </button>`,
    )}
  </div>`;
}

/** What a screen reader hears of long work: its beginning, quarters and end, not every step. */
function announcement({ job, results, device }: State): string {
  if (job) {
    const quarter = Math.floor(job.done * 4) * 25;
    return `${job.phase === 'leave-one-out' ? 'Checking' : 'Transfer'}: ${quarter} %`;
  }
  return results[device]?.source === 'transfer' ? 'Estimates are ready.' : '';
}
