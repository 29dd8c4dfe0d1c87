/**
 * Arrays for NumPy: `.npy` version 1.0, little endian, one dimension (numpy/lib/format.py of NumPy, BSD-3-Clause), and a zip of
 * them, `.npz`. `numpy.load(file)['latency_ms']` reads them back.
 */

import { zipSync } from 'fflate';

/** float64, int64 from whole numbers, or text of at most the longest one's length. */
export type NpyColumn =
  | { readonly kind: 'float'; readonly values: ArrayLike<number> }
  | { readonly kind: 'whole'; readonly values: ArrayLike<number> }
  | { readonly kind: 'text'; readonly values: ArrayLike<string> };

const kAlign = 64;

/** One column as a `.npy` file. Throws a RangeError where a whole number is none. */
export function npy(column: NpyColumn): Uint8Array {
  const { descr, bytes } = bytesOf(column);
  const shape = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${column.values.length},), }`;
  // Magic, version and length take ten bytes; the header ends in a line feed, and the data begin at a multiple of 64.
  const padded = Math.ceil((10 + shape.length + 1) / kAlign) * kAlign - 10;
  const file = new Uint8Array(10 + padded + bytes.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded & 0xff, padded >> 8]);
  file.set(new TextEncoder().encode(`${shape.padEnd(padded - 1)}\n`), 10);
  file.set(bytes, 10 + padded);
  return file;
}

/** Columns by name as a `.npz` file. */
export function npz(columns: Readonly<Record<string, NpyColumn>>): Uint8Array {
  const files = Object.fromEntries(Object.entries(columns).map(([name, column]) => [`${name}.npy`, npy(column)]));
  return zipSync(files, { level: 6 });
}

function bytesOf(column: NpyColumn): { readonly descr: string; readonly bytes: Uint8Array } {
  const { length } = column.values;
  switch (column.kind) {
    case 'float': {
      const view = new DataView(new ArrayBuffer(8 * length));
      for (let i = 0; i < length; i++) view.setFloat64(8 * i, column.values[i]!, true);
      return { descr: '<f8', bytes: new Uint8Array(view.buffer) };
    }
    case 'whole': {
      const view = new DataView(new ArrayBuffer(8 * length));
      for (let i = 0; i < length; i++) view.setBigInt64(8 * i, BigInt(column.values[i]!), true);
      return { descr: '<i8', bytes: new Uint8Array(view.buffer) };
    }
    case 'text': {
      const points = Array.from(column.values, (text) => Array.from(text, (each) => each.codePointAt(0)!));
      // NumPy has no text of length 0.
      const width = points.reduce((most, each) => Math.max(most, each.length), 1);
      const view = new DataView(new ArrayBuffer(4 * width * length));
      points.forEach((each, i) => each.forEach((point, j) => view.setUint32(4 * (i * width + j), point, true)));
      return { descr: `<U${width}`, bytes: new Uint8Array(view.buffer) };
    }
  }
}
