import { html, nothing, type TemplateResult } from 'lit';
import type { Fix } from '../../api/index.js';
import { plural } from '../format.js';
import type { LineEditor } from './line-editor.js';
import type { Send } from './send.js';
import type { Mark } from '../state.js';

const kMostShown = 50;

/** What is wrong below an editor: each line by its number, a click away, with its fixes. */
export function problemList(marks: readonly Mark[], editor: string, send: Send): TemplateResult | typeof nothing {
  const problems = marks.filter((mark) => mark.message !== undefined);
  if (problems.length === 0) return nothing;
  const focus = (line: number): void => document.querySelector<LineEditor>(`#${editor}`)?.focusLine(line);
  return html`<ul class="problem-list" aria-label="Lines that need attention">
    ${problems.slice(0, kMostShown).map(
      (mark) =>
        html`<li class=${mark.kind}>
          <button type="button" class="plain" @click=${() => focus(mark.line)}>Line ${mark.line}</button>
          <span>${mark.message}</span>
          ${mark.fixes.map((fix) => fixButton(fix, send))}
          ${mark.remedies?.map(
            ({ label, action }) => html`<button type="button" class="fix" @click=${() => send(action)}>${label}</button>`,
          )}
        </li>`,
    )}
    ${problems.length > kMostShown ? html`<li>and ${problems.length - kMostShown} more</li>` : nothing}
  </ul>`;
}

/** How many lines were not understood, or that every line was: the end of a sentence that counts the others. */
export function understood(marks: readonly Mark[]): TemplateResult {
  const bad = marks.filter((mark) => mark.kind === 'bad').length;
  return bad > 0 ? html`, <strong class="bad">${plural(bad, 'line')} not understood</strong>` : html`, every line understood`;
}

export function fixButton(fix: Fix, send: Send): TemplateResult {
  return html`<button type="button" class="fix" @click=${() => send({ type: 'fix', fix })}>${fix.label}</button>`;
}
