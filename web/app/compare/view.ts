import { html, nothing, type TemplateResult } from 'lit';
import { chart, type ChartEvents } from '../charts.js';
import { budgetSummary, pointedOut, quality } from '../derive.js';
import { correlation, millions, percent, plural, significant } from '../format.js';
import { kSpaces } from '../spaces/index.js';
import { deviceTitle, resultOf, spaceId, tableOf, unitOf, viewOf, type DeviceId, type State } from '../state.js';
import { glyph } from '../views/architecture.js';
import { legend, saveChart } from '../views/legend.js';
import type { Send } from '../views/send.js';
import { comparedDevices, deviceMap, devicesBeside, isComparing, otherDevice, pairChart, type Compared } from './derive.js';

/** Which devices are like the shown one, and what some architectures take on several of them. */
export function devices(state: State, send: Send): TemplateResult {
  const map = deviceMap(state);
  const compared = comparedDevices(state);
  const title = deviceTitle(state);
  const events: ChartEvents = {
    hover: (i) => {
      const device = i === undefined ? undefined : compared[i - 1]?.id;
      send(device === undefined ? { type: 'hover-device' } : { type: 'hover-device', device });
    },
    pick: (i) => {
      const device = compared[i - 1]?.id;
      if (device) send({ type: 'other', device });
    },
  };
  return html`<div class="devices">
    <section aria-labelledby="devices-map">
      <div class="row"><h2 id="devices-map">What is ${title} like?</h2>
        ${map ? saveChart(map, 'devices', send) : nothing}
      </div>
      ${
        map
          ? html`${legend(map)}
              <div class="plot" ${chart(map, events)}></div>`
          : html`<p class="quiet">${isComparing(state) ? 'The known devices are being estimated.' : 'There is no other device to compare with.'}</p>`
      }
    </section>
    <section aria-labelledby="devices-list">
      <div class="row">
        <h2 id="devices-list">${compared.length > 0 ? plural(compared.length, 'device') : 'Devices'}, most alike first</h2>
        <button type="button" class="plain small" aria-label="Save the list of devices as CSV" ?disabled=${compared.length === 0} @click=${() => send({ type: 'save-table', name: 'devices', rows: likenessTable(state, compared) })}>
          CSV
        </button>
      </div>
      ${isComparing(state) ? waiting(state) : nothing}
      ${compared.length > 0 ? likeness(state, compared, send) : nothing}
    </section>
    ${pair(state, send)} ${sideBySide(state, send)}
  </div>`;
}

function waiting({ comparing }: State): TemplateResult {
  const done = comparing ?? 0;
  return html`<div class="progress">
    <progress max="1" .value=${done} aria-label="Estimating the known devices"></progress>
    <p class="small">${comparing === undefined ? 'As soon as the engine is ready.' : html`Estimating the known devices, ${Math.round(100 * done)} %`}</p>
  </div>`;
}

