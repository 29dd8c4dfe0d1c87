import { html, nothing, type TemplateResult } from 'lit';
import type { Send } from './send.js';
import { chart, type ChartEvents } from '../charts.js';
import { devices } from '../compare/view.js';
import { boundsText, budgetSummary, kQualityTitles, quality, qualityColumns, spaceChart, type Quality } from '../derive.js';
import { about, correlation, count, percent, plural, significant, withUnit } from '../format.js';
import { architecturePanel, drawing, glyph } from './architecture.js';
import { estimates, estimatesTools } from './estimates.js';
import { fit } from './fit.js';
import { inTurn } from './in-turn.js';
import { legend, saveChart } from './legend.js';
import { lookup } from './lookup.js';
import { modelPage } from '../model/views/model-page.js';
import { measure, measureTools } from './measure.js';
import { beforeChange, rail, whyOutdated } from './rail.js';
import { search, searchTools } from './search.js';
import { steps } from './steps.js';
import { tabList } from './tabs.js';
import { tablePanel, tableStart } from '../table/view.js';
import { writeMeasurements } from '../../api/measurements.js';
import { isBuiltIn, kSpaces } from '../spaces/index.js';
import {
  browserOf,
  canShow,
  deviceTitle,
  isFiltered,
  isOutdated,
  isOwn,
  kQualities,
  readiness,
  resultOf,
  spaceId,
  tableOf,
  tabOf,
  tabsOf,
  unitOf,
  viewOf,
  type Mode,
  type QualityId,
  type Result,
  type State,
  type Tab,
  type Theme,
} from '../state.js';

/** The whole page. */
export function page(state: State, send: Send): TemplateResult {
  return html`
    <header class="top">
      <h1>
        How fast will this network run on <em>your</em> device?
        <b>${state.mode === 'model' ? 'Drop it here.' : `Measure 20. Know ${kSpaces[spaceId(state)].know}.`}</b>
      </h1>
      ${modes(state, send)} ${engineStatus(state)} <a class="small" href="docs/">Docs</a> ${themeButton(state, send)}
    </header>
    ${engineFailure(state)} ${newerVersion(state, send)}
    ${
      state.mode === 'model'
        ? modelPage(state.model, send)
        : html`${steps(state, send)}
            <div class="columns">${rail(state, send)} ${main(state, send)}</div>`
    }
    ${notice(state, send)}
    <div class="announcer" role="status" aria-live="polite">${announcement(state)}</div>
  `;
}

const kModeTitles: Readonly<Record<Mode, string>> = { space: 'Search space', model: 'Any model' };

function modes({ mode }: State, send: Send): TemplateResult {
  return html`<div class="modes" role="group" aria-label="Mode">
    ${(['space', 'model'] as const).map(
      (each) =>
        html`<button type="button" aria-pressed=${each === mode} @click=${() => send({ type: 'mode', mode: each })}>
          ${kModeTitles[each]}
        </button>`,
    )}
  </div>`;
}

