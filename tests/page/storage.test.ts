import { beforeEach, describe, expect, test, vi } from 'vitest';

import { initialState, mine, reduce, type State } from '../../web/app/state.js';
import { kOneItem } from '../../web/app/storage.js';

/** What a browser keeps, and what each of its tabs knows of it: tabs learn late of what others write. */
let kept: Map<string, string>;

class Tab {
  private readonly seen = new Map(kept);
  private constructor(
    private readonly storage: typeof import('../../web/app/storage.js'),
    public state: State,
  ) {}

  static async open(): Promise<Tab> {
    vi.resetModules();
    const tab = new Tab(await import('../../web/app/storage.js'), initialState());
    tab.state = tab.within(() => tab.storage.readStored(tab.state));
    return tab;
  }

  write(state: State): boolean {
    this.state = state;
    return this.within(() => this.storage.writeStored(state));
  }

  /** Learns what became of the item: what the browser's event says. */
  learn(key: string): void {
    const newValue = kept.get(key) ?? null;
    if (newValue === null) this.seen.delete(key);
    else this.seen.set(key, newValue);
    const sheet = this.storage.sheetFromElsewhere(this.state, { key, newValue } as StorageEvent);
    if (sheet) this.state = reduce(this.state, { type: 'adopt', sheet });
  }

  private within<T>(work: () => T): T {
    const { seen } = this;
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => seen.get(key) ?? null,
      setItem: (key: string, value: string) => [seen, kept].forEach((each) => each.set(key, value)),
      removeItem: (key: string) => [seen, kept].forEach((each) => each.delete(key)),
    });
    try {
      return work();
    } finally {
      vi.unstubAllGlobals();
    }
  }
}

function withText(state: State, device: State['device'], text: string): State {
  return { ...state, sheets: { ...state.sheets, [device]: { text, unit: 'auto' } } };
}

beforeEach(() => void (kept = new Map()));

describe('what is stored', () => {
  test('two tabs that write in the same moment lose nothing', async () => {
    const [first, second] = [await Tab.open(), await Tab.open()];
    expect(first.write(withText(first.state, mine('nb201'), '421211, 1'))).toBe(true);
    expect(second.write({ ...withText(second.state, mine('fbnet'), '0, 2'), name: 'board' })).toBe(true);
    const { state } = await Tab.open();
    expect([state.sheets[mine('nb201')]?.text, state.sheets[mine('fbnet')]?.text, state.name]).toEqual(['421211, 1', '0, 2', 'board']);
  });

  test('a sheet is taken over from another tab, emptied too, but not over what is not yet stored', async () => {
    const device = mine('nb201');
    const [first, second] = [await Tab.open(), await Tab.open()];
    const learn = (): void => [...kept.keys(), `${[...kept.keys()][0]}/sheets/${device}`].forEach((key) => second.learn(key));
    first.write(withText(first.state, device, '421211, 1'));
    learn();
    expect(second.state.sheets[device]?.text).toBe('421211, 1');
    first.write(withText(first.state, device, ''));
    learn();
    expect(second.state.sheets[device]?.text).toBe('');
    second.state = withText(second.state, device, '333333, 3');
    first.write(withText(first.state, device, '421211, 2'));
    learn();
    expect(second.state.sheets[device]?.text).toBe('333333, 3');
    second.write(second.state);
    expect((await Tab.open()).state.sheets[device]?.text).toBe('333333, 3');
  });

  test('what another tab trusts is trusted here, and not undone by what is written next', async () => {
    const device = mine('nb201');
    const [first, second] = [await Tab.open(), await Tab.open()];
    const sheet = { text: '421211, 1', unit: 'auto' } as const;
    const learn = (): void => [...kept.keys()].forEach((key) => second.learn(key));
    first.write({ ...first.state, sheets: { ...first.state.sheets, [device]: sheet } });
    learn();
    first.write({ ...first.state, sheets: { ...first.state.sheets, [device]: { ...sheet, trusted: ['421211'] } } });
    learn();
    second.write({ ...second.state, name: 'board' });
    expect((await Tab.open()).state.sheets[device]?.trusted).toEqual(['421211']);
  });

  test('a sheet that came damaged from another tab leaves this one as it is', async () => {
    const device = mine('nb201');
    const tab = await Tab.open();
    tab.write(withText(tab.state, device, '421211, 1'));
    const key = [...kept.keys()].find((each) => each.endsWith(device))!;
    kept.set(key, '{"text":');
    tab.learn(key);
    expect(tab.state.sheets[device]?.text).toBe('421211, 1');
  });

  test('in one item, by earlier pages, is read and moved', async () => {
    const device = mine('ofa');
    kept.set(kOneItem, JSON.stringify({ name: 'board', theme: 'dark', lookups: { nb201: '421211' }, models: { text: 'resnet18, 4' }, sheets: { [device]: { text: 'x, 1', unit: 'us' } } }));
    for (let visits = 0; visits < 2; ++visits) {
      const tab = await Tab.open();
      const { name, theme, lookups, model, sheets } = tab.state;
      expect([name, theme, lookups.nb201.text, model.text, sheets[device]]).toEqual(['board', 'dark', '421211', 'resnet18, 4', { text: 'x, 1', unit: 'us', trusted: [] }]);
      tab.write(tab.state);
      expect(kept.has(kOneItem)).toBe(false);
    }
  });
});
