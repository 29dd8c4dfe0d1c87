import { html, nothing, type TemplateResult } from 'lit';
import { about, between, duration, plural, withUnit } from '../../format.js';
import { throttledRounds, unseenLatencies } from '../../measure/run.js';
import { titleOf } from '../../measure/setting.js';
import { isBusy } from '../../measure/state.js';
import { busy, runBy } from '../../measure/view.js';
import { proofName } from '../browser.js';
import { isRunnable, kThisBrowser, type KernelBrowserAction, type KernelRun, type ModelState } from '../state.js';
import { likeness } from './device.js';
import type { Tell } from './tell.js';

/** Timing the kernels of this browser, where that is the device. */
export function browserPanel(state: ModelState, tell: Tell): TemplateResult {
  const { browser, browserKnown } = state;
  const say = (action: KernelBrowserAction): void => tell({ type: 'browser', action });
  return html`<section class="browser" aria-label="This browser">
    ${browser.failure ? html`<p class="bad" role="alert">It stopped: ${browser.failure.replace(/\.$/, '')}.</p>` : nothing}
    ${
      isBusy(browser)
        ? busy(browser, () => say({ type: 'stop' }), 'kernel', 'Checking by running the model')
        : browser.run
          ? begun(state, browser.run, tell)
          : fresh(state, say)
    }
    ${browserKnown ? likeness(state, browserKnown) : nothing}
  </section>`;
}

/** The way there from another device. */
export function browserButton({ browser: { run }, pool }: ModelState, tell: Tell): TemplateResult {
  const press = (): void => {
    tell({ type: 'platform', platform: kThisBrowser });
    if (!run) tell({ type: 'browser', action: { type: 'start' } });
  };
  return html`<button type="button" class="measure-browser" ?disabled=${pool.status !== 'ready'} @click=${press}>
    ${run ? 'This browser’s kernels' : 'Time this browser’s kernels'}
  </button>`;
}

type Say = (action: KernelBrowserAction) => void;

function settings({ browser: { setting } }: ModelState, say: Say): TemplateResult {
  return html`<div class="fields">${runBy(setting, (chosen) => say({ type: 'setting', setting: chosen }))}</div>`;
}

function fresh(state: ModelState, say: Say): TemplateResult {
  return html`<p class="quiet small">
      Times some hundred kernels that networks consist of, here, with onnxruntime-web (14 MB, fetched when you press), and estimates any model from them. Keep
      this tab in front and the computer idle.
    </p>
    ${settings(state, say)}
    <button type="button" class="primary" ?disabled=${state.pool.status !== 'ready'} @click=${() => say({ type: 'start' })}>Time this browser’s kernels</button>`;
}

function begun(state: ModelState, run: KernelRun, tell: Tell): TemplateResult {
  const say: Say = (action) => tell({ type: 'browser', action });
  const anew = html`<details>
    <summary>Time them again</summary>
    ${settings(state, say)}
    <button type="button" @click=${() => say({ type: 'again' })}>Start</button>
  </details>`;
  const { measured, repeated } = run;
  if (!measured.finished) {
    const known = measured.rounds.length > 1 ? measured.architectures.length : (measured.rounds[0]?.filter((ms) => ms > 0).length ?? 0);
    return html`<p>${known} of ${measured.architectures.length} kernels timed. Nothing is timed twice.</p>
      <button type="button" class="primary" @click=${() => say({ type: 'start' })}>Go on</button> ${anew}`;
  }
  const throttled = throttledRounds(run);
  return html`${check(state, run, tell)}
    <p class="small quiet">
      ${titleOf(run.setting)}: ${plural(measured.architectures.length, 'kernel')} in ${plural(measured.rounds.length, 'round')}, ${duration(measured.seconds)} of
      runs.${throttled > 0 ? ` ${plural(throttled, 'round')} did not count: the machine was slower.` : nothing}${
        repeated > 0 ? ` ${plural(repeated, 'run')} repeated: the tab was in the background.` : nothing
      }
    </p>
    ${anew}`;
}

/** Predicted against measured, of the model that is shown; or the way to it. */
function check({ opened, browser }: ModelState, run: KernelRun, tell: Tell): TemplateResult {
  if (!opened) return html`${nothing}`;
  if (!isRunnable(opened)) {
    return html`<p class="small quiet">Open an ONNX file with its weights, and the estimate can be checked by running it here.</p>`;
  }
  const isOfThis = run.unseen > 0 && run.proof.architectures[0] === proofName(opened.name);
  const { prediction } = run;
  const [measured = Number.NaN] = isOfThis && run.proof.finished ? unseenLatencies(run) : [];
  if (!(measured > 0) || !prediction) {
    return html`<button type="button" class="primary" ?disabled=${isBusy(browser)} @click=${() => tell({ type: 'check-by-running' })}>
      Check by running ${opened.name}
    </button>`;
  }
  const predicted = prediction.latency_ms[0] ?? Number.NaN;
  return html`<h2>Checked by running ${opened.name}</h2>
    <dl class="facts">
      <div>
        <dt>predicted</dt>
        <dd>${withUnit(predicted, 'ms')} <span class="quiet small">${between(prediction.low[0], prediction.high[0])}</span></dd>
      </div>
      <div>
        <dt>measured</dt>
        <dd>${withUnit(measured, 'ms')}</dd>
      </div>
      <div>
        <dt>error</dt>
        <dd>${about(Math.abs(predicted / measured - 1))}</dd>
      </div>
    </dl>`;
}
