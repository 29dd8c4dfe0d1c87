import { html, nothing, type TemplateResult } from 'lit';
import './line-editor.js';
import { browserButton, browserPanel } from '../measure/view.js';
import { kToMeasure } from '../reading.js';
import { fixButton, problemList, understood } from './problems.js';
import type { Send } from './send.js';
import type { Method } from '../../api/index.js';
import { knownOrigin, knownTitle } from '../known.js';
import { isBuiltIn, kPageSpaces, kSpaces, type PageSpace } from '../spaces/index.js';
import { kBaseUnits } from '../../api/measurements.js';
import { setAside, sheetMarks } from '../doubts.js';
import { about, correlation, count, duration, percent, plural, significant, withUnit } from '../format.js';
import {
  browserOf,
  currentCheck,
  deviceTitle,
  firstDevice,
  isExample,
  isKnown,
  isOutdated,
  isOwn,
  isStale,
  kDevicesOf,
  kFewestReadings,
  kFewestToCheck,
  kUnits,
  kUsualReadings,
  methodOf,
  mine,
  nameOf,
  originalText,
  qualityOf,
  readiness,
  resultOf,
  sheetOf,
  spaceId,
  spaceOf,
  tableOf,
  type DeviceId,
  type Job,
  type Loading,
  type Result,
  type State,
  type StatedQuality,
  type UnitChoice,
} from '../state.js';

const kUnitTitles: Readonly<Record<UnitChoice, string>> = {
  auto: 'unit: as written, or guessed',
  ns: 'unit: nanoseconds',
  us: 'unit: microseconds',
  ms: 'unit: milliseconds',
  s: 'unit: seconds',
  uJ: 'unit: microjoules (energy)',
  mJ: 'unit: millijoules (energy)',
  J: 'unit: joules (energy)',
};

/** The left rail: a notebook of measurements and what is done with them. */
export function rail(state: State, send: Send): TemplateResult {
  return html`<aside class="rail" aria-label="Your device">
    ${chooser(state, send)} ${browserButton(state, send)} ${browserPanel(state, send)} ${sheet(state, send)} ${transfer(state, send)} ${quality(state)} ${files(state, send)}
  </aside>`;
}

function chooser(state: State, send: Send): TemplateResult {
  const title = (id: DeviceId): string => (!isOwn(id) ? deviceTitle(state, id) : id === browserOf(spaceOf(id)) ? 'This browser' : 'My device');
  const space = spaceId(state);
  const { own, examples, known } = kDevicesOf[space];
  const group = (label: string, devices: readonly DeviceId[]): TemplateResult | typeof nothing => {
    return devices.length === 0
      ? nothing
      : html`<optgroup label=${label}>
          ${devices.map((id) => html`<option value=${id} ?selected=${id === state.device}>${title(id)}</option>`)}
        </optgroup>`;
  };
  return html`<div class="fields">
    <label for="space">Space</label>
    <select
      id="space"
      .value=${space}
      @change=${(event: Event) =>
        send({ type: 'device', device: firstDevice((event.target as HTMLSelectElement).value as PageSpace) })}
    >
      ${kPageSpaces.map(
        (id) => html`<option value=${id} ?selected=${id === space}>${kSpaces[id].title}${isBuiltIn(id) ? `, ${kSpaces[id].size}` : nothing}</option>`,
      )}
    </select>
    <label for="device">Device</label>
    <select
      id="device"
      .value=${state.device}
      @change=${(event: Event) => send({ type: 'device', device: (event.target as HTMLSelectElement).value as DeviceId })}
    >
      ${group('Yours', own)} ${group('Examples: unseen by the weights', examples)} ${group('Known: learned from', known)}
    </select>
    ${
      state.device !== mine(space)
        ? nothing
        : html`<label for="name">Name</label>
            <input
              id="name"
              type="text"
              maxlength="60"
              autocomplete="off"
              .value=${state.name}
              @input=${(event: Event) => send({ type: 'name', name: (event.target as HTMLInputElement).value })}
            />`
    }
  </div>`;
}

function sheet(state: State, send: Send): TemplateResult {
  const current = sheetOf(state);
  const check = currentCheck(current);
  const marks = sheetMarks(state);
  return html`<section class="sheet" aria-labelledby="sheet-title">
    <div class="row">
      <h2 id="sheet-title">Measurements</h2>
      <select
        aria-label="Unit of the measurements"
        .value=${current.unit}
        @change=${(event: Event) => send({ type: 'unit', unit: (event.target as HTMLSelectElement).value as UnitChoice })}
      >
        ${kUnits.map((unit) => html`<option value=${unit} ?selected=${unit === current.unit}>${kUnitTitles[unit]}</option>`)}
      </select>
    </div>
    <line-editor
      id="measurements"
      .text=${current.text}
      .marks=${marks}
      .label=${'Measurements, one per line: architecture, latency'}
      .describedBy=${'sheet-problems'}
      .hint=${kSpaces[spaceId(state)].sheetHint}
      @edit=${(event: CustomEvent<string>) => send({ type: 'text', text: event.detail })}
    ></line-editor>
    <div id="sheet-problems" class="problems">
      ${summary(state, check !== undefined)}
      ${check?.notes.map(
        (note) => html`<p class="note">${note.message} ${note.fixes.map((fix) => fixButton(fix, send))}</p>`,
      )}
      ${problemList(marks, 'measurements', send)}
    </div>
    ${origin(state, send)}
  </section>`;
}

