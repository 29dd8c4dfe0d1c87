/** The text of a table of the user's own, and how its columns are to be read. No DOM, no engine. */

import type { TableColumn, TableOptions } from '../../api/index.js';
import type { Mark } from '../state.js';

/** What a column may be. `describes`: numbers or words, which the engine tells apart. */
export const kRoles = ['describes', 'name', 'device', 'quality', 'ignored'] as const;
export type Role = (typeof kRoles)[number];

/** By heading, where the user has decided. */
export type Roles = Readonly<Record<string, Role>>;

/** A table as it is kept. */
export interface TableSource {
  readonly text: string;
  readonly filename?: string;
  readonly roles: Roles;
  /** Where it comes from, of the worked example. */
  readonly origin?: string;
}

/** What the engine made of a table. */
export interface TableCheck {
  /** What this was made from; a check of an older text says nothing about the present one. */
  readonly text: string;
  readonly roles: Roles;
  readonly rows: number;
  readonly columns: readonly TableColumn[];
  readonly marks: readonly Mark[];
  /** Problems of no single line. */
  readonly problems: readonly string[];
}

export interface OwnTableState extends TableSource {
  /** What a file, an example or a paste replaced, kept for one-click undo. */
  readonly replaced?: TableSource;
  readonly check?: TableCheck;
}

/** The worked example, as `make-table-example.mjs` writes it. */
export interface TableExample extends TableSource {
  /** Of the measured device. */
  readonly measurements: string;
}

export type OwnTableAction =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'role'; readonly heading: string; readonly role: Role }
  | { readonly type: 'replace'; readonly source: TableSource }
  /** As it was kept from an earlier visit. */
  | { readonly type: 'restored'; readonly source: TableSource }
  | { readonly type: 'undo' }
  | { readonly type: 'checked'; readonly check: TableCheck }
  | { readonly type: 'ask-example' }
  | { readonly type: 'example'; readonly example: TableExample };

export const kNoTable: OwnTableState = { text: '', roles: {} };

/** What is kept of it. */
export function sourceOf({ text, filename, roles, origin }: TableSource): TableSource {
  return { text, roles, ...(filename === undefined ? {} : { filename }), ...(origin === undefined ? {} : { origin }) };
}

export function reduceOwnTable(state: OwnTableState, action: OwnTableAction): OwnTableState {
  switch (action.type) {
    case 'text':
      return { ...state, text: action.text };
    case 'role':
      return { ...state, roles: withRole(state, action.heading, action.role) };
    case 'replace':
      return replace(state, action.source);
    case 'example':
      return replace(state, action.example);
    case 'restored':
      return sourceOf(action.source);
    case 'undo':
      return state.replaced ? sourceOf(state.replaced) : state;
    case 'checked':
      return { ...state, check: action.check };
    case 'ask-example':
      return state;
  }
}

function replace(state: OwnTableState, source: TableSource): OwnTableState {
  const before = state.text.trim() === '' ? state.replaced : sourceOf(state);
  return { ...sourceOf(source), ...(before ? { replaced: before } : {}) };
}

/** One column names the rows; the one that did so far describes them from then on. */
function withRole(state: OwnTableState, heading: string, role: Role): Roles {
  const others = role === 'name' ? (state.check?.columns ?? []).filter(({ kind }) => kind === 'name') : [];
  return { ...state.roles, ...Object.fromEntries(others.map((column) => [column.heading, 'describes' as const])), [heading]: role };
}

/** The check of the present text and roles. */
export function currentTableCheck(state: OwnTableState): TableCheck | undefined {
  return state.check?.text === state.text && state.check.roles === state.roles ? state.check : undefined;
}

/** Headings that the engine takes for the names of rows, and for latencies of known devices. */
const kNames = ['name', 'arch', 'id'];
const kMarked = 'latency_ms:';

/** What a column is by its heading, until the user says otherwise. */
export function usualRole(heading: string, headings: readonly string[]): Role {
  if (kNames.find((name) => headings.includes(name)) === heading) return 'name';
  if (heading.startsWith(kMarked)) return 'device';
  // What is to be known must not describe; a column of that name is more likely the user's own device than a known one.
  if (/^(latency|latency_ms|measured|measured_ms)$/i.test(heading)) return 'ignored';
  if (/latency|_ms$/i.test(heading)) return 'device';
  if (/accuracy|(^|_)(acc|top-?1|top-?5|bleu|miou|map|psnr)($|_)/i.test(heading)) return 'quality';
  return 'describes';
}

/** How the engine is to read a table with these columns. */
export function tableOptions(roles: Roles, headings: readonly string[]): TableOptions {
  const roleOf = (heading: string): Role => roles[heading] ?? usualRole(heading, headings);
  const having = (role: Role): string[] => headings.filter((heading) => roleOf(heading) === role);
  const [name] = having('name');
  return {
    path: 'table',
    ...(name === undefined ? {} : { name }),
    devices: having('device').filter((heading) => !heading.startsWith(kMarked)),
    qualities: having('quality'),
    ignored: having('ignored'),
  };
}
