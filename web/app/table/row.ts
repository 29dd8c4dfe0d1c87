/** One row of a table of the user's own. */

import { html, nothing, type TemplateResult } from 'lit';
import { significant } from '../format.js';
import type { SpaceTable } from '../spaces/table.js';

/** In a line, where another space draws its architecture. */
export function rowName(name: string): TemplateResult {
  return html`<span class="row-name" title=${name}>${name}</span>`;
}

/** A row in a few lines: what describes it, and what known devices say. */
export function rowFacts(table: SpaceTable, row: number): TemplateResult {
  return html`<dl class="row-facts">
    ${table.columns?.map(({ heading, kind, values }) => {
      const value = values[row];
      if (value === undefined || Number.isNaN(value)) return nothing;
      const text = typeof value === 'string' ? value : significant(value);
      return html`<div><dt>${heading.replace(/^latency_ms:/, '')}</dt><dd>${text}${kind === 'device' ? ' ms' : ''}</dd></div>`;
    })}
  </dl>`;
}
