import { render } from 'lit';
import { Effects } from './effects.js';
import { keepOffline } from './offline.js';
import { initialState, readAddress, reduce, writeAddress, type Action, type State } from './state.js';
import { readStored, sheetFromElsewhere, writeStored } from './storage.js';
import { page } from './views/page.js';

const root = document.getElementById('page');

let state: State = reduce(readStored(initialState()), { type: 'address', address: readAddress(location.hash) });
let frame = 0;
let storing: ReturnType<typeof setTimeout> | undefined;

const effects = new Effects(send, () => state);

/** The only way the state changes. */
function send(action: Action): void {
  const before = state;
  state = reduce(state, action);
  if (state !== before) paintSoon();
  effects.react(action);
}

function paintSoon(): void {
  if (frame === 0) frame = requestAnimationFrame(paint);
}

function paint(): void {
  frame = 0;
  if (state.theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = state.theme;
  render(page(state, send), root as HTMLElement);
  const address = writeAddress(state);
  if (address !== location.hash.replace(/^#/, '')) {
    history.replaceState(null, '', address === '' ? location.pathname + location.search : `#${address}`);
  }
  clearTimeout(storing);
  storing = setTimeout(keep, 200);
}

let keeps = true;

function keep(): void {
  const before = keeps;
  keeps = writeStored(state);
  if (before && !keeps) {
    const text = 'This browser keeps nothing for the page: its storage is full or blocked. Save the predictor, or copy your measurements, before you leave.';
    send({ type: 'notice', notice: { kind: 'error', text } });
  }
}

/** Called by start.ts. */
export function start(): void {
  if (!root) throw new Error('index.html has no element #page');
  // What first.html put there gives way to the same, alive, before the next frame is painted.
  root.replaceChildren();
  root.inert = false;

  addEventListener('storage', (event) => {
    const sheet = sheetFromElsewhere(state, event);
    if (sheet) send({ type: 'adopt', sheet });
  });
  addEventListener('hashchange', () => send({ type: 'address', address: readAddress(location.hash) }));
  addEventListener('pagehide', () => writeStored(state));

  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    document.body.classList.add('drop-here');
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) document.body.classList.remove('drop-here');
  });
  addEventListener('drop', (event) => {
    document.body.classList.remove('drop-here');
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    send({ type: 'open-file', file });
  });

  // A model's file, or a short one as text, wherever nothing else takes it.
  addEventListener('paste', (event) => {
    if (state.mode !== 'model' || !event.clipboardData || (event.target as Element).closest('input, textarea')) return;
    const [file] = event.clipboardData.files;
    const text = event.clipboardData.getData('text');
    if (file) send({ type: 'open-file', file });
    else if (text.trim() !== '') send({ type: 'model', action: { type: 'open', file: new File([text], 'pasted text') } });
    else return;
    event.preventDefault();
  });

  paintSoon();
  // What the page itself waits for comes first.
  void effects.start().then(() => {
    if (import.meta.env.PROD) void keepOffline(send);
  });
}
