import { html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import type { Mark } from '../state.js';

const kLineHeight = 20; // CSS pixels; the same as --line-height of styles.css
const kOverscan = 4;

/**
 * A text area with line numbers and marks on its left and what each line was read as on its right. The text is the
 * user's and is never rewritten here; only lines in view get marks, so a pasted table of thousands stays quick.
 * Fires `edit` (a CustomEvent whose detail is the text) when the user types.
 */
export class LineEditor extends LitElement {
  static override readonly properties = {
    text: { attribute: false },
    marks: { attribute: false },
    label: { attribute: false },
    describedBy: { attribute: false },
    hint: { attribute: false },
    offset: { state: true },
    rows: { state: true },
  };

  declare text: string;
  declare marks: readonly Mark[];
  declare label: string;
  /** Id of the element that lists what is wrong. */
  declare describedBy: string;
  /** Shown while the text is empty. */
  declare hint: string;
  declare private offset: number;
  declare private rows: number;
  private byLine = new Map<number, Mark>();
  private observer: ResizeObserver | undefined;

  constructor() {
    super();
    this.text = '';
    this.marks = [];
    this.label = '';
    this.describedBy = '';
    this.hint = '';
    this.offset = 0;
    this.rows = 0;
  }

  /** Puts the caret on a line, counted from 1, and brings it into view. */
  focusLine(line: number): void {
    const area = this.area();
    if (!area) return;
    const lines = area.value.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    area.scrollTop = Math.max(0, (line - 3) * kLineHeight);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.observer?.disconnect();
  }

  protected override firstUpdated(): void {
    const area = this.area();
    if (!area) return;
    this.observer = new ResizeObserver(() => {
      this.rows = Math.ceil(area.clientHeight / kLineHeight);
    });
    this.observer.observe(area);
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has('marks')) return;
    // One line of JSON may hold several measurements; a bad one among them must show.
    this.byLine = new Map(this.marks.map((mark) => [mark.line, mark]));
    for (const mark of this.marks) if (mark.kind === 'bad') this.byLine.set(mark.line, mark);
  }

  protected override updated(): void {
    const shift = -(this.offset % kLineHeight);
    for (const column of this.querySelectorAll<HTMLElement>('.editor-lines')) {
      column.style.transform = `translateY(${shift}px)`;
    }
  }

  protected override render(): TemplateResult {
    const first = Math.floor(this.offset / kLineHeight) + 1;
    const total = this.text.split('\n').length;
    const lines: number[] = [];
    for (let line = first; line <= Math.min(total, first + this.rows + kOverscan); line++) lines.push(line);
    const number = (line: number): TemplateResult => {
      const mark = this.byLine.get(line);
      return html`<span class="editor-line ${mark?.kind ?? ''}">${line}</span>`;
    };
    const reading = (line: number): TemplateResult => {
      const mark = this.byLine.get(line);
      return html`<span class="editor-line ${mark?.kind ?? ''}">${mark?.reading ?? ''}</span>`;
    };
    return html`
      <div class="editor-numbers" aria-hidden="true"><div class="editor-lines">${lines.map(number)}</div></div>
      <textarea
        wrap="off"
        spellcheck="false"
        autocapitalize="off"
        autocomplete="off"
        .value=${this.text}
        aria-label=${this.label}
        aria-describedby=${this.describedBy}
        placeholder=${this.hint}
        @input=${this.onInput}
        @scroll=${this.onScroll}
      ></textarea>
      <div class="editor-readings" aria-hidden="true"><div class="editor-lines">${lines.map(reading)}</div></div>
    `;
  }

  private area(): HTMLTextAreaElement | null {
    return this.querySelector('textarea');
  }

  private readonly onInput = (event: Event): void => {
    const { value } = event.target as HTMLTextAreaElement;
    this.text = value;
    this.dispatchEvent(new CustomEvent<string>('edit', { detail: value }));
  };

  private readonly onScroll = (event: Event): void => {
    this.offset = (event.target as HTMLTextAreaElement).scrollTop;
  };
}

customElements.define('line-editor', LineEditor);

declare global {
  interface HTMLElementTagNameMap {
    'line-editor': LineEditor;
  }
}
