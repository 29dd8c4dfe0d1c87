import type { RawHandle } from '../../wasm/latencast.js';

import { LatencastError } from './errors.js';

/** `Symbol.dispose`, or a stand-in where the runtime has none; there `dispose()` is the way. */
export const kDispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('latencast.dispose');

const forgotten = new FinalizationRegistry<() => void>((free) => free());

/** A resource with one owner: freed by `dispose()`, or when the owner is garbage-collected without it. */
export class Owned<T> {
  #free: (() => void) | undefined;

  /**
   * `free` must not refer to the owner, or it is never collected.
   * `what` names the owner in the error of a late use, e.g. `predictor`.
   */
  constructor(
    private readonly held: T,
    free: (held: T) => void,
    private readonly what: string,
  ) {
    let freed = false;
    this.#free = () => {
      if (!freed) free(held);
      freed = true;
    };
    forgotten.register(this, this.#free, this);
  }

  /** The resource; throws `disposed` after `dispose()`. */
  get value(): T {
    if (!this.#free) {
      throw new LatencastError('disposed', `${this.what}: used after dispose(); expected it to be alive`);
    }
    return this.held;
  }

  /** Frees now; again does nothing. */
  dispose(): void {
    forgotten.unregister(this);
    this.#free?.();
    this.#free = undefined;
  }
}

/** What handles into a module live and die with. */
export interface Owner {
  readonly handles: Set<RawHandle>;
  /** Throws `disposed` once the owner is. */
  alive(): void;
}

/** A handle that is freed with the object that holds it or with the engine, whichever goes first. */
export function own<T extends RawHandle>({ handles }: Owner, raw: T, what: string): Owned<T> {
  handles.add(raw);
  return new Owned(
    raw,
    () => {
      if (handles.delete(raw)) raw.delete();
    },
    what,
  );
}

/** What lives in a module. */
export class Held<T extends RawHandle> {
  readonly #owned: Owned<T>;

  constructor(
    readonly owner: Owner,
    raw: T,
    what: string,
  ) {
    this.#owned = own(owner, raw, what);
  }

  /** Throws `disposed` once it is, or its engine. */
  get raw(): T {
    this.owner.alive();
    return this.#owned.value;
  }

  dispose(): void {
    this.#owned.dispose();
  }

  [kDispose](): void {
    this.dispose();
  }
}
