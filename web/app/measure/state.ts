/** What the page shows of measuring this browser, for one space or by its kernels; `reduceBrowser` is the only way it changes. */

import type { Accuracy } from '../../api/index.js';
import type { AnyRun, Run } from './run.js';
import type { Setting } from './setting.js';

export interface BrowserState<R extends AnyRun = Run> {
  /** `starting`: networks are being chosen and the runtime fetched; `waiting`: the tab is in the background. */
  readonly status: 'idle' | 'starting' | 'running' | 'waiting' | 'stopped' | 'finished';
  /** For the next run. */
  readonly setting: Setting;
  readonly run?: R;
  /** Of the predictions, on the networks of the proof. */
  readonly accuracy?: Accuracy;
  /** Why it stopped, where that was not asked for. */
  readonly failure?: string;
}

export type BrowserAction<R extends AnyRun = Run> =
  | { readonly type: 'setting'; readonly setting: Setting }
  /** Begins, or goes on where it was. */
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  /** Forgets what was measured and begins anew. */
  | { readonly type: 'again' }
  | { readonly type: 'status'; readonly status: BrowserState['status'] }
  | { readonly type: 'run'; readonly run: R }
  | { readonly type: 'accuracy'; readonly accuracy: Accuracy }
  | { readonly type: 'failed'; readonly message: string };

export const kInitialBrowser: Omit<BrowserState, 'run'> = { status: 'idle', setting: { provider: 'wasm', threads: 1, effort: 'thorough' } };

export function isBusy({ status }: Pick<BrowserState, 'status'>): boolean {
  return status === 'starting' || status === 'running' || status === 'waiting';
}

export function reduceBrowser<R extends AnyRun>(state: BrowserState<R>, action: BrowserAction<R>): BrowserState<R> {
  switch (action.type) {
    case 'setting':
      return { ...state, setting: action.setting };
    case 'start': {
      const { failure: _, ...rest } = state;
      return isBusy(state) ? state : { ...rest, status: 'starting' };
    }
    case 'again':
      return isBusy(state) ? state : { status: 'starting', setting: state.setting };
    case 'stop':
      return isBusy(state) ? { ...state, status: 'stopped' } : state;
    case 'status':
      return { ...state, status: action.status };
    case 'run':
      return { ...state, run: action.run, setting: action.run.setting };
    case 'accuracy':
      return { ...state, accuracy: action.accuracy };
    case 'failed':
      return { ...state, status: 'stopped', failure: action.message };
  }
}
