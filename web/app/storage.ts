/** What outlives a reload without being in the URL: the user's own text. Kept in this browser only. */

import { kPageSpaces, type PageSpace } from './spaces/index.js';
import { kDevices, kUnits, nameOf, originalText, sheetOf, type DeviceId, type Sheet, type State, type Theme } from './state.js';
import type { Method } from '../api/index.js';
import type { Told } from './model/state.js';

const kKey = 'latencast.notebook.2';

interface Stored {
  name?: string;
  theme?: Theme;
  method?: Method;
  lookups?: Partial<Record<PageSpace, string>>;
  /** Measurements of whole models. */
  models?: { text: string; trusted: readonly string[]; told?: Told };
  sheets?: Partial<Record<DeviceId, { text: string; unit: Sheet['unit']; trusted?: readonly string[] }>>;
}

/** What this tab held when it last read or wrote; what it has not changed since is another tab's to change. */
let held: Stored = {};

/** False where this browser does not keep it: storage may be full or forbidden. */
export function writeStored(state: State): boolean {
  const mine = storedOf(state);
  try {
    const there = read(localStorage.getItem(kKey));
    const stored: Stored = {
      ...changed(held, mine, there),
      lookups: changed(held.lookups ?? {}, mine.lookups ?? {}, there.lookups ?? {}),
      sheets: changed(held.sheets ?? {}, mine.sheets ?? {}, there.sheets ?? {}),
    };
    localStorage.setItem(kKey, JSON.stringify(stored));
    held = mine;
    return true;
  } catch {
    return false;
  }
}

function storedOf(state: State): Stored {
  const sheets: NonNullable<Stored['sheets']> = {};
  for (const device of kDevices) {
    const { text, unit, trusted = [] } = sheetOf(state, device);
    // Before an example has arrived its sheet is either empty or an earlier draft.
    if (text !== '' && text !== originalText(state, device)) sheets[device] = { text, unit, trusted };
  }
  const lookups = Object.fromEntries(kPageSpaces.map((space) => [space, state.lookups[space].text]));
  const { text, trusted, told } = state.model;
  return { name: state.name, theme: state.theme, method: state.method, lookups, models: { text, trusted, told }, sheets };
}

/** What is stored already, with everything in it that this tab has changed. */
function changed<T extends object>(before: T, mine: T, there: T): T {
  const result = { ...there };
  for (const key of new Set([...Object.keys(before), ...Object.keys(mine)]) as Set<keyof T>) {
    if (JSON.stringify(before[key]) === JSON.stringify(mine[key])) continue;
    if (key in mine) result[key] = mine[key];
    else delete result[key];
  }
  return result;
}

/** Sheets that another tab has written since, for the event of that name; this browser's own are left to the tab that measures it. */
export function sheetsFromElsewhere(state: State, { key, newValue }: StorageEvent): readonly (readonly [DeviceId, Sheet])[] {
  if (key !== kKey) return [];
  const there = read(newValue).sheets ?? {};
  const written = storedOf(state).sheets ?? {};
  const found = kDevices.flatMap((device): (readonly [DeviceId, Sheet])[] => {
    const sheet = readSheet(there[device]) ?? (originalText(state, device) === undefined ? { text: '', unit: 'auto' } : undefined);
    const mine = sheetOf(state, device);
    const same = !sheet || (mine.text === sheet.text && mine.unit === sheet.unit);
    const unsaved = JSON.stringify(written[device]) !== JSON.stringify(held.sheets?.[device]);
    return same || unsaved || nameOf(device) === 'browser' ? [] : [[device, sheet]];
  });
  // What is taken over from there is not this tab's change.
  const sheets = { ...held.sheets };
  for (const [device, { text, unit, trusted = [] }] of found) {
    if (text === '') delete sheets[device];
    else sheets[device] = { text, unit, trusted };
  }
  held = { ...held, sheets };
  return found;
}

/** A damaged entry is as good as none. */
function read(text: string | null): Stored {
  try {
    const found: unknown = JSON.parse(text ?? '{}');
    return typeof found === 'object' ? ((found ?? {}) as Stored) : {};
  } catch {
    return {};
  }
}

function readSheet(kept: NonNullable<Stored['sheets']>[DeviceId] | undefined): Sheet | undefined {
  if (typeof kept?.text !== 'string') return undefined;
  const unit = kUnits.find((each) => each === kept.unit) ?? 'auto';
  return { text: kept.text, unit, trusted: texts(kept.trusted) };
}

function readTold(kept: Partial<Told> | undefined): Told {
  const { processor, threads, timed } = kept ?? {};
  return {
    ...(typeof processor === 'string' ? { processor } : {}),
    threads: typeof threads === 'string' ? threads : '',
    ...(timed === 'inside' ? { timed } : {}),
  };
}

/** Puts what was stored into a fresh state. */
export function readStored(state: State): State {
  let stored: Stored;
  try {
    stored = read(localStorage.getItem(kKey));
  } catch {
    return state;
  }
  const sheets = { ...state.sheets };
  for (const device of kDevices) {
    const kept = readSheet(stored.sheets?.[device]);
    if (kept) sheets[device] = kept;
  }
  const lookups = { ...state.lookups };
  for (const space of kPageSpaces) {
    const text = stored.lookups?.[space];
    if (typeof text === 'string') lookups[space] = { text };
  }
  const { text, trusted, told } = stored.models ?? {};
  const model = {
    ...state.model,
    ...(typeof text === 'string' ? { text } : {}),
    ...(Array.isArray(trusted) ? { trusted: texts(trusted) } : {}),
    told: readTold(told),
  };
  const found: State = {
    ...state,
    model,
    sheets,
    lookups,
    name: typeof stored.name === 'string' ? stored.name : state.name,
    method: stored.method === 'finetune' ? 'finetune' : 'closed-form',
    theme: stored.theme === 'light' || stored.theme === 'dark' ? stored.theme : 'auto',
  };
  held = storedOf(found);
  return found;
}

/** The texts of a list, whatever stands in its place. */
function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}
