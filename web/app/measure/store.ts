/** Runs outlive a closed tab: one of each space, and one of kernels, in this browser only. */

import { openDB, type IDBPDatabase } from 'idb';
import type { AnyRun, Run } from './run.js';

const kName = 'latencast';
const kRuns = 'browser-runs-1';

let opened: Promise<IDBPDatabase> | undefined;

function database(): Promise<IDBPDatabase> {
  opened ??= openDB(kName, 1, {
    upgrade(db) {
      db.createObjectStore(kRuns);
    },
  });
  return opened;
}

/** Undefined where there is none, and where this browser keeps nothing (some do not in private windows). */
export async function readRun<S extends string>(space: S): Promise<Run<S> | undefined> {
  try {
    const run = (await (await database()).get(kRuns, space)) as Run<S> | undefined;
    // Runs kept from before networks were chosen one by one have all of theirs.
    return run && { ...run, wanted: run.wanted ?? run.measured.architectures.length };
  } catch {
    return undefined;
  }
}

/** False where this browser does not keep it. */
export async function writeRun(run: AnyRun): Promise<boolean> {
  try {
    await (await database()).put(kRuns, run, run.space);
    return true;
  } catch {
    return false;
  }
}

export async function deleteRun(space: string): Promise<void> {
  try {
    await (await database()).delete(kRuns, space);
  } catch {
    // There is none then.
  }
}
