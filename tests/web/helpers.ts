import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import type { ErrorCode, Measurement, Sampler, SpaceId } from '../../web/api/types.js';

/** The package as built by `setup.ts`. */
export const kPackage = new URL('../../dist/api/index.js', import.meta.url).href;

export const api = (await import(/* @vite-ignore */ kPackage)) as typeof import('../../web/api/index.js');

export const kKinds = ['local', 'worker'] as const;

export const kWeightsFile = new URL('../../weights/nb201.latencast', import.meta.url);

export function weights(): Uint8Array {
  return new Uint8Array(readFileSync(kWeightsFile));
}

/** A shipped file of a space; undefined where there is none. */
export function shippedFile(space: SpaceId, which: 'file' | 'encoder'): Uint8Array | undefined {
  const folder = new URL('../../weights/', import.meta.url);
  type Index = Partial<Record<SpaceId, { readonly file?: string; readonly encoder?: string }>>;
  const name = (JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as Index)[space]?.[which];
  return name === undefined ? undefined : new Uint8Array(readFileSync(new URL(name, folder)));
}

/** Encoders of NAS-Bench-201. */
export function encoderFile(): Uint8Array {
  return shippedFile('nb201', 'encoder')!;
}

/** What is known of platforms. */
export function fleetFile(): Uint8Array {
  const folder = new URL('../../weights/', import.meta.url);
  const { fleet } = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { fleet: { file: string } };
  return new Uint8Array(readFileSync(new URL(fleet.file, folder)));
}

/** A file of the pool: its index, or one of its platforms. */
export function poolFile(name = 'index.json'): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../weights/pool/${name}`, import.meta.url)));
}

/** Every sampler that the API declares. */
export const kSamplers: readonly Sampler[] = [
  'random',
  'params',
  ...(['arch2vec', 'cate', 'zcp', 'caz'] as const).flatMap((encoding) =>
    (['kmeans', 'cosine', 'both'] as const).map((way) => `${way}-${encoding}` as const),
  ),
];

/** Any eight cells and made-up latencies: what matters is what the API does with them. */
export const kMeasurements: readonly Measurement[] = [
  ['421211', 10.5],
  ['334131', 54.8],
  ['333333', 90.1],
  ['000000', 2.2],
  ['111111', 3.4],
  ['222222', 31.7],
  ['444444', 12.9],
  ['123402', 19.6],
].map(([architecture, latency_ms]) => ({ architecture, latency_ms }) as Measurement);

/** Twenty cells as measured on a Raspberry Pi 4. */
export function goldenMeasurements(): Measurement[] {
  const text = readFileSync(new URL('../golden/raspi4-20.csv', import.meta.url), 'utf8');
  return api.readMeasurements(text).lines.flatMap(({ architecture_text, latency }) =>
    architecture_text === undefined || latency === undefined ? [] : [{ architecture: architecture_text, latency_ms: latency }],
  );
}

/** Waits for a rejection and checks that it is the package's error, with this code and a message like this. */
export async function expectFailure(work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  const caught = await work.then(
    (value) => expect.fail(`resolved to ${String(value)}; expected a rejection with ${code}`),
    (reason: unknown) => reason,
  );
  expect(caught).toBeInstanceOf(api.LatencastError);
  expect(caught).toMatchObject({ name: 'LatencastError', code, message: expect.stringMatching(message) as unknown });
}

/** Equal to the last bit; much faster than comparing item by item. */
export function expectSame(found: Uint8Array | Float64Array, expected: Uint8Array | Float64Array): void {
  const bytes = (array: Uint8Array | Float64Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  expect(found.length).toBe(expected.length);
  expect(bytes(found).equals(bytes(expected))).toBe(true);
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Runs a module's text in a process of its own and returns what it printed. */
export async function runNode(flags: readonly string[], script: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', script]);
  return stdout.trim();
}
