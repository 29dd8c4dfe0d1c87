import { html, nothing, svg, type TemplateResult } from 'lit';
import { kShapes, type ChartSpec } from '../charts.js';
import type { FigureSpec } from '../figure.js';
import type { Send } from './send.js';

/** Names the marks of a chart. */
export function legend(spec: ChartSpec): TemplateResult {
  return html`<ul class="legend">
    ${spec.series.map(
      (series) =>
        html`<li>
          <svg viewBox="0 0 12 12" class="mark ${series.shape} colour${series.colour}" aria-hidden="true">
            ${svg`<path d=${kShapes[series.shape]}></path>`}
          </svg>
          ${series.name}
        </li>`,
    )}
    ${spec.remark === undefined ? nothing : html`<li>${spec.remark}</li>`}
  </ul>`;
}

/** Takes a chart away; `name`: what its file is called. */
export function saveChart(spec: ChartSpec, name: string, send: Send): TemplateResult {
  return saveFigure(() => spec, name, send);
}

/** Likewise of what is made only to be taken away. */
export function saveFigure(make: () => FigureSpec, name: string, send: Send): TemplateResult {
  return html`<span class="take" role="group" aria-label="Save the chart">
    ${(['png', 'svg'] as const).map(
      (format) =>
        html`<button
          type="button"
          class="plain"
          aria-label="Save the chart as ${format.toUpperCase()}"
          @click=${() => send({ type: 'save-chart', spec: make(), name, format })}
        >
          ${format.toUpperCase()}
        </button>`,
    )}
  </span>`;
}
