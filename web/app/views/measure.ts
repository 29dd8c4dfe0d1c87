import { html, nothing, type TemplateResult } from 'lit';
import type { Encoding } from '../../api/index.js';
import type { Send } from './send.js';
import { glyph } from './architecture.js';
import { isBuiltIn, kSpaces } from '../spaces/index.js';
import { about, plural } from '../format.js';
import { isStale, kPlanCounts, readiness, resultOf, spaceId, type PlanSettings, type State } from '../state.js';

type Sampler = PlanSettings['sampler'];

/** The two halves of a sampler's name. */
const kWays = ['informative', 'random', 'params', 'kmeans', 'cosine', 'both'] as const;
type Way = (typeof kWays)[number];

const kWayTitles: Readonly<Record<Way, { readonly title: string; readonly text: string }>> = {
  informative: {
    title: 'most informative',
    text: 'Those of which the predictor would learn most about all others, given what it knows of other devices.',
  },
  random: { title: 'at random', text: 'Every architecture is as likely as any other. A fair start that needs nothing.' },
  params: {
    title: 'by size',
    text: 'All are sorted by their number of parameters and cut into equal parts; one from each part, so small and large ones are covered.',
  },
  kmeans: {
    title: 'by clusters',
    text: 'Similar architectures are grouped (k-means), and the one nearest to the middle of each group is measured.',
  },
  cosine: {
    title: 'by similarity',
    text: 'All are sorted by how similar they are to the rest (cosine) and cut into equal parts; one from each, so usual and odd ones are covered.',
  },
  both: { title: 'by clusters and similarity', text: 'Half of them by clusters, half by similarity. The choice of the NASFLAT paper.' },
};

const kEncodings: readonly { readonly id: Encoding; readonly title: string; readonly text: string }[] = [
  { id: 'caz', title: 'CAZ', text: 'the three others side by side' },
  { id: 'zcp', title: 'ZCP', text: '13 zero-cost proxies: cheap signs of how a network would train' },
  { id: 'cate', title: 'CATE', text: 'a Transformer that compares architectures of similar cost' },
  { id: 'arch2vec', title: 'Arch2Vec', text: 'a graph auto-encoder: alike means built alike' },
];

function takeApart(sampler: Sampler): { way: Way; encoding: Encoding } {
  const [way, encoding] = sampler.split('-');
  return { way: way as Way, encoding: (encoding ?? 'caz') as Encoding };
}

function putTogether(way: Way, encoding: Encoding): Sampler {
  return way === 'kmeans' || way === 'cosine' || way === 'both' ? `${way}-${encoding}` : way;
}

/** Beside the tabs: what can be done with the list. */
export function measureTools(state: State, send: Send): TemplateResult | typeof nothing {
  const { chosen, packing } = state.plans[spaceId(state)];
  if (!chosen) return nothing;
  const text = `${chosen.architectures.join('\n')}\n`;
  return html`<button type="button" class="small" @click=${() => send({ type: 'copy', text, what: 'The list' })}>Copy the list</button>
    <button type="button" class="small" @click=${() => send({ type: 'save-plan' })}>Download CSV</button>
    ${isBuiltIn(spaceId(state)) ? kitButton(packing, send) : nothing}
    <button type="button" class="small" @click=${() => send({ type: 'use-plan' })}>Write it into my notebook</button>`;
}

function kitButton(packing: number | undefined, send: Send): TemplateResult {
  return html`<button
      type="button"
      class="small"
      title="The networks as ONNX models, with scripts that measure them on any device"
      ?disabled=${packing !== undefined}
      @click=${() => send({ type: 'save-kit' })}
    >
      ${packing === undefined ? 'Download a kit' : html`Packing, ${Math.round(100 * packing)} %`}
    </button>`;
}