/** Devices that pre-training made up are called this and a number. */
const kInvented = 'simulated_';

/** Why a text has no marks yet. */
export const kUnread: Readonly<Record<Loading['status'], string>> = {
  loading: 'Read as soon as the engine is ready.',
  ready: 'Reading…',
  failed: 'Not read, because the engine is not running.',
};

function summary(state: State, fresh: boolean): TemplateResult {
  const marks = sheetOf(state).check?.marks ?? [];
  const result = resultOf(state);
  const aside = result && !isStale(state) ? setAside(result.review).size : 0;
  const open = marks.filter((mark) => mark.reading === kToMeasure).length;
  const readings = sheetOf(state).check?.readings.length ?? 0;
  if (sheetOf(state).text.trim() === '') {
    return html`<p class="quiet">
      One line each: architecture, latency. ${kSpaces[spaceId(state)].forms} Any ${kUsualReadings} will do.
    </p>`;
  }
  if (!fresh) return html`<p class="quiet">${tableOf(state) ? kUnread[readiness(state).status] : 'Read as soon as there is a table.'}</p>`;
  return html`<p>
    ${plural(readings, 'measurement')}${aside > 0 ? html`, <strong class="bad">${count(aside)} set aside</strong>` : nothing}${
      open > 0 ? `, ${count(open)} still to measure` : nothing
    }${understood(marks)}
  </p>`;
}

function origin(state: State, send: Send): TemplateResult {
  const current = sheetOf(state);
  const original = originalText(state);
  const edited = original !== undefined && original !== current.text;
  const source = isKnown(state.device) ? knownOrigin(spaceId(state), nameOf(state.device)) : state.notebooks[state.device]?.origin;
  return html`<p class="small quiet">
    ${
      current.replaced
        ? html`${current.filename ? `Read from ${current.filename}. ` : 'Replaced. '}<button
              type="button"
              class="plain"
              @click=${() => send({ type: 'undo-replace' })}
            >
              Bring the earlier text back</button
            ><br />`
        : nothing
    }
    ${
      edited && !current.replaced
        ? html`Edited.
            <button type="button" class="plain" @click=${() => send({ type: 'restore-example' })}>
              ${isExample(state.device) ? 'Restore the example' : 'Restore the published ones'}</button
            ><br />`
        : nothing
    }
    ${source ? html`${source}<br />` : nothing} Nothing is uploaded. See for yourself: go offline.
  </p>`;
}

function transfer(state: State, send: Send): TemplateResult {
  const check = currentCheck(sheetOf(state));
  const readings = check?.readings.length ?? 0;
  const enough = readings >= kFewestReadings;
  const ready = readiness(state).status === 'ready';
  const adapting = state.job !== undefined && state.job.phase !== 'leave-one-out';
  const fineTuning = methodOf(state) === 'finetune';
  return html`<section class="transfer" aria-label="Transfer">
    <div class="row">
      ${methods(state, send)}
      ${
        fineTuning
          ? html`<button
              type="button"
              class="primary"
              ?disabled=${!ready || !enough || adapting}
              @click=${() => send({ type: 'transfer' })}
            >
              Transfer
            </button>`
          : nothing
      }
      ${state.job ? html`<button type="button" @click=${() => send({ type: 'cancel' })}>Cancel</button>` : nothing}
    </div>
    ${
      state.job
        ? progress(state, state.job)
        : html`<p class="quiet small">${waitingFor(state, readings, check !== undefined)}</p>`
    }
    ${
      !state.job && enough && readings < kUsualReadings
        ? html`<p class="note">
            ${readings} measurements are enough to begin. ${kUsualReadings - readings} more make the order of the
            architectures surer: the accuracy figures stand for
            ${kUsualReadings}.${readings < kFewestToCheck ? ' Of so few, the quality cannot be checked.' : nothing}
            ${
              fineTuning
                ? nothing
                : html`<button type="button" class="plain" @click=${() => send({ type: 'tab', tab: 'measure' })}>
                    What to measure next</button
                  >.`
            }
          </p>`
        : nothing
    }
    ${
      !state.job && fineTuning && isStale(state)
        ? html`<p class="note">
            The estimates were made ${resultOf(state)?.method === 'finetune' ? 'from other measurements' : 'in closed form'}.
            Transfer${resultOf(state)?.method === 'finetune' ? ' again' : ''} to use ${resultOf(state)?.method === 'finetune' ? 'these' : 'fine-tuning'}.
          </p>`
        : nothing
    }
  </section>`;
}

