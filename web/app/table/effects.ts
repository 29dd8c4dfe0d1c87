/** What a table of the user's own takes of the engine, of files and of this browser's memory. */

import { LatencastError, writeMeasurements, type Engine, type Measurement, type OwnTable, type TableOptions } from '../../api/index.js';
import type { SpaceTable, TableColumnValues } from '../spaces/table.js';
import type { Mark } from '../state.js';
import { readSource, writeSource } from './store.js';
import { currentTableCheck, sourceOf, tableOptions, type OwnTableAction, type OwnTableState, type Roles, type TableCheck, type TableExample } from './state.js';

const kTypingPause = 250; // ms after the last key before the table is read again
const kKeepingPause = 400; // ms before it is stored

export interface TableHost {
  readonly send: (action: OwnTableAction) => void;
  readonly state: () => OwnTableState;
  readonly started: () => Promise<Engine>;
  /** A table that can be used; takes the place of the one before, which is to be disposed. */
  readonly opened: (table: OwnTable, rows: SpaceTable) => void;
  readonly failed: (what: string, caught: unknown) => void;
}

export class TableEffects {
  private shown = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private keeping: ReturnType<typeof setTimeout> | undefined;
  /** Reading of one text at a time. */
  private reading: { readonly text: string; readonly roles: Roles } | undefined;

  constructor(private readonly host: TableHost) {}

  /** Once the space is shown: the table of the last visit. */
  async show(): Promise<void> {
    if (this.shown) return;
    this.shown = true;
    const kept = await readSource();
    // What was written meanwhile is newer.
    if (kept && this.host.state().text === '') this.host.send({ type: 'restored', source: kept });
    else this.readSoon(0);
  }

  /** With another engine, as the one before has stopped. */
  restart(): void {
    this.reading = undefined;
    if (this.shown) this.readSoon(0);
  }

  react(action: OwnTableAction): void {
    switch (action.type) {
      case 'text':
        this.readSoon(kTypingPause);
        break;
      case 'ask-example':
        void this.example();
        return;
      case 'checked':
        return;
      case 'role':
      case 'replace':
      case 'restored':
      case 'undo':
      case 'example':
        this.readSoon(0);
        break;
    }
    clearTimeout(this.keeping);
    if (action.type !== 'restored') this.keeping = setTimeout(() => void writeSource(sourceOf(this.host.state())), kKeepingPause);
  }

  private readSoon(pause: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), pause);
  }

  private async read(): Promise<void> {
    const state = this.host.state();
    const { text, roles } = state;
    const same = this.reading?.text === text && this.reading.roles === roles;
    if (text.trim() === '' || currentTableCheck(state) || same) return;
    this.reading = { text, roles };
    try {
      const engine = await this.host.started();
      const { check, options } = await checkTable(engine, text, roles);
      const table = isUsable(check) ? await engine.openTable(text, options) : undefined;
      const rows = table && (await rowsOf(table));
      if (this.reading.text !== text || this.reading.roles !== roles) {
        table?.dispose();
        return;
      }
      this.host.send({ type: 'checked', check });
      if (table && rows) this.host.opened(table, rows);
    } catch (caught) {
      this.host.failed('The table could not be read', caught);
    } finally {
      if (this.reading?.text === text && this.reading.roles === roles) this.reading = undefined;
    }
  }

  private async example(): Promise<void> {
    try {
      this.host.send({ type: 'example', example: await loadExample() });
    } catch (caught) {
      this.host.failed('The example could not be loaded', caught);
    }
  }
}

function isUsable({ marks, problems }: TableCheck): boolean {
  return problems.length === 0 && marks.every(({ kind }) => kind !== 'bad');
}

/** Asks how a table is read: once for its headings, which say how the columns are usually meant, and once with that. */
export async function checkTable(engine: Engine, text: string, roles: Roles): Promise<{ check: TableCheck; options: TableOptions }> {
  const { columns: found } = await engine.sketchTable(text);
  const options = tableOptions(roles, found.map(({ heading }) => heading));
  const { rows, columns, problems } = await engine.sketchTable(text, options);
  const marks = problems.flatMap(({ line, message }): Mark[] =>
    line === 0 ? [] : [{ line, kind: 'bad', reading: '!', message: withoutPlace(message), fixes: [] }],
  );
  const whole = problems.flatMap(({ line, message }) => (line === 0 ? [withoutPlace(message)] : []));
  return { check: { text, roles, rows, columns, marks, problems: whole }, options };
}

/** The line stands before it anyway. */
function withoutPlace(message: string): string {
  const plain = message.replace(/^table(?: line \d+)?(?:, |: )/, '');
  return plain.charAt(0).toUpperCase() + plain.slice(1).replace(/[^.?]$/, '$&.');
}

/** The rows as the page shows them. */
async function rowsOf(table: OwnTable): Promise<SpaceTable> {
  const { names, columns } = table.info;
  const told = columns.map(async ({ heading, kind }): Promise<TableColumnValues[]> => {
    if (kind === 'words') return [{ heading, kind, values: await table.words(heading) }];
    const numeric = kind === 'numbers' || kind === 'quality' || kind === 'device';
    return numeric ? [{ heading, kind, values: await table.values(heading) }] : [];
  });
  return {
    space: 'table',
    architectures: names,
    macs: new Float64Array(),
    params: new Float64Array(),
    indexOf: new Map(names.map((name, row) => [name, row])),
    shipped: names.length,
    columns: (await Promise.all(told)).flat(),
  };
}

/** `transformers.json`, as `make-table-example.mjs` writes it. */
interface ExampleFile {
  readonly title: string;
  readonly origin: string;
  readonly ignored: readonly string[];
  readonly measurements: readonly Measurement[];
}

async function loadExample(): Promise<TableExample> {
  const [text, file] = await Promise.all([
    get('transformers.csv').then((response) => response.text()),
    get('transformers.json').then((response) => response.json() as Promise<ExampleFile>),
  ]);
  return {
    text,
    filename: 'transformers.csv',
    origin: file.origin,
    roles: Object.fromEntries(file.ignored.map((heading) => [heading, 'ignored' as const])),
    measurements: `# ${file.title}\n${writeMeasurements(file.measurements)}`,
  };
}

async function get(name: string): Promise<Response> {
  const response = await fetch(new URL(`examples/table/${name}`, document.baseURI));
  if (!response.ok) throw new LatencastError('load', `${name}: the server answered ${response.status} ${response.statusText}`);
  return response;
}
