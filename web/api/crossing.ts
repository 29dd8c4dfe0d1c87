/** Texts as they cross to the raw modules and back. */

import type { Json, List, RawBelief } from '../../wasm/latencast.js';

import type { Intervals, Measurement } from './types.js';

// A line end inside a text would make two items of it; as a space it stays one, which is refused and quoted.
export function toList(items: readonly string[]): List {
  return items.map((item) => wellFormed(item).replace(/[\r\n]+/g, ' ') + '\n').join('');
}

// Half a surrogate pair has no UTF-8; embind would take the next character for the other half.
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

export function fromList(list: List): string[] {
  return list.split('\n').slice(0, -1);
}

export function parseJson<T>(text: Json<T>): T {
  return JSON.parse(text) as T;
}

export function toJson<T>(value: T): Json<T> {
  return JSON.stringify(value);
}

export function intervalsOf(beliefs: readonly RawBelief[]): Intervals {
  const column = (name: keyof RawBelief) => Float64Array.from(beliefs, (one) => one[name]);
  return { low: column('low'), latency_ms: column('latency_ms'), high: column('high') };
}

/** The errors that measurements state as the module takes them; undefined where none does. */
export function errorsOf(measurements: readonly Measurement[]): readonly number[] | undefined {
  return measurements.some(({ relative_error = 0 }) => relative_error > 0)
    ? measurements.map(({ relative_error = 0 }) => relative_error)
    : undefined;
}
