/** What outlives a reload without being in the URL: the user's own text. Kept in this browser only. */

import { kPageSpaces } from './spaces/index.js';
import { kDevices, kUnits, nameOf, originalText, sheetOf, type DeviceId, type Sheet, type State } from './state.js';
import type { Told } from './model/state.js';

/**
 * Each sheet, each list to look up and each setting is an item of its own, named below this one. Tabs see each other's writing late, so one item
 * for all of them, read and written whole, would lose what two tabs write within the same moment.
 */
export const kItems = 'latencast.notebook.3';
/** Everything in one item, as earlier pages wrote it. */
export const kOneItem = 'latencast.notebook.2';

/** What is stored, each item's value as JSON under its name. */
type Items = Map<string, string>;

/** What this tab held when it last read or wrote; what it has not changed since is another tab's to change. */
let held: Items = new Map();

/** False where this browser does not keep it: storage may be full or forbidden. */
export function writeStored(state: State): boolean {
  const mine = itemsOf(state);
  try {
    // Says at once, before there is anything to lose, whether this browser keeps what it is given.
    localStorage.setItem(kItems, '3');
    for (const name of new Set([...held.keys(), ...mine.keys()])) {
      const value = mine.get(name);
      if (held.get(name) === value) continue;
      if (value === undefined) {
        localStorage.removeItem(`${kItems}/${name}`);
        held.delete(name);
      } else {
        localStorage.setItem(`${kItems}/${name}`, value);
        held.set(name, value);
      }
    }
    localStorage.removeItem(kOneItem);
    return true;
  } catch {
    return false;
  }
}

function itemsOf(state: State): Items {
  const { text, trusted, told } = state.model;
  const items = new Map<string, unknown>([['name', state.name], ['theme', state.theme], ['method', state.method], ['models', { text, trusted, told }]]);
  for (const space of kPageSpaces) items.set(`lookups/${space}`, state.lookups[space].text);
  for (const device of kDevices) {
    const { text, unit, trusted = [] } = sheetOf(state, device);
    // Before an example has arrived its sheet is either empty or an earlier draft.
    if (text !== '' && text !== originalText(state, device)) items.set(`sheets/${device}`, { text, unit, trusted });
  }
  return new Map([...items].map(([name, value]) => [name, JSON.stringify(value)]));
}

/** The sheet that another tab has written, for the event of that name; this browser's own are left to the tab that measures it. */
export function sheetFromElsewhere(state: State, { key, newValue }: StorageEvent): readonly [DeviceId, Sheet] | undefined {
  const device = kDevices.find((id) => key === `${kItems}/sheets/${id}`);
  if (!device || nameOf(device) === 'browser') return undefined;
  const sheet = newValue === null ? ({ text: originalText(state, device) ?? '', unit: 'auto' } as const) : readSheet(parsed(newValue));
  if (!sheet) return undefined;
  const name = `sheets/${device}`;
  const mine = itemsOf(state).get(name);
  const unsaved = mine !== held.get(name);
  // What is there now is that tab's, whether it is taken over or what stands here is written over it.
  if (newValue === null) held.delete(name);
  else held.set(name, newValue);
  return unsaved || mine === (newValue ?? undefined) ? undefined : [device, sheet];
}

/** A damaged item is as good as none. */
function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null') as unknown;
  } catch {
    return undefined;
  }
}

/** The members of an object; none where it is something else. */
function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' ? ((value ?? {}) as Record<string, unknown>) : {};
}

/** What an earlier page stored, under the names of today. */
function itemsBefore(): ReadonlyMap<string, unknown> {
  const { lookups, sheets, ...rest } = membersOf(parsed(localStorage.getItem(kOneItem)));
  const below = (name: string, value: unknown): (readonly [string, unknown])[] => Object.entries(membersOf(value)).map(([key, each]) => [`${name}/${key}`, each]);
  return new Map([...Object.entries(rest), ...below('lookups', lookups), ...below('sheets', sheets)]);
}

function readSheet(kept: unknown): Sheet | undefined {
  const { text, unit, trusted } = membersOf(kept);
  if (typeof text !== 'string') return undefined;
  return { text, unit: kUnits.find((each) => each === unit) ?? 'auto', trusted: texts(trusted) };
}

function readTold(kept: unknown): Told {
  const { processor, threads, timed } = membersOf(kept);
  return {
    ...(typeof processor === 'string' ? { processor } : {}),
    threads: typeof threads === 'string' ? threads : '',
    ...(timed === 'inside' ? { timed } : {}),
  };
}

/** Puts what was stored into a fresh state. */
export function readStored(state: State): State {
  let before: ReadonlyMap<string, unknown>;
  const stored = new Map<string, unknown>();
  try {
    before = itemsBefore();
    for (const name of [...itemsOf(state).keys(), ...kDevices.map((device) => `sheets/${device}`)]) {
      stored.set(name, parsed(localStorage.getItem(`${kItems}/${name}`)) ?? before.get(name));
    }
  } catch {
    return state;
  }
  const sheets = { ...state.sheets };
  for (const device of kDevices) {
    const kept = readSheet(stored.get(`sheets/${device}`));
    if (kept?.text) sheets[device] = kept;
  }
  const lookups = { ...state.lookups };
  for (const space of kPageSpaces) {
    const text = stored.get(`lookups/${space}`);
    if (typeof text === 'string') lookups[space] = { text };
  }
  const { text, trusted, told } = membersOf(stored.get('models'));
  const model = {
    ...state.model,
    ...(typeof text === 'string' ? { text } : {}),
    ...(Array.isArray(trusted) ? { trusted: texts(trusted) } : {}),
    told: readTold(told),
  };
  const [name, theme] = [stored.get('name'), stored.get('theme')];
  const found: State = {
    ...state,
    model,
    sheets,
    lookups,
    name: typeof name === 'string' ? name : state.name,
    method: stored.get('method') === 'finetune' ? 'finetune' : 'closed-form',
    theme: theme === 'light' || theme === 'dark' ? theme : 'auto',
  };
  held = itemsOf(found);
  // What stands under its earlier name alone is still to be written under its present one.
  for (const name of before.keys()) held.delete(name);
  return found;
}

/** The texts of a list, whatever stands in its place. */
function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}