/** Which architectures to measure: how to choose them, and the list. */
export function measure(state: State, send: Send): TemplateResult {
  const space = spaceId(state);
  const kind = kSpaces[space];
  const { settings, chosen, choosing } = state.plans[space];
  const { way, encoding } = takeApart(settings.sampler);
  const change = (change: Partial<PlanSettings>): void => send({ type: 'plan-settings', settings: change });
  const informative = way === 'informative';
  // The others look at the architectures alone.
  const ready = informative ? readiness(state).status === 'ready' : state.engine.status === 'ready';
  return html`<div class="lookup measure">
    <section aria-labelledby="measure-title">
      ${next(state, send)}
      <h2 id="measure-title">Which ${settings.count} should I measure?</h2>
      <div class="fields">
        <label for="plan-count">How many</label>
        <input
          id="plan-count"
          type="number"
          min=${kPlanCounts.fewest}
          max=${kPlanCounts.most}
          step="1"
          .value=${String(settings.count)}
          @change=${(event: Event) => change({ count: whole(event, settings.count, kPlanCounts.fewest, kPlanCounts.most) })}
        />
        <label for="plan-way">Choose</label>
        <select
          id="plan-way"
          @change=${(event: Event) => change({ sampler: putTogether((event.target as HTMLSelectElement).value as Way, encoding) })}
        >
          ${kWays.filter((each) => isBuiltIn(space) || each === 'informative').map((each) => html`<option value=${each} ?selected=${each === way}>${kWayTitles[each].title}</option>`)}
        </select>
        ${
          settings.sampler.includes('-')
            ? html`<label for="plan-encoding">Alike in</label>
                <select
                  id="plan-encoding"
                  @change=${(event: Event) =>
                    change({ sampler: putTogether(way, (event.target as HTMLSelectElement).value as Encoding) })}
                >
                  ${kEncodings.map(
                    ({ id, title, text }) => html`<option value=${id} ?selected=${id === encoding}>${title}: ${text}</option>`,
                  )}
                </select>`
            : nothing
        }
        ${
          informative
            ? nothing
            : html`<label for="plan-seed">Seed</label>
                <input
                  id="plan-seed"
                  type="number"
                  min="0"
                  max="999999"
                  step="1"
                  .value=${String(settings.seed)}
                  @change=${(event: Event) => change({ seed: whole(event, settings.seed, 0, 999_999) })}
                />`
        }
      </div>
      <p class="quiet">${kWayTitles[way].text}</p>
      <p>
        <button type="button" class="primary" ?disabled=${!ready || choosing === true} @click=${() => send({ type: 'choose' })}>
          ${choosing ? 'Choosing…' : 'Choose'}
        </button>
        ${chosen && chosen.settings !== settings ? html`<span class="quiet small">The list was chosen with other settings.</span>` : nothing}
      </p>
      <p class="quiet small">
        No latency is looked at. ${informative ? 'It is always the same list.' : 'The same seed gives the same list.'} ${kind.listed ? `Chosen from all ${kind.size}.` : 'Chosen from 5,000 networks drawn at random.'}
      </p>
    </section>
    <section class="found" aria-label="To measure">
      ${
        chosen
          ? html`<div class="scroll" tabindex="0" role="region" aria-label="Architectures to measure">
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">no.</th>
                    ${isBuiltIn(space) ? html`<th scope="col" class="left">${kind.one}</th>` : nothing}
                    <th scope="col" class="left">${isBuiltIn(space) ? 'to write it' : kind.one}</th>
                  </tr>
                </thead>
                <tbody>
                  ${chosen.architectures.map(
                    (architecture, i) =>
                      html`<tr>
                        <td>${i + 1}</td>
                        ${isBuiltIn(space) ? html`<td class="left">${glyph(space, architecture)}</td>` : nothing}
                        <td class="left"><code>${architecture}</code></td>
                      </tr>`,
                  )}
                </tbody>
              </table>
            </div>`
          : html`<p class="quiet">The list will stand here: to copy, to download, or to write into the notebook on the left.</p>`
      }
    </section>
  </div>`;
}

/** With less than that to gain, the work of measuring is not worth it. */
const kGoodEnough = 0.05;

/** Beside what is measured already: what would lower the error most, and by how much. */
function next(state: State, send: Send): TemplateResult | typeof nothing {
  const found = state.nexts[state.device];
  const review = resultOf(state)?.review;
  if (!found || !review || isStale(state)) return nothing;
  const { architectures, worth } = found;
  const many = plural(architectures.length, 'measurement');
  const now = about(review.expected_error);
  return html`<div class="next" role="group" aria-labelledby="next-title">
    <h2 id="next-title">${worth < kGoodEnough ? 'Good enough' : 'What to measure next'}</h2>
    <p>
      ${
        worth < kGoodEnough
          ? `The typical error is ${now}, and the best ${many} to add would lower it by less than ${about(kGoodEnough)} of that.`
          : `These ${many} should lower the typical error from ${now} to ${about(review.expected_error * (1 - worth))}.`
      }
    </p>
    <ol class="next-list">
      ${architectures.map(
        (architecture) =>
          html`<li>${isBuiltIn(spaceId(state)) ? glyph(spaceId(state), architecture) : nothing} <code>${architecture}</code></li>`,
      )}
    </ol>
    <p>
      <button type="button" @click=${() => send({ type: 'append', architectures })}>Add them to my notebook</button>
      <button
        type="button"
        @click=${() => send({ type: 'copy', text: `${architectures.join('\n')}\n`, what: 'The list' })}
      >
        Copy them
      </button>
    </p>
  </div>`;
}

/** What a number field says, brought into its range; what it was before where it says nothing. */
function whole(event: Event, before: number, least: number, most: number): number {
  const input = event.target as HTMLInputElement;
  const value = Number.isFinite(input.valueAsNumber) ? Math.min(Math.max(Math.round(input.valueAsNumber), least), most) : before;
  input.value = String(value);
  return value;
}
