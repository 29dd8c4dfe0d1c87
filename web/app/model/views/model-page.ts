import { html, nothing, type TemplateResult } from 'lit';
import './kernel-list.js';
import type { Decomposition, ModelKernel, StatedInput } from '../../../api/index.js';
import { between, count, percent, plural, withUnit } from '../../format.js';
import type { Send } from '../../views/send.js';
import { saveFigure } from '../../views/legend.js';
import { tabList } from '../../views/tabs.js';
import {
  bytesText,
  byType,
  costOf,
  estimateOf,
  kernelBars,
  kernelsCsv,
  kernelTitle,
  kindOf,
  layerName,
  listed,
  mostExpensive,
  offeredWorks,
  scaled,
  shownWork,
  sizes,
  typeTitle,
  untimed,
  type Cost,
} from '../derive.js';
import {
  familyOf,
  isByKernels,
  isOpen,
  kMine,
  kNetworkIds,
  kNetworks,
  kThisBrowser,
  kViews,
  platformOf,
  type Estimated,
  type ModelAction,
  type ModelState,
  type NetworkId,
  type Opened,
  type Order,
  type View,
  type Work,
} from '../state.js';
import { device } from './device.js';
import { bar } from './kernel-list.js';
import { pinned, platforms, platformTools } from './platforms.js';
import type { Tell } from './tell.js';

/** The mode: what is measured on the left, its kernels in the middle. */
export function modelPage(state: ModelState, send: Send): TemplateResult {
  const tell: Tell = (action: ModelAction) => send({ type: 'model', action });
  return html`<div class="columns">${rail(state, send, tell)} ${main(state, send, tell)}</div>`;
}

// ---- rail ----

function rail(state: ModelState, send: Send, tell: Tell): TemplateResult {
  return html`<aside class="rail" aria-label="Your model">
    ${chooser(state, tell)} ${opening(state, tell)} ${inputs(state, tell)} ${device(state, send, tell)}
    ${state.platform === undefined || (state.platform === kMine && isByKernels(state)) ? runtime(state, tell) : nothing}
    <p class="small quiet">Nothing is uploaded: the file stays in this browser, and of its weights nothing is read. See for yourself: go offline.</p>
  </aside>`;
}

/** In the list of networks, what stands for a file of the user's. */
const kFile = '';

function chooser({ opened, network }: ModelState, tell: Tell): TemplateResult {
  const chosen = opened && opened.network === undefined ? kFile : (network ?? kFile);
  const open = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    if (file) tell({ type: 'open', file });
    // The same file may be chosen again after a change.
    input.value = '';
  };
  return html`<section class="model-choice" aria-label="Which model">
    <div class="fields">
      <label for="network">Model</label>
      <select
        id="network"
        .value=${chosen}
        @change=${(event: Event) => {
          const { value } = event.target as HTMLSelectElement;
          if (value !== kFile) tell({ type: 'network', network: value as NetworkId });
        }}
      >
        ${chosen === kFile ? html`<option value=${kFile} selected>${opened?.name ?? 'your file'}</option>` : nothing}
        ${kNetworkIds.map((id) => html`<option value=${id} ?selected=${id === chosen}>${kNetworks[id]}</option>`)}
      </select>
    </div>
    <label class="drop-zone">
      <input type="file" class="hidden" accept=".onnx,.param,.json" @change=${open} />
      <b>Open a model of yours</b>
      <span class="small quiet">or drop it anywhere: ONNX, ncnn .param, JSON graph</span>
    </label>
  </section>`;
}

