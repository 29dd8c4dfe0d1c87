import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type ModelKernel } from '../../web/api/index.js';
import { bytesText, byType, costOf, kernelsCsv, kernelTitle, listed, mostExpensive, scaled, sizes } from '../../web/app/model/derive.js';
import { example } from '../../web/app/model/example.js';
import { networkFile, networkInputs } from '../../web/app/model/networks.js';
import {
  assumedShape,
  initialModelState,
  isModelFile,
  isOpen,
  kNetworkIds,
  kNetworks,
  kOrders,
  kWorks,
  readShape,
  reduceModel,
  shapeText,
  type ModelState,
} from '../../web/app/model/state.js';
import { initialState, readAddress, reduce, writeAddress } from '../../web/app/state.js';

const kRoot = join(import.meta.dirname, '../..');

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(kRoot, path)));
}

let engine: Engine;
beforeAll(async () => {
  const wasm = bytesOf('build-wasm/wasm/latencast.wasm');
  engine = await createEngine({ kind: 'local', wasm, modelsWasm: bytesOf('build-wasm/wasm/latencast-models.wasm') });
});
afterAll(() => engine.dispose());

const shown: ModelState = { ...initialModelState(), ...example };

describe('networks known by name', () => {
  test('each has its file', () => {
    const files = readdirSync(join(kRoot, 'web/app/model/networks')).filter((name) => name.endsWith('.param'));
    expect(files.map((name) => name.replace(/\.param$/, '')).sort()).toEqual([...kNetworkIds].sort());
  });

  test('each can be read', async () => {
    for (const id of kNetworkIds) {
      using model = await engine.openModel(networkFile(id), { inputs: networkInputs(id) });
      expect([id, model.info.macs > 1e7]).toEqual([id, true]);
    }
  });

  test('the example is what the engine says of it', async () => {
    const { opened, families } = example;
    const file = networkFile(opened.network ?? 'alexnet');
    using model = await engine.openModel(file);
    expect(opened.name).toBe(kNetworks[opened.network ?? 'alexnet']);
    expect(opened.stated).toEqual(await engine.modelInputs(file));
    expect(opened.info).toEqual(model.info);
    expect(opened.kernels).toEqual(await model.decompose(initialModelState().family));
    expect(families).toEqual(await engine.runtimeFamilies());
  });
});

describe('address', () => {
  test('is read back as it was written', () => {
    const states = fc.record({
      network: fc.constantFrom(...kNetworkIds),
      family: fc.constantFrom('none', 'ncnn', 'tflite'),
      order: fc.constantFrom(...kOrders),
      work: fc.constantFrom(...kWorks),
    });
    fc.assert(
      fc.property(states, (model) => {
        const state = { ...initialState(), mode: 'model' as const, model: { ...initialModelState(), ...model } };
        const back = reduce(initialState(), { type: 'address', address: readAddress(`#${writeAddress(state)}`) });
        expect(back.mode).toBe('model');
        expect(back.model).toEqual(state.model);
      }),
    );
  });

  test('leaves the space as it was, and a file of the user', () => {
    const before = reduce({ ...initialState(), device: 'fbnet/raspi4' }, { type: 'model', action: { type: 'stated', opened: { name: 'mine.onnx', stated: [], shapes: {} } } });
    const after = reduce(before, { type: 'address', address: readAddress('#mode=model&order=cost') });
    expect(after.device).toBe('fbnet/raspi4');
    expect(after.model.network).toBeUndefined();
    expect(after.model.order).toBe('cost');
    expect(writeAddress(after)).toBe('mode=model&order=cost');
  });
});

