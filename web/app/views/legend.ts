import { html, nothing, svg, type TemplateResult } from 'lit';
import { kShapes, type ChartSpec } from '../charts.js';

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