function engineStatus(state: State): TemplateResult {
  const needed = readiness(state);
  switch (needed.status) {
    case 'loading':
      return html`<span class="engine quiet small"
        >Engine: loading${needed.done > 0 ? html` ${Math.round(needed.done * 100)} %` : nothing}</span
      >`;
    case 'ready':
      return html`<span class="engine ready quiet small"
        >Engine: ready<span class="aside">, in this browser${state.offline ? ', offline too' : ''}</span></span
      >`;
    case 'failed':
      return html`<span class="engine bad small"
        >${state.engine.status === 'failed' ? 'Engine: not running' : 'Weights: not loaded'}</span
      >`;
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
function engineFailure(state: State): TemplateResult | typeof nothing {
  const needed = readiness(state);
  if (needed.status !== 'failed') return nothing;
  const what =
    state.engine.status === 'failed'
      ? 'The engine did not start:'
      : `The weights of ${kSpaces[spaceId(state)].title} did not load:`;
  return html`<div class="banner error" role="alert">
    <p>
      <strong>${what}</strong> ${needed.message}.
      ${
        state.mode === 'model'
          ? 'The example below was computed beforehand; models cannot be read.'
          : 'The examples below were computed beforehand and still work; a transfer does not. Your text is kept.'
      }
    </p>
    <button type="button" @click=${() => location.reload()}>Try again</button>
  </div>`;
}

/** The page goes on as it is until the user takes the newer one. */
function newerVersion(state: State, send: Send): TemplateResult | typeof nothing {
  if (state.offline !== 'newer') return nothing;
  return html`<div class="banner" role="status">
    <p>A newer version of this page is here. Your text is kept.</p>
    <button type="button" @click=${() => send({ type: 'take-newer' })}>Use it</button>
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
  const result = resultOf(state);
  if (!result || !tableOf(state)) return html`<main class="main" id="main">${waiting(state, send)}</main>`;
  return html`<main class="main ${isOutdated(state) ? 'outdated' : ''}" id="main">
    ${outdated(state, send, result)} ${headline(state, send, result)}
    <div class="overview">${inTurn(() => html`${overview(state, send)} ${architecturePanel(state, send)}`)}</div>
    ${inTurn(
      () => html`<div class="views">${tabs(state, tabsOf(state), send)} ${kTools[tabOf(state)]?.(state, send)}</div>
        ${panel(state, tabOf(state), send)}`,
    )}
  </main>`;
}

function panel(state: State, tab: Tab, send: Send): TemplateResult {
  return html`<section class="panel" role="tabpanel" id="panel" aria-labelledby="tab-${tab}">
    ${kPanels[tab](state, send)}
  </section>`;
}

const kPanels: Readonly<Record<Tab, (state: State, send: Send) => TemplateResult>> = {
  estimates,
  fit,
  devices,
  lookup,
  search,
  measure,
  table: tablePanel,
};

/** Beside the tabs. */
const kTools: Readonly<Partial<Record<Tab, (state: State, send: Send) => TemplateResult | typeof nothing>>> = {
  estimates: estimatesTools,
  search: searchTools,
  measure: measureTools,
};

function overview(state: State, send: Send): TemplateResult {
  const spec = spaceChart(state);
  const events: ChartEvents = {
    hover: (index) => send(index === undefined ? { type: 'hover' } : { type: 'hover', index }),
    pick: (index) => send({ type: 'select', index }),
    limit: (budget_ms) => send({ type: 'budget', budget_ms }),
  };
  return html`<section class="chart" aria-label="All architectures">
    ${
      spec
        ? html`<div class="row">${legend(spec)} ${saveChart(spec, 'chart', send)} ${qualityChooser(state, send)}</div>
            <div class="plot" ${chart(spec, events)}></div>`
        : nothing
    }
  </section>`;
}

/** What stands against latency. */
function qualityChooser(state: State, send: Send): TemplateResult {
  const shown = quality(state)?.id;
  const own = state.own[spaceId(state)];
  const change = (event: Event): void =>
    send({ type: 'quality', quality: (event.target as HTMLSelectElement).value as QualityId });
  const table = tableOf(state);
  const fixed = kQualities.filter((id) => canShow(spaceId(state), id) && (id !== 'own' || own));
  const offered = [...(table ? qualityColumns(table) : []), ...fixed.map((id) => ({ id, title: kQualityTitles[id] }))];
  return html`<select class="against" aria-label="Vertical axis" .value=${shown ?? 'macs'} @change=${change}>
    ${offered.map(({ id, title }) => html`<option value=${id} ?selected=${id === shown}>${title}</option>`)}
  </select>`;
}

/** Before there are estimates: what to do, and the first of it. */
function waiting(state: State, send: Send): TemplateResult {
  if (!isOwn(state.device)) {
    const loading = readiness(state).status !== 'failed';
    return html`<p class="empty">${loading ? 'Loading.' : 'Estimates of this device need the engine. Those of the examples were computed beforehand.'}</p>`;
  }
  const table = tableOf(state);
  const kind = kSpaces[spaceId(state)];
  if (!table && !isBuiltIn(kind.id)) return tableStart(state, send);
  const shown: readonly Tab[] = isBuiltIn(kind.id) ? ['measure'] : ['measure', 'table'];
  const tab = shown.find((each) => each === state.tab) ?? 'measure';
  const first = table?.architectures[viewOf(state).selected];
  return html`<div class="empty start">
      <div>
        <h2>Estimates for ${deviceTitle(state)} will stand here</h2>
        <ol>
          ${
            state.device === browserOf(kind.id)
              ? html`<li>Press Measure this browser. Some networks of ${kind.title} are built and run here, in rounds, so that a machine that drifts misleads nobody.</li>
                  <li>Their latencies appear on the left. From the third on the other architectures are estimated.</li>
                  <li>Then ten networks that were not among them are measured, to prove the estimates.</li>`
              : html`<li>Measure some architectures of ${kind.title} on your device. 20 are a good number; below are some.</li>
                  <li>Write or paste them on the left, or drop a file: one architecture and its latency per line.</li>
                  <li>From the third measurement on the other architectures are estimated as you type.</li>`
          }
        </ol>
        ${isBuiltIn(kind.id) ? html`<p class="quiet">To see how it looks, choose one of the examples as the device.</p>` : nothing}
      </div>
      ${first === undefined || !isBuiltIn(kind.id) ? nothing : writings(state, first)}
    </div>
    <div class="views">${tabs(state, shown, send)} ${kTools[tab]?.(state, send)}</div>
    ${panel(state, tab, send)}`;
}

/** The same architecture in every form the notebook accepts. */
function writings(state: State, architecture: string): TemplateResult {
  const kind = kSpaces[spaceId(state)];
  const forms = kind.writings(architecture, viewOf(state).selected);
  return html`<section aria-label="Ways to write an architecture">
    <p class="quiet">One ${kind.one}, ${forms.length === 2 ? 'two' : 'three'} ways to write it</p>
    ${drawing(kind.id, architecture)}
    <dl class="forms">
      ${forms.map(
        ({ name, text }) =>
          html`<dt>${name}</dt>
            <dd><code>${text}</code></dd>`,
      )}
    </dl>
  </section>`;
}

const kSources: Readonly<Record<Result['source'], (result: Result) => string>> = {
  precomputed: () => 'computed beforehand from 20 real measurements',
  transfer: (result) =>
    `${result.method === 'finetune' ? 'fine-tuned' : 'estimated'} here from ${plural(result.readings.length, 'measurement')}${
      result.method === 'combined' ? ', refined by the network' : ''
    }`,
  file: (result) => `from a saved predictor with ${plural(result.readings.length, 'measurement')}`,
};

function headline(state: State, send: Send, result: Result): TemplateResult | typeof nothing {
  const summary = budgetSummary(state);
  const against = quality(state);
  const table = tableOf(state);
  if (!summary || !against || !table) return nothing;
  const { best } = summary;
  const kind = kSpaces[table.space];
  const change = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    if (input.valueAsNumber > 0) send({ type: 'budget', budget_ms: input.valueAsNumber });
    else input.value = String(summary.budget_ms);
  };
  return html`<div class="headline">
    <p class="quiet small">
      <b>${deviceTitle(state)}</b>, ${kSources[result.source](result)}${expected(result)}${
        kind.listed ? nothing : html`; ${count(summary.estimated)} of ${kind.size}, most drawn at random`
      }
      ${
        best === undefined
          ? nothing
          : html`<button
              type="button"
              class="plain small"
              aria-label="Copy the result"
              @click=${() => send({ type: 'copy', text: resultText(state, result, against, best, summary.budget_ms), what: 'The result' })}
            >
              Copy
            </button>`
      }
    </p>
    <p class="answer">
      Best under
      <label
        ><span class="hidden">${unitOf(state) === 'ms' ? 'Latency limit in milliseconds' : 'Energy limit in millijoules'}</span
        ><input
          type="number"
          min="0"
          step="any"
          inputmode="decimal"
          .value=${String(summary.budget_ms)}
          @change=${change}
      /></label>
      ${unitOf(state)}:
      ${
        best === undefined
          ? 'none'
          : html`<b>${bestValue(against, best)}</b>, <b>${withUnit(result.latency_ms[best] ?? Number.NaN, unitOf(state))}</b>${
                result.low ? html` <span class="quiet">(${boundsText(result, best)})</span>` : nothing
              },
              <button
                type="button"
                class="plain"
                aria-label="Show ${table.architectures[best] ?? ''}"
                @click=${() => send({ type: 'select', index: best })}
              >
                ${glyph(table.space, table.architectures[best] ?? '')}
              </button>`
      }
      <span class="quiet small"
        >${count(summary.within)} of ${count(summary.estimated)}${isFiltered(state) ? ' filtered' : ''} ${unitOf(state) === 'ms' ? 'are as fast' : 'need as little'} (${percent(summary.within / Math.max(1, summary.estimated))})</span
      >
    </p>
  </div>`;
}

/** Above estimates that the text has left behind, with the way back. */
function outdated(state: State, send: Send, result: Result): TemplateResult | typeof nothing {
  if (!isOutdated(state)) return nothing;
  const text = writeMeasurements(result.readings, result.quantity);
  return html`<p class="outdated-note">
    <strong>These estimates are of ${beforeChange(result)}.</strong> ${whyOutdated(state)}
    ${
      state.device === browserOf(spaceId(state))
        ? nothing
        : html`<button type="button" class="plain" @click=${() => send({ type: 'replace-text', text })}>Bring those measurements back</button>`
    }
  </p>`;
}

/** The answer in a line for a note or a message, with where it came from. */
function resultText(state: State, result: Result, against: Quality, best: number, budget_ms: number): string {
  const unit = unitOf(state);
  const bounds = boundsText(result, best);
  const architecture = tableOf(state)?.architectures[best] ?? '';
  return (
    `Best under ${budget_ms} ${unit} on ${deviceTitle(state)}: ${kSpaces[spaceId(state)].long(architecture)}, ${bestValue(against, best)}, ` +
    `${withUnit(result.latency_ms[best] ?? Number.NaN, unit)}${bounds === '' ? '' : ` (${bounds} with 90 %)`}; ${location.href}\n`
  );
}

/** What to expect of the estimates, said before they are read. */
function expected({ review, leaveOneOut }: Result): TemplateResult | typeof nothing {
  const found = review
    ? { spearman: review.expected_spearman, error: review.expected_error }
    : leaveOneOut && { spearman: leaveOneOut.spearman, error: leaveOneOut.mdape };
  return found
    ? html`; expected: rank correlation <b>${correlation(found.spearman)}</b>, typical error <b>${about(found.error)}</b>`
    : nothing;
}

/** `72.4 % accuracy on CIFAR-100`. */
function bestValue(against: Quality, row: number): string {
  return `${significant(against.values[row] ?? Number.NaN)}${against.unit} ${against.name}`;
}

const kTabTitles: Readonly<Record<Tab, string>> = {
  estimates: 'Estimates',
  fit: 'Fit',
  devices: 'Devices',
  lookup: 'Lookup',
  search: 'Search',
  measure: 'What to measure',
  table: 'Table',
};

function tabs(state: State, shown: readonly Tab[], send: Send): TemplateResult {
  return tabList(shown, kTabTitles, state.tab, (tab) => send({ type: 'tab', tab }));
}

/** What a screen reader hears of long work: its beginning, quarters and end, not every step. */
function announcement(state: State): string {
  const { job } = state;
  if (job) {
    const quarter = Math.floor(job.done * 4) * 25;
    const what = { 'leave-one-out': 'Checking', search: 'Search', transfer: 'Transfer', predict: 'Transfer' }[job.phase];
    return `${what}: ${quarter} %`;
  }
  const result = resultOf(state);
  if (result && isOutdated(state)) return `The estimates are still of ${beforeChange(result)}. ${whyOutdated(state)}`;
  return result?.source === 'transfer' ? 'Estimates are ready.' : '';
}
