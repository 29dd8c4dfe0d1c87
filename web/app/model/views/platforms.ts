import { html, nothing, type TemplateResult } from 'lit';
import { between, count, significant, withUnit } from '../../format.js';
import type { Send } from '../../views/send.js';
import { pinnedRows, platformRows, platformsCsv, type PlatformRow } from '../derive.js';
import { listedPool, type ModelState } from '../state.js';
import { bar } from './kernel-list.js';
import type { Tell } from './tell.js';

/** A row of platforms to compare. */
export function pinned(state: ModelState, tell: Tell): TemplateResult | typeof nothing {
  const rows = pinnedRows(state);
  if (rows.length === 0) return nothing;
  return html`<ul class="pinned" aria-label="Platforms to compare">
    ${rows.map(({ platform: { id, title }, low, latency_ms, high }) => {
      const chosen = id === state.platform;
      return html`<li class=${chosen ? 'chosen' : ''}>
        <button type="button" class="pinned-choose" aria-pressed=${chosen} @click=${() => tell({ type: 'platform', platform: id })}>
          <span class="small">${title}</span>
          <b>${latency_ms === undefined ? '…' : withUnit(latency_ms, 'ms')}</b>
          <span class="quiet small">${between(low, high)}</span>
        </button>
        <button type="button" class="plain" aria-label="Compare without ${title}" @click=${() => tell({ type: 'pin', platform: id, pinned: false })}>×</button>
      </li>`;
    })}
  </ul>`;
}

/** Beside the tabs. */
export function platformTools(state: ModelState, send: Send, tell: Tell): TemplateResult {
  const copy = (): void => send({ type: 'copy', text: platformsCsv(platformRows(state)), what: 'The platforms' });
  return html`<span class="quiet small" role="status">${count(platformRows(state).length)} platforms</span>
    <button type="button" class="small" @click=${copy}>Copy</button>
    <button type="button" class="small" @click=${() => tell({ type: 'save-platforms' })}>Download CSV</button>`;
}

/** What all platforms of the pool are together when compressed, about. */
const kWholeMegabytes = 3;

/** All known platforms by what the model takes there. */
export function platforms(state: ModelState, tell: Tell): TemplateResult {
  const { fleet, find, compared, whole } = state;
  if (fleet.status === 'loading') return html`<p class="empty">The platforms are loading.</p>`;
  if (fleet.status === 'failed') return html`<p class="empty">The platforms could not be loaded: ${fleet.message}.</p>`;
  const rows = platformRows(state);
  const asked = fleet.platforms.filter(({ id }) => compared[id]).length;
  const timed = listedPool(state);
  const timedAsked = timed.filter(({ id }) => compared[id]).length;
  const most = Math.max(...rows.map(({ high = 0 }) => high), 0);
  return html`<div class="filters">
      <input
        type="search"
        aria-label="Find platforms"
        placeholder="Raspberry, Snapdragon, GPU…"
        .value=${find}
        @input=${(event: Event) => tell({ type: 'find', find: (event.target as HTMLInputElement).value })}
      />
      ${
        asked < fleet.platforms.length
          ? html`<span class="quiet small">Estimating: ${asked} of ${fleet.platforms.length}</span>`
          : nothing
      }
      ${
        timedAsked === timed.length
          ? nothing
          : whole
            ? html`<span class="quiet small">Loading those known by their kernels: ${timedAsked} of ${timed.length}</span>`
            : html`<button type="button" class="small" @click=${() => tell({ type: 'whole' })}>
                Estimate on the ${timed.length} known by their kernels too (${kWholeMegabytes} MB)
              </button>`
      }
    </div>
    ${
      rows.length === 0
        ? html`<p class="empty">
            No platform fits. <button type="button" class="plain" @click=${() => tell({ type: 'find', find: '' })}>Show all</button>
          </p>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Platforms">
            <table class="list platforms">
              <thead>
                <tr>
                  <th scope="col" class="left">compare</th>
                  <th scope="col" class="left">platform</th>
                  <th scope="col">estimate, ms</th>
                  <th scope="col">90 % interval</th>
                  <td class="platforms-bar"></td>
                </tr>
              </thead>
              <tbody>
                ${rows.map((row) => platformRow(state, row, most, tell))}
              </tbody>
            </table>
          </div>`
    }`;
}

function platformRow(state: ModelState, { platform, low, latency_ms, high }: PlatformRow, most: number, tell: Tell): TemplateResult {
  const { id, title } = platform;
  const pin = (event: Event): void => tell({ type: 'pin', platform: id, pinned: (event.target as HTMLInputElement).checked });
  return html`<tr class=${id === state.platform ? 'chosen' : ''}>
    <td class="left"><input type="checkbox" aria-label="Compare ${title}" .checked=${state.pinned.includes(id)} @change=${pin} /></td>
    <td class="left"><button type="button" class="plain" @click=${() => tell({ type: 'platform', platform: id })}>${title}</button></td>
    <td><b>${latency_ms === undefined ? '' : significant(latency_ms)}</b></td>
    <td class="quiet">${between(low, high)}</td>
    <td class="platforms-bar">${bar(most > 0 && latency_ms !== undefined ? latency_ms / most : 0)}</td>
  </tr>`;
}
