import { checkTableMeasurements, type Doubt, type OwnTable, type TablePredictor } from '../../api/index.js';
import { kCommon, measurementsBy, print, printJson, readText, say, withEngine } from '../files.js';
import { command, UsageError } from '../options.js';

export const table = command({
  name: 'table',
  summary: 'a search space of your own: latency of every row of a table on a new device, as CSV',
  options: {
    table: { type: 'text', required: true, help: 'CSV with a row for each architecture: a name, what describes it, and latencies of known devices; -: standard input' },
    measurements: { type: 'text', help: 'lines of name and latency; left out, what is believed of every device; -: standard input' },
    name: { type: 'text', help: 'column of the names; left out, name, arch or id, else rows are numbered from 1' },
    devices: { type: 'texts', commas: true, help: 'columns with latencies of known devices in ms, besides those called latency_ms:NAME' },
    ignore: { type: 'texts', commas: true, help: 'columns that describe nothing' },
    quality: { type: 'text', help: 'column of what is to be large; describes nothing' },
    limit: { type: 'numbers', least: 0, help: 'upper limits in ms: the best rows within them; needs --quality' },
    next: { type: 'number', whole: true, least: 1, help: 'rows to propose for measuring' },
    trust: { type: 'numbers', whole: true, least: 1, help: 'measurements never to be set aside, from 1' },
    json: kCommon.json,
  },
  run: ({ table: path, measurements, name, devices, ignore, quality, limit, next, trust, json }) =>
    withEngine(async (engine) => {
      if (limit.length > 0 && quality === undefined) throw new UsageError('--limit: what is best takes --quality');
      if (path === '-' && measurements === '-') throw new UsageError('--measurements: standard input has the table already');
      const opened = await engine.openTable(readText(path), {
        path: path === '-' ? 'standard input' : path,
        ...(name !== undefined && { name }),
        devices,
        ignored: ignore,
        qualities: quality === undefined ? [] : [quality],
      });
      const mine = await adapted(opened, measurements, trust);
      const { low, latency_ms, high } = await mine.intervals();
      const { left_out: _, ...review } = await mine.review();
      const proposed = next === undefined ? undefined : await mine.next({ count: next });
      const best = limit.length > 0 ? (await mine.search(limit)).best : [];
      const rows = opened.info.names.map((row, i) => ({ name: row, latency_ms: latency_ms[i]!, low_ms: low[i]!, high_ms: high[i]! }));
      const found = limit.map((limit_ms, i) => ({ limit_ms, best: best[i] ?? null }));
      if (json) {
        printJson({ estimates: rows, review, ...(proposed && { next: proposed }), ...(limit.length > 0 && { best: found }) });
        return;
      }
      const line = ({ name: row, latency_ms: ms, low_ms, high_ms }: (typeof rows)[number]): string =>
        [field(row), ...[ms, low_ms, high_ms].map((value) => Number(value.toPrecision(9)))].join(',');
      print(`name,latency_ms,low_ms,high_ms\n${rows.map((row) => `${line(row)}\n`).join('')}`);
      tell(mine.info.measurements.length, review);
      if (proposed) say(`measure next: ${proposed.architectures.map(field).join(', ')} (lets expect an error smaller by ${percent(proposed.worth)})`);
      for (const { limit_ms, best: one } of found) {
        say(`best within ${limit_ms} ms: ${one ? `${field(one.architecture)}, ${one.latency_ms.toPrecision(4)} ms, ${quality} ${one.quality}` : 'no row is that fast'}`);
      }
    }),
});

async function adapted(table: OwnTable, measurements: string | undefined, trust: readonly number[]): Promise<TablePredictor> {
  const trusted = trust.map((place) => place - 1);
  if (measurements === undefined) return table.transfer([], { trusted });
  const { measurements: read, quantity } = await measurementsBy((text) => checkTableMeasurements(table, text), measurements);
  return table.transfer(read, { quantity, trusted });
}

function tell(measurements: number, review: { readonly expected_spearman: number; readonly expected_error: number; readonly doubts: readonly Doubt[] }): void {
  say(`from ${measurements} measurements: expected rank correlation ${review.expected_spearman.toFixed(3)}, median error ${percent(review.expected_error)}`);
  for (const { message, set_aside } of review.doubts) say(`${message}${set_aside ? ' (set aside)' : ''}`);
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** As CSV. */
const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
