import { html, nothing, type TemplateResult } from 'lit';
import '../../views/line-editor.js';
import type { KnownPlatform, PoolEntry } from '../../../api/index.js';
import { about, percent, plural, significant } from '../../format.js';
import { problemList, understood } from '../../views/problems.js';
import type { Send } from '../../views/send.js';
import type { Mark } from '../../state.js';
import { textMarks } from '../derive.js';
import {
  currentCheck,
  isByKernels,
  kMine,
  kNetworks,
  kThisBrowser,
  listedPool,
  platformOf,
  readThreads,
  timedOf,
  type Adapted,
  type AdaptedKernels,
  type ModelState,
} from '../state.js';
import { browserButton, browserPanel } from './browser.js';
import type { Tell } from './tell.js';

/** In the list of platforms, what stands for none. */
const kNone = '';

/** What the model runs on: a known platform, the user's own, or none. */
export function device(state: ModelState, send: Send, tell: Tell): TemplateResult {
  const { fleet, pool, platform } = state;
  const platforms = fleet.status === 'ready' ? fleet.platforms : [];
  const timed = listedPool(state);
  const choose = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    tell({ type: 'platform', platform: value === kNone ? undefined : value });
  };
  return html`<section class="model-device" aria-label="What it runs on">
    <div class="fields">
      <label for="platform">Device</label>
      <select id="platform" .value=${platform ?? kNone} @change=${choose}>
        <option value=${kNone} ?selected=${platform === undefined}>none: count the work</option>
        <option value=${kMine} ?selected=${platform === kMine}>my device, from measurements</option>
        <option value=${kThisBrowser} ?selected=${platform === kThisBrowser}>this browser, from its kernels</option>
        ${
          platform !== undefined && platform !== kMine && platform !== kThisBrowser && [...platforms, ...timed].every(({ id }) => id !== platform)
            ? html`<option value=${platform} selected>${platform}</option>`
            : nothing
        }
        ${[...groups(platforms, ({ board }) => board), ...groups(timed, ({ source }) => `Kernels timed: ${source}`)].map(
          ([label, settings]) =>
            html`<optgroup label=${label}>
              ${settings.map(({ id, title }) => html`<option value=${id} ?selected=${id === platform}>${title}</option>`)}
            </optgroup>`,
        )}
      </select>
    </div>
    ${fleet.status === 'failed' ? html`<p class="small bad">The platforms could not be loaded: ${fleet.message}.</p>` : nothing}
    ${pool.status === 'failed' ? html`<p class="small bad">Platforms known by their kernels could not be loaded: ${pool.message}.</p>` : nothing}
    ${platform === kMine ? (isByKernels(state) ? timedField(state, tell) : toldFields(state, tell)) : nothing} ${platform === kMine ? sheet(state, send, tell) : nothing} ${platform === kThisBrowser ? browserPanel(state, tell) : nothing}
    ${platform === kMine || platform === kThisBrowser ? nothing : browserButton(state, tell)}
  </section>`;
}

function groups<T extends KnownPlatform | PoolEntry>(platforms: readonly T[], labelOf: (platform: T) => string): readonly (readonly [string, readonly T[]])[] {
  const found = new Map<string, T[]>();
  for (const platform of platforms) found.set(labelOf(platform), [...(found.get(labelOf(platform)) ?? []), platform]);
  return [...found];
}

const kProcessors: Readonly<Record<string, string>> = {
  arm32: 'ARM, 32 bits',
  arm64: 'ARM, 64 bits',
  gpu: 'GPU',
  loongson: 'Loongson',
  'risc-v': 'RISC-V',
  sunway: 'Sunway',
  x86: 'x86',
};

/** What the user's device is: known platforms of that kind count for more where whole models were measured. */
function toldFields({ fleet, told }: ModelState, tell: Tell): TemplateResult {
  const offered = fleet.status === 'ready' ? fleet.processors : [];
  const { processor, threads } = told;
  const bad = threads.trim() !== '' && readThreads(threads) === undefined;
  const choose = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    tell({ type: 'told', told: { processor: value === kNone ? undefined : value } });
  };
  const type = (event: Event): void => tell({ type: 'told', told: { threads: (event.target as HTMLInputElement).value } });
  return html`<div class="fields told">
      <label for="told-processor">Processor</label>
      <select id="told-processor" aria-describedby="told-note" .value=${processor ?? kNone} @change=${choose}>
        <option value=${kNone} ?selected=${processor === undefined}>not told</option>
        ${offered.map((id) => html`<option value=${id} ?selected=${id === processor}>${kProcessors[id] ?? id}</option>`)}
      </select>
      ${
        processor === 'gpu'
          ? nothing
          : html`<label for="told-threads">Threads</label>
              <input
                id="told-threads"
                type="text"
                inputmode="numeric"
                autocomplete="off"
                placeholder="not told"
                .value=${threads}
                aria-describedby="told-note"
                aria-invalid=${String(bad)}
                @input=${type}
              />`
      }
    </div>
    <p class="small quiet" id="told-note">
      ${
        bad && processor !== 'gpu'
          ? html`<span class="bad" role="alert">"${threads}" is no number of threads; expected one such as 4. It counts as not told.</span>`
          : 'Optional: platforms of its kind then count for more.'
      }
    </p>`;
}

const kHowToTime = 'docs/guide/measuring.html#kernels-and-whole-models-of-another-device';

