import { html, type TemplateResult } from 'lit';

/** Tabs over the element `panel`; the first where `chosen` is none of them. Arrow keys go from one to the next. */
export function tabList<T extends string>(
  shown: readonly T[],
  titles: Readonly<Record<T, string>>,
  chosen: T,
  choose: (tab: T) => void,
): TemplateResult {
  const current = shown.find((tab) => tab === chosen) ?? shown[0];
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    // Focus moves at once and the page a frame later, so quick presses count from where the focus is.
    const here = shown.findIndex((tab) => `tab-${tab}` === (event.target as HTMLElement).id);
    const next = shown[(here + step + shown.length) % shown.length] ?? chosen;
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label="Views" @keydown=${onKey}>
    ${shown.map(
      (tab) =>
        html`<button
          type="button"
          role="tab"
          id="tab-${tab}"
          aria-controls="panel"
          aria-selected=${tab === current}
          tabindex=${tab === current ? 0 : -1}
          @click=${() => choose(tab)}
        >
          ${titles[tab]}
        </button>`,
    )}
  </div>`;
}