const kMethodTitles: Readonly<Record<Exclude<Method, 'combined'>, string>> = {
  'closed-form': 'Closed form: at once, with intervals',
  finetune: 'Fine-tuning (NASFLAT): seconds to minutes',
};

/** How to transfer, where the weights leave the choice. */
function methods(state: State, send: Send): TemplateResult | typeof nothing {
  const weights = state.weights[spaceId(state)];
  if (!isBuiltIn(spaceId(state)) || (weights?.status === 'ready' && weights.closedForm === false)) return nothing;
  return html`<select
    class="grow"
    aria-label="How to transfer"
    .value=${state.method}
    @change=${(event: Event) => send({ type: 'method', method: (event.target as HTMLSelectElement).value as Method })}
  >
    ${(['closed-form', 'finetune'] as const).map(
      (method) => html`<option value=${method} ?selected=${method === state.method}>${kMethodTitles[method]}</option>`,
    )}
  </select>`;
}

/** Which measurements a result is of that is no longer that of the text. */
export function beforeChange({ readings }: Result): string {
  return `the ${plural(readings.length, 'measurement')} before the last change`;
}

/** Why there are no estimates from the present measurements. */
export function whyOutdated(state: State): string {
  const readings = currentCheck(sheetOf(state))?.readings.length ?? 0;
  if (readiness(state).status === 'failed') return 'Nothing newer can be made, because the engine is not running.';
  if (state.unusable === currentCheck(sheetOf(state))) return 'The present ones could not be used.';
  if (readings < kFewestReadings) return `Now ${plural(readings, 'measurement')} ${readings === 1 ? 'is' : 'are'} understood; at least ${kFewestReadings} are needed.`;
  return methodOf(state) === 'finetune' ? 'Press Transfer for those of the present ones.' : '';
}

function waitingFor(state: State, readings: number, read: boolean): string {
  const { status } = readiness(state);
  if (status === 'failed') return '';
  if (status === 'loading') return 'The engine is loading.';
  if (read && readings < kFewestReadings) {
    return `${plural(readings, 'measurement')}; at least ${kFewestReadings} are needed.`;
  }
  if (methodOf(state) === 'closed-form') {
    const also = resultOf(state)?.method === 'combined' ? '; a moment later the network refines them' : '';
    return `The estimates follow every change${also}.`;
  }
  const source = resultOf(state)?.source;
  if (source === 'precomputed' && !isStale(state)) return 'Shown as computed beforehand. Press to run it here.';
  return 'Some seconds for the estimates; to check them, as long again for each measurement.';
}

const kPhases: Readonly<Record<Job['phase'], string>> = {
  transfer: 'Fine-tuning',
  predict: 'Estimating the architectures',
  search: 'Searching',
  'leave-one-out': 'Checking: each measurement left out in turn',
};

export function progress(state: State, job: Job): TemplateResult {
  const elsewhere = job.device === state.device ? '' : `${deviceTitle(state, job.device)}: `;
  return html`<div class="progress">
    <progress max="1" .value=${job.done} aria-label=${kPhases[job.phase]}></progress>
    <p class="small">
      ${elsewhere}${kPhases[job.phase]}${
        job.phase === 'transfer' && job.epochs > 0
          ? html`, epoch ${job.epoch} of ${job.epochs}, loss ${significant(job.loss)}`
          : nothing
      }${Number.isFinite(job.seconds_left) ? html`, ${duration(job.seconds_left)} left` : nothing}
    </p>
  </div>`;
}

function quality(state: State): TemplateResult | typeof nothing {
  const stated = qualityOf(state);
  if (!stated) return nothing;
  const result = resultOf(state);
  return html`<section class="quality ${isOutdated(state) ? 'outdated' : ''}" aria-label="Expected quality">
    <h2>Expected quality</h2>
    ${result && isOutdated(state) ? html`<p class="small outdated-of">of ${beforeChange(result)}</p>` : nothing}
    ${stated.review ? expected(stated.review, stated) : result ? checked(state, result) : nothing}
  </section>`;
}

const kCorrelationHint =
  'Spearman: 1 means the estimates put the architectures in exactly the measured order, 0 in a random one';
const kErrorHint = 'Half of the estimates are closer than this';

