/** A model's file without its weights: what is read of 100 MB of ONNX is a few hundred kilobytes. */

import { LatencastError } from './errors.js';
import type { ModelFile } from './types.js';

/** Bytes that decide how closely a file is looked at. */
interface Limits {
  /** Smaller files are not worth looking into. */
  readonly whole: number;
  /** Smaller fields are kept. */
  readonly values: number;
}
/** The engine takes constants of at most 4,096 numbers from a file, of at most 10 bytes each. */
const kLimits: Limits = { whole: 1 << 20, values: 1 << 16 };
/** Read at a time. */
const kWindow = 1 << 15;
/** Of a text, which is read whole. */
const kMostText = 1 << 26;

/** A message of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto by field numbers, as far as it matters where the weights are. */
interface Message {
  readonly holds?: Readonly<Record<number, Message>>;
  /** Fields that hold a tensor's values. */
  readonly values?: readonly number[];
}
const kTensor: Message = { values: [4, 5, 6, 7, 9, 10, 11] };
const kSparseTensor: Message = { holds: { 1: kTensor, 2: kTensor } };
const kAttribute: Message = { holds: { 5: kTensor, 10: kTensor, 22: kSparseTensor, 23: kSparseTensor } };
const kGraph: Message = { holds: { 1: { holds: { 5: kAttribute } }, 5: kTensor, 15: kSparseTensor } };
const kModel: Message = { holds: { 7: kGraph } };

/** What the engine needs of a file, in the same format. Throws `model` where an ONNX file ends before its graph does. */
export async function skim(file: ModelFile, limits = kLimits): Promise<Uint8Array> {
  const source = new Source(file);
  if (source.size <= limits.whole) return source.read(0, source.size);
  const head = await source.read(0, kWindow);
  const first = head.find((byte) => ![0x20, 0x09, 0x0d, 0x0a].includes(byte));
  if (first === '{'.charCodeAt(0) || first === '7'.charCodeAt(0)) {
    if (source.size <= kMostText) return source.read(0, source.size);
    throw new LatencastError('model', `model: ${megabytes(source.size)} of text; expected at most ${megabytes(kMostText)}`);
  }
  try {
    return joined(await withoutValues(source, 0, source.size, kModel, limits));
  } catch (caught) {
    if (!(caught instanceof NotProtobuf)) throw caught;
    // The engine knows other formats by their beginnings.
    if (caught.at < head.length) return head;
    throw new LatencastError('model', `model: not readable as ONNX at byte ${caught.at} of ${source.size}; expected a field of a message`);
  }
}

/** No field begins at a byte. */
class NotProtobuf extends Error {
  constructor(readonly at: number) {
    super();
  }
}

/** The pieces of a message, which lies from `from` to `to`. */
async function withoutValues(source: Source, from: number, to: number, message: Message, limits: Limits): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  /** Where what is kept as it stands begins. */
  let kept = from;
  let at = from;
  const keepTo = async (end: number): Promise<void> => {
    if (end > kept) pieces.push(await source.read(kept, end));
  };
  while (at < to) {
    const start = at;
    const key = await varint(source, at, to);
    at = key.end;
    const field = Math.floor(key.value / 8);
    switch (key.value % 8) {
      case 0:
        at = (await varint(source, at, to)).end;
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      case 2: {
        const length = await varint(source, at, to);
        const begin = length.end;
        at = begin + length.value;
        if (at > to) {
          if (message !== kModel || field !== 7) throw new NotProtobuf(start);
          throw new LatencastError(
            'model',
            `model: the file ends after ${megabytes(source.size)}, but its graph goes on to ${megabytes(at)}; expected a complete ONNX file`,
          );
        }
        if (length.value <= limits.values) break;
        const inner = message.holds?.[field];
        if (!inner && !message.values?.includes(field)) break;
        await keepTo(start);
        kept = at;
        if (inner) {
          const parts = await withoutValues(source, begin, at, inner, limits);
          const size = parts.reduce((sum, part) => sum + part.length, 0);
          pieces.push(Uint8Array.from([...bytesOf(key.value), ...bytesOf(size)]), ...parts);
        }
        break;
      }
      default:
        throw new NotProtobuf(start);
    }
  }
  if (at > to) throw new NotProtobuf(to);
  await keepTo(to);
  return pieces;
}

async function varint(source: Source, from: number, to: number): Promise<{ value: number; end: number }> {
  let value = 0;
  for (let at = from, unit = 1; at < to && at < from + 10; ++at, unit *= 128) {
    const byte = source.has(at) ?? (await source.at(at));
    value += (byte & 127) * unit;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new NotProtobuf(from);
}

function bytesOf(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A file read here and there. */
class Source {
  readonly size: number;
  #window: Uint8Array = new Uint8Array();
  #from = 0;

  constructor(private readonly file: ModelFile) {
    this.size = file instanceof Uint8Array ? file.length : file.size;
  }

  async read(from: number, to: number): Promise<Uint8Array> {
    const { file } = this;
    if (file instanceof Uint8Array) return file.subarray(from, to);
    if (from >= this.#from && to <= this.#from + this.#window.length) {
      return this.#window.subarray(from - this.#from, to - this.#from);
    }
    try {
      return new Uint8Array(await file.slice(from, to).arrayBuffer());
    } catch (caught) {
      const reason = caught instanceof Error ? caught.message : String(caught);
      throw new LatencastError('load', `the file could not be read (${reason})`, { cause: caught });
    }
  }

  /** A byte, where it is at hand: most are, and a promise for each would take most of the time. */
  has(at: number): number | undefined {
    return this.#window[at - this.#from];
  }

  async at(at: number): Promise<number> {
    this.#window = await this.read(at, Math.min(at + kWindow, this.size));
    this.#from = at;
    return this.#window[0] ?? 0;
  }
}
