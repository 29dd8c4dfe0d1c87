/** What outlives a reload without being in the URL: the user's own text. Kept in this browser only. */

import { kPageSpaces, type PageSpace } from './spaces/index.js';
import { kDevices, kUnits, originalText, sheetOf, type DeviceId, type Sheet, type State, type Theme } from './state.js';
import type { Method } from '../api/index.js';

const kKey = 'latencast.notebook.2';

interface Stored {
  name?: string;
  theme?: Theme;
  method?: Method;
  lookups?: Partial<Record<PageSpace, string>>;
  /** Measurements of whole models. */
  models?: { text: string; trusted: readonly string[] };
  sheets?: Partial<Record<DeviceId, { text: string; unit: Sheet['unit']; trusted?: readonly string[] }>>;
}

export function writeStored(state: State): void {
  const sheets: NonNullable<Stored['sheets']> = {};
  for (const device of kDevices) {
    const { text, unit, trusted = [] } = sheetOf(state, device);
    // Before an example has arrived its sheet is either empty or an earlier draft.
    if (text !== '' && text !== originalText(state, device)) sheets[device] = { text, unit, trusted };
  }
  const lookups = Object.fromEntries(kPageSpaces.map((space) => [space, state.lookups[space].text]));
  const { text, trusted } = state.model;
  const models = { text, trusted };
  const stored: Stored = { name: state.name, theme: state.theme, method: state.method, lookups, models, sheets };
  try {
    localStorage.setItem(kKey, JSON.stringify(stored));
  } catch {
    // Storage may be full or forbidden; the page works without it.
  }
}

/** Puts what was stored into a fresh state; a damaged entry is as good as none. */
export function readStored(state: State): State {
  let stored: Stored;
  try {
    stored = (JSON.parse(localStorage.getItem(kKey) ?? '{}') ?? {}) as Stored;
  } catch {
    return state;
  }
  const sheets = { ...state.sheets };
  for (const device of kDevices) {
    const kept = stored.sheets?.[device];
    const unit = kUnits.find((each) => each === kept?.unit) ?? 'auto';
    if (typeof kept?.text === 'string') sheets[device] = { text: kept.text, unit, trusted: texts(kept.trusted) };
  }
  const lookups = { ...state.lookups };
  for (const space of kPageSpaces) {
    const text = stored.lookups?.[space];
    if (typeof text === 'string') lookups[space] = { text };
  }
  const { text, trusted } = stored.models ?? {};
  const model = {
    ...state.model,
    ...(typeof text === 'string' ? { text } : {}),
    ...(Array.isArray(trusted) ? { trusted: texts(trusted) } : {}),
  };
  return {
    ...state,
    model,
    sheets,
    lookups,
    name: typeof stored.name === 'string' ? stored.name : state.name,
    method: stored.method === 'finetune' ? 'finetune' : 'closed-form',
    theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'auto',
  };
}

/** The texts of a list, whatever stands in its place. */
function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}
