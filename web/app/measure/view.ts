import { html, nothing, type TemplateResult } from 'lit';
import { about, correlation, count, duration, plural, withUnit } from '../format.js';
import { glyph } from '../views/architecture.js';
import type { Send } from '../views/send.js';
import { browserOf, readiness, spaceId, type State } from '../state.js';
import { progressOf, throttledRounds, unseenLatencies, type Run } from './run.js';
import { summarise } from './schedule.js';
import { isBusy, type BrowserAction, type BrowserState } from './state.js';

/** Beside the choice of a device: the way to the measurements of this browser. */
export function browserButton(state: State, send: Send): TemplateResult | typeof nothing {
  const space = spaceId(state);
  if (state.device === browserOf(space)) return nothing;
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
    ${browser.failure ? html`<p class="bad" role="alert">Measuring stopped: ${browser.failure}.</p>` : nothing}
    ${isBusy(browser) ? busy(browser, tell) : browser.run ? begun(state, browser, browser.run, tell) : fresh(state, tell)}
  </section>`;
}

type Tell = (action: BrowserAction) => void;

function fresh(state: State, tell: Tell): TemplateResult {
  return html`<p class="quiet small">
      Runs 20 networks of the space for real, here, with onnxruntime-web (14 MB, fetched when you press), and estimates all
      others. A minute or two; keep this tab in front and the computer idle.
    </p>
    <button type="button" class="primary" ?disabled=${readiness(state).status !== 'ready'} @click=${() => tell({ type: 'start' })}>
      Measure this browser
    </button>`;
}

function busy({ status, run }: BrowserState, tell: Tell): TemplateResult {
  const cancel = html`<button type="button" @click=${() => tell({ type: 'stop' })}>Cancel</button>`;
  if (status === 'starting' || !run) {
    return html`<div class="row"><p>Getting the runtime ready…</p>${cancel}</div>`;
  }
  const { phase, round, network, networks, seconds_left, verdict, done } = progressOf(run);
  const what = phase === 'measured' ? 'Measuring' : 'Proving: networks not seen before';
  return html`<div class="row">
      <progress max="1" .value=${done} aria-label=${what}></progress>
      ${cancel}
    </div>
    <p class="small">
      ${
        status === 'waiting'
          ? html`<strong>Waiting: this tab is in the background, where browsers slow it down.</strong>`
          : html`${what}, round ${round}, network ${network} of
            ${networks}${Number.isFinite(verdict.error) ? html`, readings within ${about(verdict.error)}` : nothing}${
              Number.isFinite(seconds_left) ? html`, about ${duration(seconds_left)} left` : nothing
            }`
      }
    </p>`;
}

function begun(state: State, { status, accuracy }: BrowserState, run: Run, tell: Tell): TemplateResult {
  if (status !== 'finished') {
    const { measured } = run;
    const known = measured.rounds.length > 1 ? measured.architectures.length : (measured.rounds[0]?.filter((ms) => ms > 0).length ?? 0);
    return html`<p>
        ${measured.finished ? 'All' : count(known)} of ${measured.architectures.length} networks measured. Nothing is measured twice.
      </p>
      <div class="row">
        <button type="button" class="primary" ?disabled=${readiness(state).status !== 'ready'} @click=${() => tell({ type: 'start' })}>Go on</button>
        <button type="button" @click=${() => tell({ type: 'again' })}>Start over</button>
      </div>`;
  }
  const { error } = summarise(run.measured.rounds);
  const worst = Math.max(...error.filter((each) => !Number.isNaN(each)));
  const throttled = throttledRounds(run);
  return html`${accuracy ? proof(run, accuracy) : nothing}
    <p class="small quiet">
      ${run.measured.architectures.length} networks in ${plural(run.measured.rounds.length, 'round')},
      ${duration(run.measured.seconds + run.proof.seconds)} of runs; readings within ${about(worst)}.${
        throttled > 0 ? ` ${plural(throttled, 'round')} did not count: the machine was slower.` : nothing
      }${run.repeated > 0 ? ` ${plural(run.repeated, 'run')} repeated: the tab was in the background.` : nothing}
      <button type="button" class="plain" @click=${() => tell({ type: 'again' })}>Measure again</button>
    </p>`;
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
