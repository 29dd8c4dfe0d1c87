import type { Envelope } from '../../wasm/latencast.js';
import type { ErrorCode } from './types.js';

/** The one error this package throws. `message` says where, what was found and what was expected. */
export class LatencastError extends Error {
  override readonly name = 'LatencastError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Anything caught, as the one error type; what nobody foresaw becomes `internal`. */
export function asLatencastError(caught: unknown): LatencastError {
  if (caught instanceof LatencastError) return caught;
  const message = caught instanceof Error ? caught.message : String(caught);
  return new LatencastError('internal', message, { cause: caught });
}

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

export function cancelled(where: string): LatencastError {
  return new LatencastError('cancelled', `${where}: cancelled by the caller`);
}