function likeness(state: State, compared: readonly Compared[], send: Send): TemplateResult {
  const beside = devicesBeside(state).map(({ id }) => id);
  const other = otherDevice(state)?.id;
  const toggle = (device: DeviceId, event: Event): void => send({ type: 'beside', device, chosen: (event.target as HTMLInputElement).checked, first: beside });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Devices by likeness">
    <table class="list">
      <thead>
        <tr>
          <th scope="col" class="left"><span class="hidden">side by side</span></th>
          <th scope="col" class="left">device</th>
          <th scope="col" title="Spearman between the estimates on both: 1 means the same order">order alike</th>
          <th scope="col" title="How many times slower, in the middle of all architectures">times slower</th>
        </tr>
      </thead>
      <tbody>
        ${compared.map(
          ({ id, spearman, slower }) =>
            html`<tr
              aria-selected=${id === other}
              @click=${() => send({ type: 'other', device: id })}
              @pointerenter=${() => send({ type: 'hover-device', device: id })}
              @pointerleave=${() => send({ type: 'hover-device' })}
            >
              <td class="left">
                <input
                  type="checkbox"
                  aria-label="${deviceTitle(state, id)} beside the others"
                  .checked=${beside.includes(id)}
                  @click=${(event: Event) => event.stopPropagation()}
                  @change=${(event: Event) => toggle(id, event)}
                />
              </td>
              <td class="left">
                <button type="button" class="plain" aria-pressed=${id === other}>${deviceTitle(state, id)}</button>
              </td>
              <td><b>${correlation(spearman)}</b></td>
              <td>${significant(slower)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function likenessTable(state: State, compared: readonly Compared[]): (string | number)[][] {
  return [['device', 'spearman', 'times_slower'], ...compared.map(({ id, spearman, slower }) => [deviceTitle(state, id), spearman, slower])];
}

function pair(state: State, send: Send): TemplateResult {
  const spec = pairChart(state);
  const other = otherDevice(state);
  if (!spec || !other) return html`<section></section>`;
  const events: ChartEvents = {
    hover: (index) => send(index === undefined ? { type: 'hover' } : { type: 'hover', index }),
    pick: (index) => send({ type: 'select', index }),
  };
  return html`<section aria-labelledby="devices-pair">
    <div class="row">
      <h2 id="devices-pair">${deviceTitle(state)} against ${deviceTitle(state, other.id)}</h2>
      ${saveChart(spec, 'two-devices', send)}
    </div>
    ${legend(spec)}
    <div class="plot" ${chart(spec, events)}></div>
    <p>
      <button type="button" @click=${() => send({ type: 'device', device: other.id })}>Show ${deviceTitle(state, other.id)}</button>
    </p>
  </section>`;
}

/** The rows that stand side by side: what is kept, what is selected, and the best within the limit. */
function rowsOf(state: State): readonly { readonly row: number; readonly why: string }[] {
  const { selected, kept = [] } = viewOf(state);
  const best = budgetSummary(state)?.best;
  const all = [...kept.map((row) => ({ row, why: 'kept' })), { row: selected, why: 'selected' }];
  if (best !== undefined) all.push({ row: best, why: 'best under the limit' });
  const count = tableOf(state)?.shipped ?? 0;
  return all.filter(({ row }, i) => row < count && all.findIndex((each) => each.row === row) === i);
}

function sideBySide(state: State, send: Send): TemplateResult {
  const table = tableOf(state);
  const result = resultOf(state);
  const against = quality(state);
  if (!table || !result || !against) return html``;
  const beside = devicesBeside(state);
  const rows = rowsOf(state);
  const { kept = [] } = viewOf(state);
  const unit = unitOf(state);
  const save = (): void => {
    const heading = ['arch', against.title, `${deviceTitle(state)}, ${unit}`, ...beside.map(({ id }) => `${deviceTitle(state, id)}, ms`)];
    const lines = rows.map(({ row }) => [
      ...[table.architectures[row] ?? '', against.values[row] ?? Number.NaN, result.latency_ms[row] ?? Number.NaN],
      ...beside.map(({ latency_ms }) => latency_ms[row] ?? Number.NaN),
    ]);
    send({ type: 'save-table', name: 'side-by-side', rows: [heading, ...lines] });
  };
  return html`<section class="wide" aria-labelledby="devices-table">
    <div class="row">
      <h2 id="devices-table">Side by side</h2>
      <span class="quiet small grow">Keep architectures with the button below their drawing, tick devices in the list.</span>
      <button type="button" class="plain small" aria-label="Save what stands side by side as CSV" @click=${save}>CSV</button>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="Architectures side by side">
      <table class="list">
        <thead>
          <tr>
            <th scope="col" class="left">${kSpaces[spaceId(state)].one}</th>
            <th scope="col" class="left"><span class="hidden">why it is here</span></th>
            <th scope="col">${against.title}</th>
            <th scope="col"><b>${deviceTitle(state)}</b>, ${unit}</th>
            ${beside.map(({ id }) => html`<th scope="col">${deviceTitle(state, id)}, ms</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ row, why }) =>
              html`<tr aria-selected=${row === pointedOut(state)} @click=${() => send({ type: 'select', index: row })}>
                <td class="left">
                  <button type="button" class="plain" aria-label="Show ${table.architectures[row] ?? ''}">
                    ${glyph(table.space, table.architectures[row] ?? '')}
                  </button>
                </td>
                <td class="left quiet small">
                  ${
                    kept.includes(row)
                      ? html`kept
                          <button
                            type="button"
                            class="plain"
                            aria-label="Keep ${table.architectures[row] ?? ''} no longer"
                            @click=${(event: Event) => {
                              event.stopPropagation();
                              send({ type: 'keep', index: row });
                            }}
                          >
                            remove
                          </button>`
                      : why
                  }
                </td>
                <td>${against.id === 'macs' ? millions(table.macs[row] ?? 0) : significant(against.values[row] ?? Number.NaN)}</td>
                <td><b>${significant(result.latency_ms[row] ?? Number.NaN)}</b></td>
                ${beside.map(({ latency_ms }) => {
                  const value = latency_ms[row] ?? Number.NaN;
                  return html`<td title="Faster than ${percent(fasterThan(latency_ms, value))} of all">${significant(value)}</td>`;
                })}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

/** The share of architectures that take longer. */
function fasterThan(latency_ms: Float64Array, value: number): number {
  let slower = 0;
  for (const each of latency_ms) if (each > value) slower++;
  return slower / latency_ms.length;
}
