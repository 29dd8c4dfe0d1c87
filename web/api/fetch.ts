import { cancelled, LatencastError } from './errors.js';
import { nodeBuiltin } from './platform.js';
import type { Cancellable } from './types.js';

export interface FetchOptions extends Cancellable {
  /** Bytes so far, and in all where the server says (NaN otherwise). */
  readonly onProgress?: (received: number, total: number) => void;
}

/**
 * The bytes of a file. Throws `load` where it cannot be had, saying which and why, and `cancelled` after an abort.
 * In Node, `file:` addresses work too.
 */
export async function fetchBytes(url: string | URL, options: FetchOptions = {}): Promise<Uint8Array> {
  const { signal, onProgress } = options;
  const address = String(url);
  try {
    const files = address.startsWith('file:') ? nodeBuiltin('node:fs/promises') : undefined;
    if (files) {
      const bytes = new Uint8Array(await files.readFile(new URL(address), signal && { signal }));
      onProgress?.(bytes.length, bytes.length);
      return bytes;
    }
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok) {
      throw new LatencastError(
        'load',
        `${address}: the server answered ${response.status} ${response.statusText}; expected the file`,
      );
    }
    return await readBody(response, onProgress);
  } catch (caught) {
    if (signal?.aborted) throw cancelled(address);
    if (caught instanceof LatencastError) throw caught;
    const reason = caught instanceof Error ? caught.message : String(caught);
    throw new LatencastError('load', `${address}: could not be fetched (${reason})`, { cause: caught });
  }
}

async function readBody(response: Response, onProgress: FetchOptions['onProgress']): Promise<Uint8Array> {
  if (!onProgress || !response.body) return new Uint8Array(await response.arrayBuffer());
  // The announced length is that of the packed bytes, so it says nothing of what arrives unpacked.
  const announced = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
  const total = announced === null ? NaN : Number(announced);
  const chunks: Uint8Array[] = [];
  let received = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    onProgress((received += value.length), total);
  }
  const bytes = new Uint8Array(received);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
