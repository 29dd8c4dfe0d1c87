import { html, nothing, type TemplateResult } from 'lit';
import { isBuiltIn } from '../spaces/index.js';
import { about, correlation, count, duration, plural, withUnit } from '../format.js';
import { glyph } from '../views/architecture.js';
import type { Send } from '../views/send.js';
import { browserOf, readiness, spaceId, type State } from '../state.js';
import { progressOf, throttledRounds, unseenLatencies, type AnyRun, type Run } from './run.js';
import { summarise } from './schedule.js';
import { kEffortTitles, providers, titleOf, type Effort, type Setting } from './setting.js';
import { isBusy, type BrowserAction, type BrowserState } from './state.js';

/** Beside the choice of a device: the way to the measurements of this browser. */
export function browserButton(state: State, send: Send): TemplateResult | typeof nothing {
  const space = spaceId(state);
  if (!isBuiltIn(space) || state.device === browserOf(space)) return nothing;
  const { run, status } = state.browsers[space];
  const title = isBusy(state.browsers[space])
    ? 'This browser is being measured'
    : status === 'finished'
      ? 'Measurements of this browser'
      : run
        ? 'Go on measuring this browser'
        : 'Measure this browser';
  const press = (): void => {
    send({ type: 'device', device: browserOf(space) });
    if (!run && !isBusy(state.browsers[space])) send({ type: 'browser', space, action: { type: 'start' } });
  };
  return html`<button type="button" class="measure-browser" ?disabled=${!run && readiness(state).status !== 'ready'} @click=${press}>
    ${title}
  </button>`;
}

/** Measuring this browser, where that is the device that is shown. */
export function browserPanel(state: State, send: Send): TemplateResult | typeof nothing {
  const space = spaceId(state);
  if (state.device !== browserOf(space)) return nothing;
  const browser = state.browsers[space];
  const tell = (action: BrowserAction): void => send({ type: 'browser', space, action });
  return html`<section class="browser" aria-label="This browser">
    ${browser.failure ? html`<p class="bad" role="alert">Measuring stopped: ${browser.failure.replace(/\.$/, '')}.</p>` : nothing}
    ${isBusy(browser) ? busy(browser, () => tell({ type: 'stop' }), 'network', 'Proving: networks not seen before') : browser.run ? begun(state, browser, browser.run, send, tell) : fresh(state, browser, send, tell)}
  </section>`;
}

type Tell = (action: BrowserAction) => void;

function fresh(state: State, browser: BrowserState, send: Send, tell: Tell): TemplateResult {
  return html`<p class="quiet small">
      Runs some networks of the space for real, here, with onnxruntime-web (14 MB,
      fetched when you press), and estimates all others. Keep this tab in front and the computer idle.
    </p>
    ${choices(state, browser, send, tell)}
    <button type="button" class="primary" ?disabled=${readiness(state).status !== 'ready'} @click=${() => tell({ type: 'start' })}>
      Measure this browser
    </button>`;
}

const kCounts = [5, 10, 20, 40];

/** How many networks, run by what and how long. */
function choices(state: State, { setting }: BrowserState, send: Send, tell: Tell): TemplateResult {
  const { count: chosenCount } = state.plans[spaceId(state)].settings;
  const counts = [...new Set([...kCounts, chosenCount])].sort((a, b) => a - b);
  return html`<div class="fields">
    <label for="browser-count">Networks</label>
    <select
      id="browser-count"
      @change=${(event: Event) => send({ type: 'plan-settings', settings: { count: Number(valueOf(event)) } })}
    >
      ${counts.map((each) => html`<option value=${each} ?selected=${each === chosenCount}>${each}</option>`)}
    </select>
    ${runBy(setting, (chosen) => tell({ type: 'setting', setting: chosen }))}
  </div>`;
}

const valueOf = (event: Event): string => (event.target as HTMLSelectElement).value;

/** Fields: run by what and how long. */
export function runBy(setting: Setting, choose: (setting: Setting) => void): TemplateResult {
  const possible = providers();
  const chosen = possible.findIndex(({ provider, threads }) => provider === setting.provider && threads === setting.threads);
  return html`<label for="browser-provider">Run by</label>
    <select
      id="browser-provider"
      @change=${(event: Event) => choose({ ...setting, ...possible[Number(valueOf(event))] })}
    >
      ${possible.map((each, i) => html`<option value=${i} ?selected=${i === chosen}>${titleOf(each)}</option>`)}
    </select>
    <label for="browser-effort">How long</label>
    <select
      id="browser-effort"
      @change=${(event: Event) => choose({ ...setting, effort: valueOf(event) as Effort })}
    >
      ${(['quick', 'thorough'] as const).map(
        (each) => html`<option value=${each} ?selected=${each === setting.effort}>${kEffortTitles[each]}</option>`,
      )}
    </select>`;
}