/** How the kernels were timed: which platforms they are held against, and how they add up, depends on it. */
function timedField(state: ModelState, tell: Tell): TemplateResult {
  const timed = timedOf(state);
  const choose = (event: Event): void => {
    const inside = (event.target as HTMLSelectElement).value === 'inside';
    tell({ type: 'told', told: { timed: inside ? 'inside' : undefined } });
  };
  return html`<div class="fields">
      <label for="told-timed">Timed</label>
      <select id="told-timed" aria-describedby="told-note" .value=${timed} @change=${choose}>
        <option value="alone" ?selected=${timed === 'alone'}>each kernel as a model of its own</option>
        <option value="inside" ?selected=${timed === 'inside'}>inside networks</option>
      </select>
    </div>
    <p class="small quiet" id="told-note">
      Inside networks, less what is around them, kernels say more of whole models. <a href=${kHowToTime}>How to time them</a>
    </p>`;
}

const kHint = 'resnet18, 41.2 ms\nmobilenet_v2, 12.4 ms\nmine.onnx, 30.1 ms\nconv,1,56,56,64,64,3,3,1,1,2.5';

/** The notebook: which models take how long on the user's device. */
function sheet(state: ModelState, send: Send, tell: Tell): TemplateResult {
  const marks = textMarks(state);
  const { opened, adapted, adaptedKernels, adapting, text } = state;
  return html`<section class="sheet" aria-labelledby="models-title">
    <h2 id="models-title">Measured on my device</h2>
    <line-editor
      id="model-times"
      .text=${text}
      .marks=${marks}
      .label=${'Measurements, one per line: model, latency; and timings of kernels'}
      .describedBy=${'model-problems'}
      .hint=${kHint}
      @edit=${(event: CustomEvent<string>) => tell({ type: 'text', text: event.detail })}
    ></line-editor>
    <div id="model-problems" class="problems">
      ${summary(state, marks)} ${adapting === undefined ? nothing : html`<p class="bad">${adapting}</p>`}
      ${problemList(marks, 'model-times', send)}
    </div>
    ${
      state.replaced === undefined
        ? nothing
        : html`<p class="small quiet">
            Replaced. <button type="button" class="plain" @click=${() => tell({ type: 'undo-replace' })}>Bring the earlier text back</button>
          </p>`
    }
    <p>
      ${
        opened
          ? html`<button type="button" @click=${() => tell({ type: 'append', names: [opened.network ?? opened.name] })}>
              Add ${opened.name}
            </button>`
          : nothing
      }
    </p>
    ${adapted ? quality(state, adapted, tell) : nothing} ${adaptedKernels ? likeness(state, adaptedKernels) : nothing}
  </section>`;
}

function summary(state: ModelState, marks: readonly Mark[]): TemplateResult {
  const { readings: { length: readings } = [], kernels: { length: kernels } = [] } = currentCheck(state) ?? {};
  const bad = marks.some((mark) => mark.kind === 'bad') ? understood(marks) : nothing;
  if (kernels > 0) {
    const { set_aside = [] } = state.adaptedKernels ?? {};
    return html`<p class="quiet">
      ${plural(kernels, 'kernel')} timed${set_aside.length > 0 ? html`, <strong class="bad">${set_aside.length} set aside</strong>` : nothing}${bad}${
        readings > 0 ? `, and ${plural(readings, 'whole model')}, which say how kernels add up` : '. Whole models besides, ten or so, would say how kernels add up'
      }.
    </p>`;
  }
  const aside = state.adapted?.review.set_aside.filter((each) => each).length ?? 0;
  return html`<p class="quiet">
    ${
      readings === 0
        ? html`A model and its latency a line: files that you opened here, or networks by name. One is enough to begin. Timings of 20 and more kernels, with the columns
            <code>kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms</code>, in place of them or, best, beside them.`
        : html`${plural(readings, 'measurement')}${aside > 0 ? html`, <strong class="bad">${aside} set aside</strong>` : nothing}${bad}`
    }
  </p>`;
}

/** Which platforms of the pool a device is like that is known by its kernels. */
export function likeness(state: ModelState, { similar }: Pick<AdaptedKernels, 'similar'>): TemplateResult | typeof nothing {
  if (similar.length === 0) return nothing;
  return html`<p class="small quiet">
    Most like
    ${similar.slice(0, 3).map(
      ({ platform, error, scale }, i) =>
        html`${i > 0 ? '; ' : nothing}<b>${platformOf(state, platform)?.title ?? platform}</b> (times ${significant(scale)}, its kernels within
          ${about(error)})`,
    )}.
  </p>`;
}

/** Less probable than that, a platform is not what the device is like. */
const kLikely = 0.01;

function quality(state: ModelState, { readings, review, next, worth }: Adapted, tell: Tell): TemplateResult {
  const alike = review.likenesses.filter(({ probability }) => probability >= kLikely).slice(0, 3);
  return html`<dl class="facts">
      <div>
        <dt title="Half of the estimates are closer than this">typical error</dt>
        <dd>${review.expected_error < 1 ? about(review.expected_error) : `a factor of ${significant(1 + review.expected_error)}`}</dd>
      </div>
    </dl>
    ${
      readings.length > 0 && alike.length > 0
        ? html`<p class="small quiet">
            Most like ${alike.map(
              ({ platform, probability }, i) =>
                html`${i > 0 ? ', ' : nothing}<b>${platformOf(state, platform)?.title ?? platform}</b> (${percent(probability)})`,
            )}.
          </p>`
        : nothing
    }
    ${
      next.length > 0
        ? html`<p class="small">
            Measure next: ${next.map((id) => kNetworks[id]).join(', ')}${worth > 0 ? ` (the error should fall by ${about(worth)} of itself)` : ''}.
            <button type="button" class="plain" @click=${() => tell({ type: 'append', names: next })}>Add them</button>
          </p>`
        : nothing
    }`;
}
