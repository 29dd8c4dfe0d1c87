/** A table outlives a closed tab, in this browser only: too large for the address, and for what else is stored there. */

import { openDB, type IDBPDatabase } from 'idb';
import type { TableSource } from './state.js';

const kName = 'latencast-tables';
const kTables = 'tables-1';
const kOnly = 'mine';

let opened: Promise<IDBPDatabase> | undefined;

function database(): Promise<IDBPDatabase> {
  opened ??= openDB(kName, 1, {
    upgrade(db) {
      db.createObjectStore(kTables);
    },
  });
  return opened;
}

/** Undefined where there is none, and where this browser keeps nothing (some do not in private windows). */
export async function readSource(): Promise<TableSource | undefined> {
  try {
    return (await (await database()).get(kTables, kOnly)) as TableSource | undefined;
  } catch {
    return undefined;
  }
}

export async function writeSource(source: TableSource): Promise<void> {
  try {
    await (await database()).put(kTables, source, kOnly);
  } catch {
    // The page works without it.
  }
}
