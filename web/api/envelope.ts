/** Failures as they cross from the raw modules and from the worker: as data. */

import type { Envelope } from '../../wasm/latencast.js';

import { asLatencastError, LatencastError } from './errors.js';
import type { ErrorCode } from './types.js';

/** The value of an envelope, or its error thrown. */
export function unwrap<T>(envelope: Envelope<T>): T {
  if (envelope.error) throw new LatencastError(envelope.error.code as ErrorCode, envelope.error.message);
  return envelope.value;
}

/** Calls the raw module: its failures arrive as envelopes, and a trap or a misuse of embind as a foreign exception. */
export function ask<T>(call: () => Envelope<T>): T {
  try {
    return unwrap(call());
  } catch (caught) {
    throw asLatencastError(caught);
  }
}

/** The reverse of `unwrap`, for a side that must answer and cannot throw. */
export async function enclose<T>(work: () => T | Promise<T>): Promise<Envelope<T>> {
  try {
    return { value: await work() };
  } catch (caught) {
    const { code, message } = asLatencastError(caught);
    return { error: { code, message } };
  }
}
