#!/usr/bin/env node
/** The command line of the package. Ends with 0, with 1 where the work failed, with 2 where it was asked for wrongly. */
import { LatencastError } from '../api/index.js';
import { evaluate } from './commands/evaluate.js';
import { kernels } from './commands/kernels.js';
import { kit } from './commands/kit.js';
import { predict } from './commands/predict.js';
import { search } from './commands/search.js';
import { table } from './commands/table.js';
import { transfer } from './commands/transfer.js';
import { print, say, version } from './files.js';
import { hint } from './nearest.js';
import { read, usage, UsageError, type Command } from './options.js';

const kCommands: readonly Command[] = [kit, transfer, predict, search, table, evaluate, kernels];

function overview(): string {
  const lines = kCommands.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`);
  return `latencast: how fast will this network run on your device?\n\nUsage: latencast COMMAND [options]\n\n${lines.join('\n')}\n\nlatencast COMMAND --help says more; latencast --version says which this is.\n`;
}

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === '--help' || name === '-h' || name === 'help') return print(overview());
  if (name === '--version') return print(`${version()}\n`);
  const command = kCommands.find((each) => each.name === name);
  if (!command) {
    const found = name === undefined ? 'no command' : `the command ${JSON.stringify(name)}`;
    const known = kCommands.map((each) => each.name);
    throw new UsageError(`${found} found; expected ${known.join(', ')}${hint(name ?? '', known)}`);
  }
  try {
    const asked = read(command, args);
    if (asked) await command.run(asked.given, asked.rest);
    else print(usage(command));
  } catch (caught) {
    if (!(caught instanceof UsageError)) throw caught;
    throw new UsageError(`${command.name}: ${caught.message}\nlatencast ${command.name} --help lists what it accepts`);
  }
}

// A reader such as `head` may have seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await main(process.argv.slice(2));
} catch (caught) {
  if (caught instanceof UsageError || caught instanceof LatencastError) say(`latencast: ${caught.message}`);
  else say(`latencast: ${caught instanceof Error ? (caught.stack ?? caught.message) : String(caught)}`);
  process.exitCode = caught instanceof UsageError ? 2 : 1;
}
