/**
 * What reads foreign texts and bytes on the TypeScript side, with inputs that are almost right and what has to hold for every one of
 * them. `node tests/fuzz/parsers.mjs` runs any number of inputs; `parsers.test.ts` runs a few.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';

import { createEngine } from '../../web/api/engine.js';
import { LatencastError } from '../../web/api/errors.js';
import { checkMeasurements, readMeasurements, writeMeasurements, type MeasurementLine } from '../../web/api/measurements.js';
import { skim } from '../../web/api/skim.js';
import type { Engine, SpaceId } from '../../web/api/types.js';
import { initialState, readAddress, reduce, writeAddress } from '../../web/app/state.js';
import { kItems, kOneItem, readStored, sheetFromElsewhere, writeStored } from '../../web/app/storage.js';

/** One parser: `check` throws where it does not do what it should. */
export interface Target {
  readonly name: string;
  run(inputs: number, seed: number): Promise<void>;
}

/** No input may take longer. */
const kMostMilliseconds = 1000;

function target<T>(name: string, arbitrary: fc.Arbitrary<T>, check: (input: T) => void | Promise<void>): Target {
  const timed = async (input: T): Promise<void> => {
    const start = performance.now();
    await check(input);
    if (performance.now() - start < kMostMilliseconds) return;
    // The machine may have been busy.
    const again = performance.now();
    await check(input);
    const took = performance.now() - again;
    if (took > kMostMilliseconds) throw new Error(`${name}: took ${took.toFixed(0)} ms`);
  };
  const property = fc.asyncProperty(arbitrary, timed);
  return { name, run: (inputs, seed) => fc.assert(property, { numRuns: inputs, seed }) };
}

function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Errors are to say what is wrong; a trap or what nobody foresaw is a fault of ours. */
async function refused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (caught) {
    holds(caught instanceof LatencastError && caught.code !== 'internal', `not a refusal: ${caught instanceof Error ? (caught.stack ?? caught.message) : String(caught)}`);
    holds(caught.message.length < 2000, `a message of ${caught.message.length} characters`);
    return undefined;
  }
}

/** Pieces in a row, and what nobody would write. */
function textOf(pieces: readonly string[], maxLength = 24): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 3, unit: 'binary' }) },
    { weight: 1, arbitrary: fc.double().map(String) },
  );
  return fc.array(piece, { maxLength }).map((parts) => parts.join(''));
}

/** Files with some bytes changed, added, repeated or left out. */
function mutated(files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const edit = fc.record({ at: place, kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'repeat'), byte: fc.integer({ min: 0, max: 255 }), length: fc.integer({ min: 1, max: 40 }) });
  return fc.tuple(fc.constantFrom(...files), fc.array(edit, { maxLength: 6 }), fc.option(place, { freq: 8 })).map(([file, edits, end]) => {
    let bytes = Buffer.from(file);
    for (const { at, kind, byte, length } of edits) {
      const i = Math.floor(at * bytes.length);
      const [before, after] = [bytes.subarray(0, i), bytes.subarray(i)];
      if (kind === 'set' && bytes.length > 0) bytes[i] = byte;
      else if (kind === 'flip' && bytes.length > 0) bytes[i]! ^= 1 << byte % 8;
      else if (kind === 'cut') bytes = Buffer.concat([before, after.subarray(length)]);
      else if (kind === 'insert') bytes = Buffer.concat([before, Buffer.alloc(1 + (length % 5), byte), after]);
      else bytes = Buffer.concat([before, after.subarray(0, length), after]);
    }
    return Uint8Array.from(end === null ? bytes : bytes.subarray(0, Math.floor(end * bytes.length)));
  });
}

const kArchitectures = ['421211', '000000', '15624', '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|', '0123456789012345678901', 'k3e4', '3-3-6', 'nb201-421211.onnx', 'fbnet-0123012301230123012301.onnx'];
const kNumbers = ['12.4', '0', '-1', '1e3', '1.234,5', '1,234', '.5', '1e999', 'NaN', '٣', '12.4ms', '0x10', '12_000', '±0.3'];
const kBetween = [',', ';', '\t', ' ', '\n', '\r\n', '"', ':', '|', '=', '#', '//', '\u00a0', '\ufeff', '\u2028', ' ms', ' us', ' µs', ' s', ' mJ', 'arch', 'latency_ms', 'latency (us)', 'std', 'run_1'];
const kJson = ['{', '}', '[', ']', ':', ',', '"arch"', '"latency_ms"', '"latency"', '"measurements"', '"unit"', 'null', 'true', '-', '"421211"', '12.4', '\\u0041', '"', '/*', '*/', '//', '\n', '"__proto__"', '"constructor"'];
const kTools = ['Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3, Inference (avg): 4.5\n', '[01/01] [I] Latency: min = 1 ms, max = 2 ms, mean = 1.5 ms, median = 1.4 ms\n', 'P50 Latency is 0.0012 sec\n', 'P50 Latency: 0.0012 s\n', 'Average inference time cost: 1.2 ms\n', '[ INFO ]    Median:        1.23 ms\n', '   Average: 2 ms\n', 'nb201-421211.param  min =    1.20  max =    1.40  avg =    1.30\n', 'graph: nb201-421211.onnx\n', 'nb201-000000.tflite ', 'min = ', 'median = ', '\n', ' ms', ' '];
const kFragments = ['mode=model', 'mode=', 'space=nb201', 'space=fbnet', 'space=ofa', 'device=raspi4', 'device=mine', 'tab=fit', 'cell=', 'arch=421211', 'sort=-estimate', 'find=', 'ops=0-6.1-3.0-0.0-6.0-6', 'under=12.5', 'against=macs', 'with=gold_6226', 'beside=raspi4.eyeriss', 'kept=1.2.99999', 'net=resnet18', 'runtime=ncnn', 'on=none', 'view=', 'order=', 'by=', '&', '&', '&', '=', '%', '%00', '%ff', '+', '.', '-', '9'.repeat(20), '__proto__', 'constructor', 'hasOwnProperty', 'toString'];
const kSpaces: readonly SpaceId[] = ['nb201', 'fbnet', 'ofa'];