/** what: what is measured one by one. proof: what proves it. */
export function busy({ status, run }: BrowserState<AnyRun>, stop: () => void, what: string, proof: string): TemplateResult {
  const cancel = html`<button type="button" @click=${stop}>Cancel</button>`;
  if (status === 'starting' || !run) {
    return html`<div class="row"><p>Getting the runtime ready…</p>${cancel}</div>`;
  }
  const { phase, round, network, networks, seconds_left, verdict, done } = progressOf(run);
  const doing = phase === 'measured' ? 'Measuring' : proof;
  return html`<div class="row">
      <progress max="1" .value=${done} aria-label=${doing}></progress>
      ${cancel}
    </div>
    <p class="small">
      ${
        status === 'waiting'
          ? html`<strong>Waiting: this tab is in the background, where browsers slow it down.</strong>`
          : html`${doing}, round ${round}, ${what} ${network} of
            ${networks}${Number.isFinite(verdict.error) ? html`, readings within ${about(verdict.error)}` : nothing}${
              Number.isFinite(seconds_left) ? html`, about ${duration(seconds_left)} left` : nothing
            }`
      }
    </p>`;
}

function begun(state: State, browser: BrowserState, run: Run, send: Send, tell: Tell): TemplateResult {
  const { status, accuracy } = browser;
  if (status !== 'finished') {
    const { measured } = run;
    const known = measured.rounds.length > 1 ? measured.architectures.length : (measured.rounds[0]?.filter((ms) => ms > 0).length ?? 0);
    return html`<p>
        ${measured.finished ? 'All' : count(known)} of ${Math.max(run.wanted, measured.architectures.length)} networks measured. Nothing is measured twice.
      </p>
      <button type="button" class="primary" ?disabled=${readiness(state).status !== 'ready'} @click=${() => tell({ type: 'start' })}>Go on</button>
      ${anew('Start over', state, browser, send, tell)}`;
  }
  const { error } = summarise(run.measured.rounds);
  const worst = Math.max(...error.filter((each) => !Number.isNaN(each)));
  const throttled = throttledRounds(run);
  return html`${accuracy ? proof(run, accuracy) : nothing}
    <p class="small quiet">
      ${titleOf(run.setting)}:
      ${run.measured.architectures.length} networks in ${plural(run.measured.rounds.length, 'round')},
      ${duration(run.measured.seconds + run.proof.seconds)} of runs; readings within ${about(worst)}.${
        throttled > 0 ? ` ${plural(throttled, 'round')} did not count: the machine was slower.` : nothing
      }${run.repeated > 0 ? ` ${plural(run.repeated, 'run')} repeated: the tab was in the background.` : nothing}
    </p>
    ${anew('Measure again', state, browser, send, tell)}`;
}

function anew(title: string, state: State, browser: BrowserState, send: Send, tell: Tell): TemplateResult {
  return html`<details>
    <summary>${title}</summary>
    ${choices(state, browser, send, tell)}
    <button type="button" @click=${() => tell({ type: 'again' })}>Start</button>
  </details>`;
}

function proof(run: Run, { spearman, mdape }: NonNullable<BrowserState['accuracy']>): TemplateResult {
  const latency_ms = unseenLatencies(run);
  const { prediction } = run;
  return html`<h2>Proof: ${run.unseen} networks it had not seen</h2>
    <dl class="facts">
      <div>
        <dt>rank correlation</dt>
        <dd>${correlation(spearman)}</dd>
      </div>
      <div>
        <dt>median error</dt>
        <dd>${about(mdape)}</dd>
      </div>
    </dl>
    <details>
      <summary>Predicted against measured</summary>
      <table class="list">
        <thead>
          <tr>
            <th scope="col" class="left">network</th>
            <th scope="col">predicted</th>
            <th scope="col">measured</th>
          </tr>
        </thead>
        <tbody>
          ${latency_ms.map((ms, i) => {
            const architecture = run.proof.architectures[i] ?? '';
            return html`<tr>
              <td class="left" title=${architecture}>${glyph(run.space, architecture)}</td>
              <td>${withUnit(prediction?.latency_ms[i] ?? Number.NaN, 'ms')}</td>
              <td>${withUnit(ms, 'ms')}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </details>`;
}