function opening({ opening: now, opened }: ModelState, tell: Tell): TemplateResult | typeof nothing {
  if (!now) return nothing;
  if (now.status === 'reading') {
    return html`<p class="quiet small" role="status">Reading ${now.name}…</p>`;
  }
  const other = opened?.info && opened.name !== now.name ? ` ${opened.name} is still shown.` : '';
  return html`<div class="model-error" role="alert">
    <p><strong>${now.name} could not be read.</strong> ${sentence(now.message)}${other}</p>
    <button type="button" class="plain" @click=${() => tell({ type: 'dismiss' })}>Close</button>
  </div>`;
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

function inputs({ opened }: ModelState, tell: Tell): TemplateResult | typeof nothing {
  if (!opened || opened.stated.length === 0) return nothing;
  return html`<section class="model-inputs" aria-labelledby="inputs-title">
    <h2 id="inputs-title">${opened.stated.length === 1 ? 'Input' : 'Inputs'}</h2>
    ${opened.stated.map((input, i) => shapeField(input, i, opened, tell))}
  </section>`;
}

function shapeField(input: StatedInput, i: number, opened: Opened, tell: Tell): TemplateResult {
  return html`<div class="shape">
    <label for="shape-${i}" title=${input.name}>${input.name}</label>
    <input
      id="shape-${i}"
      type="text"
      inputmode="text"
      autocomplete="off"
      spellcheck="false"
      .value=${opened.shapes[input.name] ?? ''}
      aria-describedby=${isOpen(input) ? `shape-note-${i}` : nothing}
      @input=${(event: Event) => tell({ type: 'shape', input: input.name, text: (event.target as HTMLInputElement).value })}
    />
    ${isOpen(input) ? html`<p class="small quiet" id="shape-note-${i}">${openNote(input)}</p>` : nothing}
  </div>`;
}

function openNote({ shape }: StatedInput): string {
  if (shape === null) return 'The file says nothing of its shape; this is assumed.';
  const text = shape.map((length) => length ?? '?').join('x');
  return `The file says ${text}; the rest is assumed.`;
}

function runtime(state: ModelState, tell: Tell): TemplateResult {
  const { families } = state;
  const family = familyOf(state);
  const known = families.length > 0 ? families : [{ id: family, title: family, source: '' }];
  const source = known.find(({ id }) => id === family)?.source ?? '';
  return html`<section aria-label="Which runtime">
    <div class="fields">
      <label for="family">Runtime</label>
      <select
        id="family"
        .value=${family}
        @change=${(event: Event) => tell({ type: 'family', family: (event.target as HTMLSelectElement).value })}
      >
        ${known.map(({ id, title }) => html`<option value=${id} ?selected=${id === family}>${familyTitle(id, title)}</option>`)}
      </select>
    </div>
    <p class="small quiet runtime-source">${
      source ? html`Which operators it fuses: ${links(source)}.` : 'Every operator is a kernel of its own.'
    }</p>
  </section>`;
}

function familyTitle(id: string, title: string): string {
  return id === 'none' ? 'none: nothing is fused' : title;
}

/** The addresses in a text, each called by its site. */
function links(text: string): readonly TemplateResult[] {
  const addresses = text.match(/https:\/\/[^\s,;]*[^\s,;:.]/g) ?? [];
  return addresses.map((address, i) => html`${i > 0 ? ', ' : ''}<a href=${address} rel="noreferrer">${new URL(address).hostname}</a>`);
}

// ---- main ----

function main(state: ModelState, send: Send, tell: Tell): TemplateResult {
  const { opened } = state;
  const cost = costOf(state);
  if (!opened?.info || !opened.kernels || !cost) return html`<main class="main" id="main">${empty(state)}</main>`;
  return html`<main class="main" id="main">
    ${headline(state, opened, opened.info, opened.kernels)} ${pinned(state, tell)}
    <div class="views">
      ${tabList(kViews, kViewTitles, state.view, (view) => tell({ type: 'view', view }))}
      ${state.view === 'kernels' ? tools(state, opened.kernels, cost, send, tell) : platformTools(state, send, tell)}
    </div>
    <div class="panel" role="tabpanel" id="panel" aria-labelledby="tab-${state.view}">
      ${state.view === 'kernels' ? kernelView(state, opened.kernels, cost, tell) : platforms(state, tell)}
    </div>
  </main>`;
}

const kViewTitles: Readonly<Record<View, string>> = { kernels: 'Kernels', platforms: 'All platforms' };

function kernelView(state: ModelState, decomposition: Decomposition, cost: Cost, tell: Tell): TemplateResult {
  const { kernels } = decomposition;
  return html`<div class="model-body">
      <section class="model-kernels" aria-label="Kernels">
        <kernel-list
          .kernels=${kernels}
          .places=${listed(state, cost)}
          .cost=${cost}
          .selected=${state.selected}
          @pick=${(event: CustomEvent<number>) => tell({ type: 'select', index: event.detail })}
        ></kernel-list>
      </section>
      <div class="model-side">
        ${unknown(decomposition)} ${detail(kernels, state.selected, cost)} ${expensive(kernels, cost, tell)} ${types(decomposition, cost)}
      </div>
    </div>`;
}

function empty({ opening: now, opened }: ModelState): TemplateResult {
  if (now?.status === 'failed') {
    return html`<div class="empty">
      <h2>${now.name} could not be read</h2>
      <p>${sentence(now.message)}</p>
      <p class="quiet">
        ${
          opened?.stated.length
            ? 'Perhaps other shapes of its inputs help: they can be changed on the left.'
            : 'Choose another file, or a network on the left.'
        }
      </p>
    </div>`;
  }
  return html`<p class="empty">${now ? `Reading ${now.name}…` : 'The model is loading.'}</p>`;
}

function headline(state: ModelState, opened: Opened, info: NonNullable<Opened['info']>, { kernels }: Decomposition): TemplateResult {
  const estimate = estimateOf(state);
  const work = html`<b>${scaled(info.macs)}</b> multiply-adds, <b>${scaled(info.params)}</b> parameters`;
  const size = opened.bytes === undefined ? '' : `, ${bytesText(opened.bytes)}`;
  return html`<div class="headline">
    <p class="quiet small">
      <b>${opened.name}</b>: ${info.format}${size}${info.name && info.name !== opened.name ? `, "${info.name}"` : nothing}; ${plural(info.operators, 'operator')} in
      ${plural(kernels.length, 'kernel')}${estimate ? html`; ${work}; ${restsOn(state, estimate)}` : nothing}
    </p>
    <p class="answer">
      ${
        estimate
          ? html`<b class="total">${withUnit(estimate.latency_ms, 'ms')}</b>
              <span class="quiet">(${between(estimate.low_ms, estimate.high_ms)})</span> on
              <b>${platformTitle(state)}</b>`
          : work
      }
    </p>
    ${guessed(state)}
  </div>`;
}

/** What of an estimate rests on no timing of its type. */
function guessed(state: ModelState): TemplateResult | typeof nothing {
  const found = untimed(state);
  if (!found) return nothing;
  return html`<p class="small untimed">
    Never timed there: ${found.types.map(typeTitle).join(', ')}. ${percent(found.share)} of the estimate goes by their work and traffic alone.
  </p>`;
}

function platformTitle(state: ModelState): string {
  if (state.platform === kThisBrowser) return 'this browser';
  return state.platform === kMine ? 'your device' : (platformOf(state)?.title ?? '');
}

/** What an estimate is made from, best first. */
function restsOn(state: ModelState, { knowledge }: Estimated): string {
  const { platform, adaptedKernels } = state;
  const known = platformOf(state);
  if (platform === kMine && adaptedKernels?.readings.length) return 'from kernels and whole models that were timed there';
  return {
    measured: 'it was measured there',
    known: 'it was measured on other platforms',
    kernels: `from kernels that were timed there ${known && 'timed' in known && known.timed === 'inside' ? 'inside networks' : 'one by one'}`,
    graph: 'nobody has measured it, so its kernels are all there is to go by',
  }[knowledge];
}

const kOrderTitles: Readonly<Record<Order, string>> = { graph: 'In order of execution', cost: 'Most expensive first' };
const kWorkTitles: Readonly<Record<Work, string>> = { ms: 'Milliseconds', macs: 'Multiply-adds', bytes: 'Bytes moved' };

/** `MobileNetV2 on Raspberry Pi 5: kernels in milliseconds`. */
function figureTitle(state: ModelState, work: Work): string {
  const where = work === 'ms' ? ` on ${platformTitle(state)}` : '';
  return `${state.opened?.name ?? ''}${where}: kernels in ${kWorkTitles[work].toLowerCase()}, ${kOrderTitles[state.order].toLowerCase()}`;
}

function tools(state: ModelState, kernels: Decomposition, cost: Cost, send: Send, tell: Tell): TemplateResult {
  const { order } = state;
  const copy = (): void => send({ type: 'copy', text: kernelsCsv(kernels, estimateOf(state)?.kernel_ms), what: 'The kernels' });
  const work = shownWork(state);
  return html`<span class="quiet small">${cost.text(cost.total)} in all</span>
    <select
      class="small"
      aria-label="What the bars stand for"
      .value=${work}
      @change=${(event: Event) => tell({ type: 'work', work: (event.target as HTMLSelectElement).value as Work })}
    >
      ${offeredWorks(state).map((id) => html`<option value=${id} ?selected=${id === work}>${kWorkTitles[id]}</option>`)}
    </select>
    <select
      class="small"
      aria-label="Order of the kernels"
      .value=${order}
      @change=${(event: Event) => tell({ type: 'order', order: (event.target as HTMLSelectElement).value as Order })}
    >
      ${(['graph', 'cost'] as const).map((id) => html`<option value=${id} ?selected=${id === order}>${kOrderTitles[id]}</option>`)}
    </select>
    <button type="button" class="small" @click=${copy}>Copy</button>
    <button type="button" class="small" @click=${() => tell({ type: 'save-kernels' })}>Download CSV</button>
    ${saveFigure(() => kernelBars(state, cost, figureTitle(state, work)), 'kernels', send)}`;
}

function unknown({ unknown: found }: Decomposition): TemplateResult | typeof nothing {
  if (found.length === 0) return nothing;
  const share = found.reduce((sum, { traffic_share }) => sum + traffic_share, 0);
  return html`<section class="model-unknown" aria-labelledby="unknown-title">
    <h2 id="unknown-title">Unknown operators: ${percent(share)} of the bytes moved</h2>
    <p class="small quiet">They count by what they read and write.</p>
    <ul>
      ${found.map(
        ({ op, count: times, traffic_share, macs_beside_share }) =>
          html`<li>
            <b>${op}</b>, ${times} times: ${percent(traffic_share)} of the bytes; the kernels beside it have
            ${percent(macs_beside_share)} of the multiply-adds
          </li>`,
      )}
    </ul>
  </section>`;
}

function detail(kernels: readonly ModelKernel[], selected: number | undefined, cost: Cost): TemplateResult | typeof nothing {
  const kernel = selected === undefined ? undefined : kernels[selected];
  if (!kernel || selected === undefined) return nothing;
  const { macs, params, bytes_in, bytes_weights, bytes_out, nodes } = kernel;
  const facts: readonly (readonly [string, string])[] = [
    ['multiply-adds', scaled(macs)],
    ['parameters', scaled(params)],
    ['read', bytesText(bytes_in)],
    ['weights', bytesText(bytes_weights)],
    ['written', bytesText(bytes_out)],
  ];
  return html`<section class="model-detail" aria-labelledby="detail-title">
    <h2 id="detail-title">Kernel ${selected + 1}: ${kernelTitle(kernel)}</h2>
    <p>${sizes(kernel)} <span class="quiet">(${percent((cost.values[selected] ?? 0) / cost.total)} of all)</span></p>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <p class="small quiet">${nodes.length === 1 ? 'One operator' : `${count(nodes.length)} operators fused`}:</p>
    <ol class="small fused">
      ${nodes.map(({ name, op }) => html`<li><b>${op}</b> <span class="quiet">${name}</span></li>`)}
    </ol>
  </section>`;
}

function expensive(kernels: readonly ModelKernel[], cost: Cost, tell: Tell): TemplateResult {
  const places = mostExpensive(cost);
  const share = places.reduce((sum, i) => sum + (cost.values[i] ?? 0), 0) / cost.total;
  return html`<section aria-labelledby="expensive-title">
    <h2 id="expensive-title">The ${places.length} most expensive: ${percent(share)}</h2>
    <ol class="expensive">
      ${places.map((i) => {
        const kernel = kernels[i];
        return kernel
          ? html`<li>
              <button type="button" @click=${() => tell({ type: 'select', index: i })}>
                <span class="expensive-what">${kernelTitle(kernel)} <span class="quiet">${layerName(kernel)}</span></span>
                <span>${cost.text(cost.values[i] ?? 0)}</span>
              </button>
            </li>`
          : nothing;
      })}
    </ol>
  </section>`;
}

function types(kernels: Decomposition, cost: Cost): TemplateResult {
  const shares = byType(kernels, cost);
  const most = Math.max(...shares.map(({ value }) => value), 0);
  return html`<section aria-labelledby="types-title">
    <h2 id="types-title">By type</h2>
    <table class="types">
      <tbody>
        ${shares.map(
          ({ type, count: times, value }) =>
            html`<tr class="kind--${kindOf(type)}">
              <th scope="row">${typeTitle(type)}</th>
              <td>${times}</td>
              <td class="types-bar">${bar(most > 0 ? value / most : 0)}</td>
              <td>${value > 0 ? percent(value / cost.total) : '–'}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