describe('reading a file', () => {
  const opened = { name: 'mine.onnx', stated: [{ name: 'x', shape: [null, 3, null, 32] }], shapes: { x: '1x3x224x32' } } as const;

  test('one that cannot be read leaves what is shown', () => {
    const state = reduceModel(reduceModel(shown, { type: 'reading', name: 'bad.onnx' }), { type: 'failed', name: 'bad.onnx', message: 'no' });
    expect(state.opened).toBe(shown.opened);
    expect(state.opening).toEqual({ status: 'failed', name: 'bad.onnx', message: 'no' });
    expect(reduceModel(state, { type: 'dismiss' }).opening).toBeUndefined();
  });

  test('what was typed while it was read again stays', () => {
    const { info, kernels } = example.opened;
    let state = reduceModel(shown, { type: 'stated', opened });
    state = reduceModel(state, { type: 'shape', input: 'x', text: '1x3x99x32' });
    if (info && kernels) state = reduceModel(state, { type: 'read', info, kernels });
    expect(state.opened?.shapes).toEqual({ x: '1x3x99x32' });
    expect(state.opened?.info).toBe(info);
  });

  test('a selection that is no more is dropped', () => {
    const { info, kernels } = example.opened;
    if (!info || !kernels) throw new Error('the example has no kernels');
    const state = reduceModel(shown, { type: 'select', index: 60 });
    const few = { ...kernels, kernels: kernels.kernels.slice(0, 10) };
    expect(reduceModel(state, { type: 'read', info, kernels }).selected).toBe(60);
    expect(reduceModel(state, { type: 'read', info, kernels: few }).selected).toBeUndefined();
    expect(reduceModel(state, { type: 'stated', opened }).selected).toBeUndefined();
  });

  test('the example does not take the place of what the user opened', () => {
    const state = reduceModel(initialModelState(), { type: 'stated', opened });
    expect(reduceModel(state, { type: 'example', ...example })).toBe(state);
  });

  test('open lengths are assumed, others are as the file says', () => {
    expect(assumedShape({ name: 'x', shape: [null, 3, null, 32] })).toEqual([1, 3, 224, 32]);
    expect(assumedShape({ name: 'x', shape: [null, null] })).toEqual([1, 128]);
    expect(assumedShape({ name: 'x', shape: null })).toEqual([1, 3, 224, 224]);
    expect(isOpen({ name: 'x', shape: [1, 2] })).toBe(false);
  });

  test('shapes are read however they are written', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 99_999 }), { minLength: 1, maxLength: 6 }), fc.constantFrom('x', ', ', ' × ', ' ', '*'), (shape, between) => {
        expect(readShape(shape.join(between))).toEqual(shape);
        expect(readShape(shapeText(shape))).toEqual(shape);
      }),
    );
    for (const text of ['', '1x', '1x3x0', '-1', '1x?x3', '1.5x2']) expect(readShape(text)).toBeUndefined();
  });

  test('which files are models', () => {
    expect(isModelFile('a.onnx', false)).toBe(true);
    expect(isModelFile('A.PARAM', false)).toBe(true);
    expect(isModelFile('a.json', false)).toBe(false);
    expect(isModelFile('a.json', true)).toBe(true);
    expect(isModelFile('a.pt', true)).toBe(true);
    expect(isModelFile('a.csv', true)).toBe(false);
    expect(isModelFile('a.latencast', true)).toBe(false);
  });
});

describe('what is shown', () => {
  const cost = costOf(shown);
  const kernels = example.opened.kernels;
  if (!cost || !kernels) throw new Error('the example has no kernels');

  test('costs add up', () => {
    expect(cost.total).toBe(example.opened.info?.macs);
    expect(byType(kernels, cost).reduce((sum, { value }) => sum + value, 0)).toBe(cost.total);
    expect(byType(kernels, cost).reduce((sum, { count }) => sum + count, 0)).toBe(kernels.kernels.length);
  });

  test('orders hold every kernel once', () => {
    const all = kernels.kernels.map((_, i) => i);
    expect(listed(shown, cost)).toEqual(all);
    const sorted = listed({ ...shown, order: 'cost' }, cost);
    expect([...sorted].sort((a, b) => a - b)).toEqual(all);
    for (let i = 1; i < sorted.length; ++i) {
      expect(cost.values[sorted[i - 1] ?? 0]).toBeGreaterThanOrEqual(cost.values[sorted[i] ?? 0] ?? 0);
    }
    expect(mostExpensive(cost)).toEqual(sorted.slice(0, 10));
  });

  test('what costs nothing is not among the most expensive', () => {
    expect(mostExpensive({ values: [0, 3, 0], total: 3, text: String })).toEqual([1]);
  });

  test('kernels in words', () => {
    const kernel = (key: string, type: string, op = 'Conv'): ModelKernel => ({ ...kernels.kernels[0]!, key, type, op });
    const words = (one: ModelKernel): string => `${kernelTitle(one)}: ${sizes(one)}`;
    expect(words(kernel('conv,1,56,56,64,128,3,3,2,1,d2', 'conv'))).toBe('conv 3×3: 56×56, 64 → 128, stride 2, dilation 2');
    expect(words(kernel('dwconv,4,28,28,96,96,5,5,1,96', 'dwconv'))).toBe('depthwise 5×5: 28×28, 96, batch 4');
    expect(words(kernel('fc,197,1,1,192,576,,,,', 'fc'))).toBe('fc: 192 → 576, 197 rows');
    expect(words(kernel('matmul,3,197,1,64,197,,,,', 'matmul'))).toBe('matrix product: 3 × (197×64)·(64×197)');
    expect(words(kernel('add,1,56,56,24,24,,,,', 'add'))).toBe('addition: 56×56, 24');
    expect(words(kernel('other/Resize,1,8,8,4,4,,,,', 'other', 'Resize'))).toBe('Resize: 8×8, 4');
  });

  test('counts with three digits', () => {
    expect([scaled(0), scaled(999), scaled(1234), scaled(313_619_328), scaled(4.1e9)]).toEqual(['0', '999', '1.23 k', '314 M', '4.10 G']);
    expect([bytesText(12), bytesText(4096), bytesText(102_278_979)]).toEqual(['12 B', '4.10 kB', '102 MB']);
  });

  test('the file has a line for every kernel and as many fields in each', () => {
    const [header, ...lines] = kernelsCsv(kernels).trim().split('\n');
    expect(lines).toHaveLength(kernels.kernels.length);
    for (const line of lines) expect(line.split(',')).toHaveLength(header?.split(',').length ?? 0);
    const macs = header?.split(',').indexOf('macs') ?? -1;
    expect(lines.reduce((sum, line) => sum + Number(line.split(',')[macs]), 0)).toBe(cost.total);
  });
});
