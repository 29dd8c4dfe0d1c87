/** Rows of a table as the text that the engine reads, and names in it. */

import { LatencastError } from './errors.js';
import type { ParsedArchitecture, TableRows } from './types.js';

/** As CSV. Throws `argument` where there are no rows. */
export async function tableText(table: TableRows): Promise<string> {
  if (typeof table === 'string') return table;
  const columns = [...new Set(table.flatMap((row) => Object.keys(row)))];
  if (columns.length === 0) throw new LatencastError('argument', `table: found ${table.length} rows without columns; expected at least 2 architectures`);
  // Of use to few, so it is fetched by them.
  const { default: Papa } = await import('papaparse');
  return Papa.unparse({ fields: columns, data: table.map((row) => columns.map((column) => row[column] ?? '')) }, { newline: '\n' });
}

/** Rows of a table by their names, blanks around them aside. */
export class RowNames {
  readonly #rows: ReadonlyMap<string, number>;

  constructor(private readonly names: readonly string[]) {
    this.#rows = new Map(names.map((name, row) => [name, row]));
  }

  parse(texts: readonly string[]): ParsedArchitecture[] {
    return texts.map((text) => {
      const index = this.#rows.get(text) ?? this.#rows.get(text.trim());
      if (index !== undefined) return { ok: true, architecture: this.names[index]!, index };
      const message = `found ${JSON.stringify(text)}; expected the name of one of the table's ${this.names.length} rows, such as ${JSON.stringify(this.names[0])}`;
      return { ok: false, message };
    });
  }

  /** Throws `architecture`. */
  rows(names: readonly string[]): number[] {
    return this.parse(names).map((found) => {
      if (found.ok) return found.index;
      throw new LatencastError('architecture', `table: ${found.message}`);
    });
  }
}