/** What this page may have left in a browser, or an earlier one, or anybody: its items by name. */
function storedItems(): fc.Arbitrary<ReadonlyMap<string, string>> {
  const any = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom({ toString: null }, '421211,1', 'ms', 'dark', 'finetune'));
  const trusted = fc.oneof(fc.array(any, { maxLength: 3 }), any);
  const text = fc.oneof(fc.record({ text: any, unit: any, trusted }, { requiredKeys: [] }), any);
  const of = { lookups: kSpaces, sheets: ['nb201/raspi4', 'nb201/mine', 'ofa/titan_rtx_1', '__proto__'] };
  const names = ['name', 'theme', 'method', 'models', ...Object.entries(of).flatMap(([kind, each]) => each.map((one) => `${kind}/${one}`))];
  const lookups = fc.oneof(any, fc.dictionary(fc.constantFrom(...of.lookups), any));
  const sheets = fc.oneof(any, fc.dictionary(fc.constantFrom(...of.sheets), text));
  const whole = fc.oneof(fc.record({ name: any, theme: any, method: any, lookups, models: text, sheets }, { requiredKeys: [] }), any);
  const json = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> => fc.oneof({ weight: 9, arbitrary: value.map((each) => JSON.stringify(each)) }, { weight: 1, arbitrary: fc.string() });
  const items = fc.array(fc.tuple(fc.constantFrom(...names), json(text)), { maxLength: 4 });
  return fc.tuple(fc.option(json(whole)), items).map(([before, now]) => {
    const found = new Map(now.map(([name, value]) => [`${kItems}/${name}`, value]));
    return before === null ? found : found.set(kOneItem, before);
  });
}

/** Every line that is not blank comes back, and what is good is a positive number. */
function checkLines(text: string, lines: readonly MeasurementLine[]): void {
  const inner = text.split('\n').length;
  for (const { line, status, latency, reason, architecture_text } of lines) {
    holds(line >= 1 && line <= Math.max(inner, text.split(/\r\n|\r|\n/).length), `line ${line} of ${inner}`);
    if (status === 'ok') holds(architecture_text !== undefined && latency !== undefined && latency > 0 && latency < Infinity, 'a good line without its measurement');
    else holds(reason !== undefined && reason !== '', `a line is ${status} without a reason`);
  }
}

/** Every text is read, whatever it is. */
function checkReading(text: string, filename?: string): void {
  const read = readMeasurements(text, filename === undefined ? {} : { filename });
  checkLines(text, read.lines);
}

function textTargets(engine: Engine): Target[] {
  const measurements = textOf([...kArchitectures, ...kNumbers, ...kBetween, '\n', '\n', ',', ',']);
  return [
    target('measurements', measurements, (text) => checkReading(text)),
    target('checked', fc.tuple(fc.constantFrom(...kSpaces), measurements), async ([space, text]) => {
      const checked = await checkMeasurements(engine, space, readMeasurements(text));
      checkLines(text, checked.lines);
      holds(checked.measurements.length === checked.measurement_lines.length, 'measurements without lines');
      const written = writeMeasurements(checked.measurements);
      const again = await checkMeasurements(engine, space, readMeasurements(written, { unit: 'ms' }));
      holds(JSON.stringify(again.measurements) === JSON.stringify(checked.measurements), `written and read: ${written}`);
    }),
    target('json', fc.oneof(textOf(kJson, 40), fc.json()), (text) => {
      checkReading(text, 'a.json');
      checkReading(text);
    }),
    target('tool logs', textOf(kTools, 12), (text) => checkReading(text)),
    target('architectures', fc.tuple(fc.constantFrom(...kSpaces), fc.array(textOf([...kArchitectures, '|', '~', '+', '_', '0', '1', '4', ','], 8), { maxLength: 4 })), async ([space, texts]) => {
      const parsed = await engine.parse(space, texts);
      holds(parsed.length === texts.length, `${parsed.length} answers to ${texts.length} texts`);
      const good = parsed.flatMap((one) => (one.ok ? [one.architecture] : []));
      const again = await engine.parse(space, good);
      holds(again.every((one, i) => one.ok && one.architecture === good[i]), 'what was read is not canonical');
      for (const one of parsed) if (!one.ok) holds(one.message.length < 2000, `a message of ${one.message.length} characters`);
      for (const { macs, params } of await engine.facts(space, good)) holds(macs >= 0 && params >= 0, 'facts of less than nothing');
    }),
    target('tables', textOf(['name', 'arch', 'layers', 'latency_ms:a', 'latency_ms', 'quality', '\n', '\n', '\n', ',', ',', ',', ',', '1', '2.5', 'x', '"', '""', ';', '\t', '1e999', '-'], 60), async (text) => {
      const sketch = await refused(() => engine.sketchTable(text));
      if (!sketch) return;
      const table = await refused(() => engine.openTable(text));
      table?.dispose();
    }),
  ];
}

