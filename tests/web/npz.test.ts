import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { expect, test } from 'vitest';

import { npy, npz, type NpyColumn } from '../../web/api/npz.js';

/** By the format's description: header, then where the data begin. */
function read(file: Uint8Array): { header: string; at: number } {
  expect([...file.subarray(0, 8)]).toEqual([0x93, ...Buffer.from('NUMPY'), 1, 0]);
  const length = file[8]! + 256 * file[9]!;
  return { header: Buffer.from(file.subarray(10, 10 + length)).toString('latin1'), at: 10 + length };
}

const kColumns: Readonly<Record<string, NpyColumn>> = {
  latency_ms: { kind: 'float', values: Float64Array.of(1.5, Number.NaN, 1e-3) },
  macs: { kind: 'whole', values: [0, 2 ** 40 + 1, -3] },
  arch: { kind: 'text', values: ['421211', '', 'naïve|~0'] },
};

test.each([1, 2, 33, 1000])('%i numbers: an aligned header, then the numbers', (length) => {
  const values = Float64Array.from({ length }, (_, i) => i / 7);
  const file = npy({ kind: 'float', values });
  const { header, at } = read(file);
  expect(header).toMatch(new RegExp(`^\\{'descr': '<f8', 'fortran_order': False, 'shape': \\(${length},\\), \\} *\\n$`));
  expect(at % 64).toBe(0);
  expect(new Float64Array(file.slice(at).buffer)).toEqual(values);
});

test('whole numbers are exact beyond 32 bits; fractions are refused', () => {
  const file = npy(kColumns['macs']!);
  const { header, at } = read(file);
  expect(header).toContain("'<i8'");
  expect([...new BigInt64Array(file.slice(at).buffer)]).toEqual([0n, 2n ** 40n + 1n, -3n]);
  expect(() => npy({ kind: 'whole', values: [0.5] })).toThrow(RangeError);
});

test('text is as wide as the longest', () => {
  const file = npy(kColumns['arch']!);
  const { header, at } = read(file);
  expect(header).toContain("'<U8'");
  const points = new Uint32Array(file.slice(at).buffer);
  const texts = [0, 1, 2].map((i) => String.fromCodePoint(...[...points.subarray(8 * i, 8 * i + 8)].filter((point) => point > 0)));
  expect(texts).toEqual(['421211', '', 'naïve|~0']);
});

test('a npz is a zip of them, and NumPy reads it where it is installed', (context) => {
  const file = npz(kColumns);
  expect(Object.keys(unzipSync(file))).toEqual(['latency_ms.npy', 'macs.npy', 'arch.npy']);
  const folder = mkdtempSync(join(tmpdir(), 'npz-'));
  try {
    const path = join(folder, 'a.npz');
    writeFileSync(path, file);
    const program = 'import json, sys, numpy; z = numpy.load(sys.argv[1]); print(json.dumps([str(z["latency_ms"].tolist()), z["macs"].tolist(), z["arch"].tolist()]))';
    const { status, stdout, stderr } = spawnSync('python3', ['-c', program, path], { encoding: 'utf8' });
    if (status !== 0 && /No module named|ENOENT/.test(stderr ?? 'ENOENT')) context.skip();
    expect(JSON.parse(stdout)).toEqual(['[1.5, nan, 0.001]', [0, 2 ** 40 + 1, -3], ['421211', '', 'naïve|~0']]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
