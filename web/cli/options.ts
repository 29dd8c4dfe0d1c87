/** What a command accepts, how it is read and how it is told. */
import { parseArgs } from 'node:util';

import { expectedOneOf, hint } from './nearest.js';

/** Wrong use of the command line; everything else that fails is an error of the work itself. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Common {
  readonly help: string;
}

/** A value is text; `many` ones may be given several times, or separated by commas. */
export type Option =
  | (Common & { readonly type: 'flag' })
  | (Common & { readonly type: 'text'; readonly one_of?: readonly string[]; readonly fallback?: string; readonly required?: true })
  | (Common & { readonly type: 'number'; readonly fallback?: number; readonly least?: number; readonly whole?: true })
  | (Common & { readonly type: 'texts'; readonly one_of?: readonly string[]; readonly commas?: true; readonly required?: true })
  | (Common & { readonly type: 'numbers'; readonly least?: number; readonly whole?: true });

export type Options = Readonly<Record<string, Option>>;

/** What was given. */
export type Given<T extends Options> = { readonly [K in keyof T]: Value<T[K]> };

type Value<T extends Option> = T extends { type: 'flag' }
  ? boolean
  : T extends { type: 'number' }
    ? number | (T extends { fallback: number } ? never : undefined)
    : T extends { type: 'numbers' }
      ? readonly number[]
      : T extends { type: 'texts' }
        ? readonly string[]
        : string | (T extends { fallback: string } | { required: true } ? never : undefined);

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the options, for the usage; absent where nothing may. */
  readonly rest?: string;
  readonly options: Options;
  readonly run: (given: never, rest: readonly string[]) => Promise<void>;
}

/** A command whose work knows the types of its options. */
export function command<T extends Options>(
  all: Omit<Command, 'options' | 'run'> & {
    readonly options: T;
    readonly run: (given: Given<T>, rest: readonly string[]) => Promise<void>;
  },
): Command {
  return all;
}

/** Throws `UsageError`. Undefined where only help was asked for. */
export function read(command: Command, args: readonly string[]): { given: never; rest: readonly string[] } | undefined {
  const parsed = parse(command, args);
  if (parsed.values['help']) return undefined;
  const given: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(command.options)) given[name] = value(name, option, parsed.values[name]);
  return { given: given as never, rest: parsed.positionals };
}

function parse(command: Command, args: readonly string[]): { values: Readonly<Record<string, unknown>>; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type }]) => [
      name,
      { type: type === 'flag' ? ('boolean' as const) : ('string' as const), multiple: type === 'texts' || type === 'numbers' },
    ]),
  );
  try {
    return parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: command.rest !== undefined,
    });
  } catch (caught) {
    const { message } = caught as Error;
    const [, unknown] = /^Unknown option '(-[^' ]*)'/.exec(message) ?? [];
    if (unknown === undefined) throw new UsageError(message);
    const known = [...Object.keys(command.options), 'help'].map((name) => `--${name}`);
    throw new UsageError(`found the option ${unknown}${hint(unknown, known) || `; ${expectedOneOf(unknown, known)}`}`);
  }
}

function value(name: string, option: Option, found: unknown): unknown {
  switch (option.type) {
    case 'flag':
      return found === true;
    case 'text': {
      const text = (found as string | undefined) ?? option.fallback;
      if (text === undefined && option.required) throw new UsageError(`--${name} is missing; it is ${option.help}`);
      if (text !== undefined) oneOf(name, text, option.one_of);
      return text;
    }
    case 'number':
      return found === undefined ? option.fallback : number(name, found as string, option);
    case 'texts': {
      const given = (found as string[] | undefined) ?? [];
      const texts = option.commas ? given.flatMap((text) => text.split(',')) : given;
      if (texts.length === 0 && option.required) throw new UsageError(`--${name} is missing; it is ${option.help}`);
      for (const text of texts) oneOf(name, text, option.one_of);
      return texts;
    }
    case 'numbers':
      return ((found as string[] | undefined) ?? []).flatMap((text) => text.split(',')).map((text) => number(name, text, option));
  }
}

function oneOf(name: string, text: string, known: readonly string[] | undefined): void {
  if (known && !known.includes(text)) {
    throw new UsageError(`--${name}: ${JSON.stringify(text)} found; ${expectedOneOf(text, known)}`);
  }
}

function number(name: string, text: string, { least, whole }: { readonly least?: number; readonly whole?: true }): number {
  const value = text.trim() === '' ? NaN : Number(text);
  const fits = Number.isFinite(value) && (least === undefined || value >= least) && (!whole || Number.isSafeInteger(value));
  if (fits) return value;
  const kind = whole ? 'a whole number' : 'a number';
  throw new UsageError(`--${name}: ${JSON.stringify(text)} found; expected ${kind}${least === undefined ? '' : ` of at least ${least}`}`);
}

export function usage({ name, summary, rest, options }: Command): string {
  const rows = Object.entries(options).map(([option, what]): [string, string] => [`--${option}${shape(what)}`, `${what.help}${limits(what)}`]);
  rows.push(['--help', 'print this']);
  const wide = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(wide)}  ${right}`);
  return `latencast ${name}: ${summary}\n\nUsage: latencast ${name} [options]${rest === undefined ? '' : ` ${rest}`}\n\n${lines.join('\n')}\n`;
}

function shape({ type }: Option): string {
  return { flag: '', text: ' TEXT', number: ' NUMBER', texts: ' TEXT ...', numbers: ' NUMBER,...' }[type];
}

function limits(option: Option): string {
  if ('required' in option && option.required) return ' (required)';
  if ('fallback' in option && option.fallback !== undefined) return ` (default: ${option.fallback})`;
  return '';
}
