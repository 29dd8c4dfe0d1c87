import { html, nothing, type TemplateResult } from 'lit';
import './line-editor.js';
import { kToMeasure } from '../reading.js';
import { fixButton, problemList } from './problems.js';
import type { Send } from './send.js';
import type { SpaceId } from '../../api/index.js';
import { kSpaceIds, kSpaces } from '../spaces/index.js';
import { correlation, count, duration, percent, plural, significant } from '../format.js';
import {
  currentCheck,
  deviceTitle,
  firstDevice,
  isExample,
  isStale,
  kDevices,
  kFewestReadings,
  kFewestToCheck,
  kUnits,
  kUsualReadings,
  readiness,
  resultOf,
  sheetOf,
  spaceId,
  spaceOf,
  type DeviceId,
  type Job,
  type Loading,
  type Mark,
  type State,
  type UnitChoice,
} from '../state.js';

const kUnitTitles: Readonly<Record<UnitChoice, string>> = {
  auto: 'unit: as written, or guessed',
  ns: 'unit: nanoseconds',
  us: 'unit: microseconds',
  ms: 'unit: milliseconds',
  s: 'unit: seconds',
};

/** The left rail: a notebook of measurements and what is done with them. */
export function rail(state: State, send: Send): TemplateResult {
  return html`<aside class="rail" aria-label="Your device">
    ${chooser(state, send)} ${sheet(state, send)} ${transfer(state, send)} ${quality(state)} ${files(state, send)}
  </aside>`;
}

function chooser(state: State, send: Send): TemplateResult {
  const title = (id: DeviceId): string =>
    isExample(id) ? `${deviceTitle(state, id)} (example)` : 'My device';
  const space = spaceId(state);
  const devices = kDevices.filter((id) => spaceOf(id) === space);
  return html`<div class="fields">
    <label for="space">Space</label>
    <select
      id="space"
      .value=${space}
      @change=${(event: Event) =>
        send({ type: 'device', device: firstDevice((event.target as HTMLSelectElement).value as SpaceId) })}
    >
      ${kSpaceIds.map(
        (id) => html`<option value=${id} ?selected=${id === space}>${kSpaces[id].title}, ${kSpaces[id].size}</option>`,
      )}
    </select>
    <label for="device">Device</label>
    <select
      id="device"
      .value=${state.device}
      @change=${(event: Event) => send({ type: 'device', device: (event.target as HTMLSelectElement).value as DeviceId })}
    >
      ${devices.map((id) => html`<option value=${id} ?selected=${id === state.device}>${title(id)}</option>`)}
    </select>
    ${
      isExample(state.device)
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
  // Marks of the text as it was a moment ago are better than none while the new one is being read.
  const marks = current.check?.marks ?? [];
  return html`<section class="sheet" aria-labelledby="sheet-title">
    <div class="row">
      <h2 id="sheet-title">Measurements</h2>
      <select
        aria-label="Unit of the latencies"
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
      ${summary(state, marks, check !== undefined)}
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

function summary(state: State, marks: readonly Mark[], fresh: boolean): TemplateResult {
  const bad = marks.filter((mark) => mark.kind === 'bad').length;
  const open = marks.filter((mark) => mark.reading === kToMeasure).length;
  const readings = sheetOf(state).check?.readings.length ?? 0;
  if (sheetOf(state).text.trim() === '') {
    return html`<p class="quiet">
      One line each: architecture, latency. ${kSpaces[spaceId(state)].forms} Any ${kUsualReadings} will do.
    </p>`;
  }
  if (!fresh) return html`<p class="quiet">${kUnread[readiness(state).status]}</p>`;
  return html`<p>
    ${plural(readings, 'measurement')}${open > 0 ? `, ${count(open)} still to measure` : nothing}${
      bad > 0 ? html`, <strong class="bad">${plural(bad, 'line')} not understood</strong>` : ', every line understood'
    }
  </p>`;
}

function origin(state: State, send: Send): TemplateResult {
  const current = sheetOf(state);
  const example = state.examples[state.device];
  const edited = example !== undefined && example.text !== current.text;
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
              Restore the example</button
            ><br />`
        : nothing
    }
    ${example ? html`${example.origin}<br />` : nothing} Nothing is uploaded. See for yourself: go offline.
  </p>`;
}

function transfer(state: State, send: Send): TemplateResult {
  const check = currentCheck(sheetOf(state));
  const readings = check?.readings.length ?? 0;
  const enough = readings >= kFewestReadings;
  const ready = readiness(state).status === 'ready';
  const adapting = state.job !== undefined && state.job.phase !== 'leave-one-out';
  return html`<section class="transfer" aria-label="Transfer">
    <div class="row">
      <button
        type="button"
        class="primary"
        ?disabled=${!ready || !enough || adapting}
        @click=${() => send({ type: 'transfer' })}
      >
        Transfer
      </button>
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
          </p>`
        : nothing
    }
    ${
      !state.job && isStale(state)
        ? html`<p class="note">The estimates were made from other measurements. Transfer again to use these.</p>`
        : nothing
    }
  </section>`;
}

function waitingFor(state: State, readings: number, read: boolean): string {
  const { status } = readiness(state);
  if (status === 'failed') return '';
  if (status === 'loading') return 'The engine is loading.';
  if (read && readings < kFewestReadings) {
    return `${plural(readings, 'measurement')}; at least ${kFewestReadings} are needed.`;
  }
  const source = resultOf(state)?.source;
  if (source === 'precomputed' && !isStale(state)) return 'Shown as computed beforehand. Press to run it here.';
  return '';
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
  const result = resultOf(state);
  if (!result) return nothing;
  const held = result.leaveOneOut;
  const checking = state.job?.device === state.device;
  const missing = html`<span class="quiet">${checking ? 'being checked' : 'not checked'}</span>`;
  return html`<section class="quality" aria-label="Expected quality">
    <h2>Expected quality</h2>
    <dl class="facts">
      <div>
        <dt
          title="Spearman: 1 means the estimates put the architectures in exactly the measured order, 0 in a random one"
        >
          rank correlation
        </dt>
        <dd>${held ? correlation(held.spearman) : missing}</dd>
      </div>
      <div>
        <dt title="Half of the estimates are closer than this">median error</dt>
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
                : `${result.nearest.device}, the known device`
            } that orders these measurements most alike (${correlation(result.nearest.spearman)}).`
          : nothing
      }
    </p>
  </section>`;
}

function files(state: State, send: Send): TemplateResult {
  const savable = state.saved[state.device] === true;
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
    <button
      type="button"
      ?disabled=${!savable}
      title=${savable ? 'One file; open it here later' : 'After a transfer in this browser'}
      @click=${() => send({ type: 'save-predictor' })}
    >
      Save the predictor
    </button>
    <p class="small quiet">Open or drop measurements (CSV, TSV, JSON) or a saved predictor.</p>
  </section>`;
}