function pageTargets(): Target[] {
  const first = initialState();
  let stored = new Map<string, string>();
  const storage = { getItem: (name: string) => stored.get(name) ?? null, setItem: (name: string, text: string) => void stored.set(name, text), removeItem: (name: string) => void stored.delete(name) };
  Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
  return [
    target('share links', textOf(kFragments, 16), (fragment) => {
      const once = writeAddress(reduce(first, { type: 'address', address: readAddress(fragment) }));
      const twice = writeAddress(reduce(first, { type: 'address', address: readAddress(once) }));
      holds(once === twice, `${once} comes back as ${twice}`);
    }),
    target('storage', storedItems(), (items) => {
      stored = new Map(items);
      const state = readStored(first);
      holds(typeof state.name === 'string' && typeof state.model.text === 'string', 'a state of another shape');
      // What another tab has written, and what this one writes beside it.
      for (const [key, newValue] of items) sheetFromElsewhere(state, { key, newValue } as StorageEvent);
      holds(writeStored({ ...state, name: `${state.name}.` }), 'what was there cannot be written over');
      const again = readStored(first);
      holds(again.name === `${state.name}.`, 'what was written is not read');
      holds(JSON.stringify({ ...again, name: state.name }) === JSON.stringify(state), 'what was read is not what was written');
    }),
  ];
}

/** `models`: small ONNX, .param and JSON files. */
function modelTargets(engine: Engine, models: readonly Uint8Array[]): Target[] {
  const small = { whole: 0, values: 16 };
  return [
    target('models', mutated(models), async (bytes) => {
      const model = await refused(() => engine.openModel(bytes));
      if (model) {
        const { kernels } = await model.decompose('onnxruntime');
        holds(kernels.every(({ macs, params }) => macs >= 0 && params >= 0), 'a kernel of less than nothing');
        model.dispose();
      }
    }),
    target('model inputs', mutated(models), async (bytes) => void (await refused(() => engine.modelInputs(bytes)))),
    target('skim', mutated(models), async (bytes) => {
      const skimmed = await refused(() => skim(bytes, small));
      if (skimmed) holds(skimmed.length <= bytes.length, `${bytes.length} bytes became ${skimmed.length}`);
      const fromBlob = await refused(() => skim(new Blob([bytes as Uint8Array<ArrayBuffer>]), small));
      holds((skimmed === undefined) === (fromBlob === undefined) && Buffer.from(skimmed ?? []).equals(Buffer.from(fromBlob ?? [])), 'a blob reads otherwise');
    }),
  ];
}

/** All targets, with an engine of this thread; `root`: the project's folder. */
export async function targets(root: string): Promise<{ readonly all: readonly Target[]; readonly engine: Engine }> {
  const file = (path: string): Uint8Array => new Uint8Array(readFileSync(join(root, path)));
  const wasm = (name: string): Uint8Array => file(`build-wasm/wasm/${name}.wasm`);
  const engine = await createEngine({ kind: 'local', wasm: wasm('latencast'), restWasm: wasm('latencast-rest'), modelsWasm: wasm('latencast-models'), tablesWasm: wasm('latencast-tables') });
  const graph = '{"inputs":{"image":[1,3,8,8]},"nodes":[{"op":"Conv","channels":4,"kernel":3,"pad":1},{"op":"Relu","name":"a"},{"op":"Conv","channels":4,"name":"b"},{"op":"Add","in":["a","b"]},{"op":"Gemm","channels":2}]}';
  const models = [
    ...['tests/golden/models/squeezenet1_1.onnx', 'tests/golden/models/resnet18.onnx', 'web/app/model/networks/squeezenet.param', 'web/app/model/networks/mobilenet_v3.param'].map(file),
    new TextEncoder().encode(graph),
  ];
  return { all: [...textTargets(engine), ...pageTargets(), ...modelTargets(engine, models)], engine };
}
