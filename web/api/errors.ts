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

export function cancelled(where: string): LatencastError {
  return new LatencastError('cancelled', `${where}: cancelled by the caller`);
}