/** In closed form: what the model expects of itself over the whole space, and how it did on the measurements. */
function expected(review: NonNullable<Result['review']>, result: StatedQuality): TemplateResult {
  const held = result.leaveOneOut;
  return html`<dl class="facts">
      <div>
        <dt title=${kCorrelationHint}>rank correlation</dt>
        <dd>${correlation(review.expected_spearman)}</dd>
      </div>
      <div>
        <dt title=${kErrorHint}>typical error</dt>
        <dd>${about(review.expected_error)}</dd>
      </div>
    </dl>
    <p class="small quiet">
      How well the order is right: 1 is perfect.${
        held
          ? html` Checked on the measurements, each estimated from the others: ${correlation(held.spearman)} and
            ${about(held.mdape)}; ${inside(result, held)}.`
          : ' Of so few measurements it cannot be checked.'
      }${review.timer_unit_ms > 0 ? ` The timer counts in steps of ${withUnit(review.timer_unit_ms, kBaseUnits[result.quantity])}.` : nothing}
    </p>
    ${likenesses(review)}`;
}

/** `19 of 20 lie in their 90 % interval`. */
function inside(result: StatedQuality, { low = [], high = [] }: NonNullable<Result['leaveOneOut']>): string {
  const within = result.readings.filter(
    ({ latency_ms }, i) => latency_ms >= (low[i] ?? Number.NaN) && latency_ms <= (high[i] ?? Number.NaN),
  );
  return `${within.length} of ${result.readings.length} lie in their 90 % interval`;
}

/** Less probable than that together, the known devices are not what this one is like. */
const kAlike = 0.05;

function likenesses({ likenesses: found }: NonNullable<Result['review']>): TemplateResult | typeof nothing {
  const known = found.filter(({ device }) => !device.startsWith(kInvented));
  const total = known.reduce((sum, { probability }) => sum + probability, 0);
  const [first] = known;
  if (!first || total <= 0) return nothing;
  const listed = known.filter(({ probability }) => probability / total >= 0.01).slice(0, 3);
  return html`<p class="small quiet">
    ${total < kAlike ? 'Unlike every known device; nearest to it: ' : 'Most like '}${listed.map(
      ({ device, probability }, i) =>
        html`${i > 0 ? ', ' : nothing}<b>${knownTitle(device)}</b>${total < kAlike ? nothing : html` (${percent(probability)})`}`,
    )}.
  </p>`;
}

/** By fine-tuning: leaving each measurement out is the only way to know. */
function checked(state: State, result: Result): TemplateResult {
  const held = result.leaveOneOut;
  const checking = state.job?.device === state.device;
  const missing = html`<span class="quiet">${checking ? 'being checked' : 'not checked'}</span>`;
  return html`<dl class="facts">
      <div>
        <dt title=${kCorrelationHint}>rank correlation</dt>
        <dd>${held ? correlation(held.spearman) : missing}</dd>
      </div>
      <div>
        <dt title=${kErrorHint}>median error</dt>
        <dd>${held ? percent(held.mdape) : missing}</dd>
      </div>
    </dl>
    <p class="small quiet">
      How well the order is right: 1 is perfect. Each measurement was estimated from the
      others.${
        result.nearest
          ? html` Started from ${
              result.nearest.device.startsWith(kInvented)
                ? `${result.nearest.device}, an invented device`
                : `${knownTitle(result.nearest.device)}, the known device`
            } that orders these measurements most alike (${correlation(result.nearest.spearman)}).`
          : nothing
      }
    </p>`;
}

function saveButton(state: State, send: Send): TemplateResult {
  const savable = state.saved[state.device] === true;
  return html`<button
      type="button"
      id="save-predictor"
      ?disabled=${!savable}
      title=${savable ? 'One file; open it here later' : 'Once there are estimates made in this browser'}
      @click=${() => send({ type: 'save-predictor' })}
    >
      Save the predictor
    </button>`;
}

function files(state: State, send: Send): TemplateResult {
  const pick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) send({ type: 'open-file', file });
    input.value = '';
  };
  return html`<section class="files" aria-label="Files">
    <label class="button"
      >Open a file…<input
        type="file"
        class="hidden"
        accept=".csv,.tsv,.txt,.json,.latencast"
        aria-label="Open measurements (CSV, TSV, JSON) or a saved predictor (.latencast)"
        @change=${pick}
    /></label>
    ${isBuiltIn(spaceId(state)) ? saveButton(state, send) : nothing}
    <button
      type="button"
      id="copy-link"
      title="To this view: space, device, filters, limit; not your measurements, which stay here"
      @click=${() => send({ type: 'copy', text: location.href, what: 'The link' })}
    >
      Copy a link
    </button>
    <p class="small quiet">
      Open or drop measurements (CSV, TSV, JSON)${isBuiltIn(spaceId(state)) ? ' or a saved predictor' : nothing}. A link holds what is
      shown, never your measurements${isBuiltIn(spaceId(state)) ? nothing : ' or your table'}.
    </p>
  </section>`;
}
