import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type KnownPlatform, type ModelEstimate, type ModelKernel, type PoolEntry } from '../../web/api/index.js';
import {
  bytesText,
  byType,
  costOf,
  kernelsCsv,
  kernelTitle,
  listed,
  mostExpensive,
  offeredWorks,
  pinnedRows,
  platformRows,
  platformsCsv,
  scaled,
  shownWork,
  sizes,
  textMarks,
  untimed,
} from '../../web/app/model/derive.js';
import { example } from '../../web/app/model/example.js';
import { networkFile, networkInputs } from '../../web/app/model/networks.js';
import { separate } from '../../web/app/model/browser.js';
import { checkKernels, kernelType, separated } from '../../web/app/model/kernel-reading.js';
import { checkModels, named } from '../../web/app/model/reading.js';
import {
  assumedShape,
  familyOf,
  initialModelState,
  isModelFile,
  isByKernels,
  isOpen,
  isRunnable,
  kNetworkIds,
  kMine,
  kNetworks,
  kThisBrowser,
  kOrders,
  kViews,
  kWorks,
  readShape,
  readThreads,
  reduceModel,
  shapeText,
  timedOf,
  toldOptions,
  type ModelState,
  type Told,
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

// The state as a reader of the page has it before there is any platform.
const shown: ModelState = {
  ...initialModelState(),
  opened: example.opened,
  families: example.families,
  platform: undefined,
  pinned: [],
};

const platform = (id: string, title: string, family = 'ncnn'): KnownPlatform => ({ id, title, board: title, family, gpu: false, threads: 4, measured: 30, processor: 'arm64' });
const platforms = [platform('pi-4t', 'Raspberry Pi 5, 4 threads'), platform('sd8', 'Snapdragon 8'), platform('gpu', 'Quadro RTX 8000', 'tensorrt')];
const compared = {
  'pi-4t': { low: 8, latency_ms: 10, high: 12 },
  sd8: { low: 3, latency_ms: 4, high: 5 },
  gpu: { low: 0.5, latency_ms: 0.6, high: 0.7 },
};
const withFleet: ModelState = { ...shown, fleet: { status: 'ready', platforms, models: [], processors: ['arm64', 'gpu'] }, compared };

function estimate(kernels: number): ModelEstimate {
  const kernel_ms = Float64Array.from({ length: kernels }, (_, i) => (i + 1) / 100);
  const latency_ms = kernel_ms.reduce((sum, ms) => sum + ms, 0);
  return { latency_ms, low_ms: 0.9 * latency_ms, high_ms: 1.1 * latency_ms, kernel_ms, knowledge: 'known' };
}

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

    const index = JSON.parse(new TextDecoder().decode(bytesOf('weights/index.json'))) as { fleet: { file: string } };
    const fleet = await engine.loadFleet(bytesOf(`weights/${index.fleet.file}`));
    const { platform, pinned } = initialModelState();
    expect(example.platforms).toEqual(pinned.map((id) => fleet.platforms.find((known) => known.id === id)));
    expect(example.estimate.platform).toBe(platform);
    using device = await fleet.platform(example.estimate.platform);
    const { kernel_ms, latency_ms, low_ms, high_ms, knowledge } = await device.estimate(model);
    const near = (ms: number): unknown => expect.closeTo(ms, 3);
    expect(example.estimate).toEqual({
      platform,
      latency_ms: near(latency_ms),
      low_ms: near(low_ms),
      high_ms: near(high_ms),
      kernel_ms: expect.anything() as unknown,
      knowledge,
    });
    [...example.estimate.kernel_ms].forEach((ms, i) => expect(ms).toBeCloseTo(kernel_ms[i] ?? Number.NaN, 4));
    const compared = await fleet.compare(model, { platforms: pinned });
    pinned.forEach((id, i) => expect(example.compared[id]?.latency_ms).toBeCloseTo(compared.latency_ms[i] ?? Number.NaN, 3));
  });
});

describe('address', () => {
  test('is read back as it was written', () => {
    const states = fc.record({
      network: fc.constantFrom(...kNetworkIds),
      family: fc.constantFrom('none', 'ncnn', 'tflite'),
      order: fc.constantFrom(...kOrders),
      work: fc.constantFrom(...kWorks),
      platform: fc.constantFrom(undefined, kMine, 'pi-4t'),
      pinned: fc.uniqueArray(fc.constantFrom('pi-4t', 'sd8', 'gpu')),
      view: fc.constantFrom(...kViews),
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

  test('estimates and the selection stay with the network they are of, and go with it', () => {
    const shown = reduceModel(initialModelState(), { type: 'example', ...example });
    const state = reduceModel(shown, { type: 'select', index: 1 });
    const again = reduceModel(state, { type: 'stated', opened: { ...example.opened } });
    expect([again.estimate, again.compared, again.selected]).toEqual([example.estimate, example.compared, 1]);
    const larger = { ...example.opened, shapes: { data: '4x3x224x224' } };
    for (const other of [larger, opened]) {
      const gone = reduceModel(state, { type: 'stated', opened: other });
      expect([gone.estimate, gone.compared, gone.selected]).toEqual([undefined, {}, undefined]);
    }
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

describe('platforms', () => {
  const kernels = example.opened.kernels?.kernels ?? [];

  test('an estimate is shown where it is of these kernels and this platform', () => {
    const on = reduceModel(withFleet, { type: 'platform', platform: 'pi-4t' });
    expect(offeredWorks(on)).toEqual(['macs', 'bytes']);
    const estimated = reduceModel(on, { type: 'estimate', estimate: { ...estimate(kernels.length), platform: 'pi-4t' } });
    expect(offeredWorks(estimated)).toEqual(['ms', 'macs', 'bytes']);
    expect(shownWork(estimated)).toBe('ms');
    expect(costOf(estimated)?.values).toHaveLength(kernels.length);
    expect(shownWork(reduceModel(estimated, { type: 'work', work: 'bytes' }))).toBe('bytes');
    // Of another platform, or of the kernels of another family.
    expect(reduceModel(on, { type: 'estimate', estimate: { ...estimate(kernels.length), platform: 'sd8' } })).toBe(on);
    expect(shownWork(reduceModel(on, { type: 'estimate', estimate: { ...estimate(3), platform: 'pi-4t' } }))).toBe('macs');
    expect(reduceModel(estimated, { type: 'platform', platform: 'sd8' }).estimate).toBeUndefined();
  });

  test('the runtime is that of the platform, where there is one', () => {
    const state = { ...withFleet, family: 'openvino' };
    expect(familyOf(state)).toBe('openvino');
    expect(familyOf({ ...state, platform: 'gpu' })).toBe('tensorrt');
    expect(familyOf({ ...state, platform: kMine })).toBe('ncnn');
    expect(familyOf({ ...state, platform: 'gpu', fleet: { status: 'loading', platforms: [] } })).toBe('openvino');
  });

  test('are listed fastest first, and found by words', () => {
    expect(platformRows(withFleet).map(({ platform: { id } }) => id)).toEqual(['gpu', 'sd8', 'pi-4t']);
    const found = (find: string): string[] => platformRows({ ...withFleet, find }).map(({ platform: { id } }) => id);
    expect(found('rasp THREADS')).toEqual(['pi-4t']);
    expect(found('toaster')).toEqual([]);
    // Those that have not been asked come last.
    const { sd8 } = compared;
    expect(platformRows({ ...withFleet, compared: { sd8 } }).map(({ platform: { id } }) => id)).toEqual(['sd8', 'pi-4t', 'gpu']);
  });

  test('to compare with are in the order in which they were chosen', () => {
    let state: ModelState = withFleet;
    for (const id of ['sd8', 'gone', 'pi-4t']) state = reduceModel(state, { type: 'pin', platform: id, pinned: true });
    expect(pinnedRows(state).map(({ platform: { id }, latency_ms }) => [id, latency_ms])).toEqual([
      ['sd8', 4],
      ['pi-4t', 10],
    ]);
    state = reduceModel(state, { type: 'pin', platform: 'sd8', pinned: false });
    expect(pinnedRows(state).map(({ platform: { id } }) => id)).toEqual(['pi-4t']);
  });

  test('as a file', () => {
    expect(platformsCsv(platformRows(withFleet)).split('\n')).toEqual([
      'platform,title,latency_ms,low_ms,high_ms',
      'gpu,Quadro RTX 8000,0.6,0.5,0.7',
      'sd8,Snapdragon 8,4,3,5',
      'pi-4t,"Raspberry Pi 5, 4 threads",10,8,12',
      '',
    ]);
  });
});

describe('measured models', () => {
  const files = ['mine.onnx', 'ResNet18.onnx'];
  const text = 'model, latency_ms\nmobilenet_v2, 12.4\nResNet-50; 0.1 s\nmine 7.5 ms\nresnet18, 30\nalexnet,\nwobble, 3\nvgg16, fast\nsqueezenet, 3 mJ\n';
  const check = checkModels(text, files);

  test('are found by name, however it is spelt; a file goes before a network', () => {
    expect(check.readings.map(({ line, model, latency_ms }) => [line, model, latency_ms])).toEqual([
      [2, { network: 'mobilenet_v2' }, 12.4],
      [3, { network: 'resnet50' }, 100],
      [4, { file: 'mine.onnx' }, 7.5],
      [5, { file: 'ResNet18.onnx' }, 30],
    ]);
    for (const id of kNetworkIds) {
      expect(named(id, [])).toEqual({ network: id });
      expect(named(`${id}.onnx`, [])).toEqual({ network: id });
      expect(named(kNetworks[id].toUpperCase(), [])).toEqual({ network: id });
    }
  });

  test('what is not understood is said line by line', () => {
    const marks = new Map(check.marks.map((mark) => [mark.line, mark]));
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9].map((line) => marks.get(line)?.kind)).toEqual([
      ...['skipped', 'good', 'good', 'good', 'good', 'skipped', 'bad', 'bad', 'bad'],
    ]);
    expect(marks.get(3)?.reading).toBe('100 ms');
    expect(marks.get(6)?.reading).toBe('to measure');
    expect(marks.get(7)?.message).toMatch(/"wobble" is neither a file .* nor a known network/);
    expect(marks.get(8)?.message).toMatch(/"fast" is no number/);
    expect(marks.get(9)?.message).toMatch(/mJ is an energy/);
  });

  test('what is set aside is marked at its line, and can be trusted', () => {
    const ms = Float64Array.of(12, 20, 7, 30);
    const review = { likenesses: [], set_aside: [false, true, false, false], left_out: { low: ms, latency_ms: ms, high: ms }, expected_error: 0.1 };
    let state: ModelState = { ...withFleet, text, files };
    state = reduceModel(state, { type: 'checked', check });
    state = reduceModel(state, { type: 'adapted', adapted: { readings: check.readings, review, next: [], worth: 0 } });
    const mark = textMarks(state).find(({ line }) => line === 3);
    expect(mark).toMatchObject({ kind: 'bad', message: '100 ms is far from the 20.0 ms that the others let expect; it is set aside' });
    const action = mark?.remedies?.[0]?.action;
    if (action?.type !== 'model') throw new Error('no remedy');
    expect(reduceModel(state, action.action).trusted).toEqual(['ResNet-50=100']);
    // Of an older text nothing is said.
    const edited = reduceModel(reduceModel(state, { type: 'text', text: 'resnet18, 3' }), { type: 'checked', check: checkModels('resnet18, 3', files) });
    expect(textMarks(edited).map(({ kind }) => kind)).toEqual(['good']);
  });

  test('what the device is counts as far as it is understood', () => {
    const told = (processor: string | undefined, threads: string, state = withFleet): unknown =>
      toldOptions(reduceModel(state, { type: 'told', told: { processor, threads } }));
    expect(toldOptions(withFleet)).toEqual({});
    expect(told('arm64', ' 4 ')).toEqual({ processor: 'arm64', threads: 4 });
    expect(told(undefined, '16')).toEqual({ threads: 16 });
    // Saved by another version, or before it is known what there is.
    expect(told('abacus', '')).toEqual({});
    expect(told('arm64', '', shown)).toEqual({});
    expect(['0', '-1', '2.5', 'four', '1e3', '99999', ''].map(readThreads)).toEqual(Array(7).fill(undefined));
  });

  test('what is told changes one by one, however late the page is painted', () => {
    const tell = (state: ModelState, told: Partial<Told>): ModelState => reduceModel(state, { type: 'told', told });
    const all = tell(tell(tell(withFleet, { threads: '4' }), { processor: 'arm64' }), { timed: 'inside' });
    expect(all.told).toEqual({ threads: '4', processor: 'arm64', timed: 'inside' });
    expect(tell(all, { processor: undefined }).told).toEqual({ threads: '4', timed: 'inside' });
  });

  test('kernels timed inside networks are those of the runtime that fuses least', () => {
    const byKernels = reduceModel(
      { ...withFleet, platform: kMine, family: 'ncnn', text: 'x' },
      { type: 'checked', check: { text: 'x', marks: [], readings: [], kernels: [{ line: 1, kernel: 'conv,1,7,7,8,8,3,3,1,1', latency_ms: 1 }] } },
    );
    expect([timedOf(byKernels), familyOf(byKernels)]).toEqual(['alone', 'ncnn']);
    const inside = reduceModel(byKernels, { type: 'told', told: { timed: 'inside' } });
    expect([timedOf(inside), familyOf(inside)]).toEqual(['inside', 'tflite']);
    // Of whole models, and of other platforms, it says nothing.
    expect(familyOf({ ...inside, platform: undefined })).toBe('ncnn');
  });

  test('lines are added at the end, and a file can be undone', () => {
    let state = reduceModel({ ...shown, text: 'resnet18, 3' }, { type: 'append', names: ['alexnet', 'vgg16'] });
    expect(state.text).toBe('resnet18, 3\nalexnet, \nvgg16, \n');
    state = reduceModel(state, { type: 'replace-text', text: 'mnasnet, 1' });
    expect(state.text).toBe('mnasnet, 1');
    expect(reduceModel(state, { type: 'undo-replace' }).text).toBe('resnet18, 3\nalexnet, \nvgg16, \n');
  });
});

describe('kernels that were timed', () => {
  const kHeader = 'kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms';

  test('a line is of a kernel or of a model, whatever stands around it', () => {
    for (const text of [kHeader, 'conv,1,56,56,64,64,3,3,1,1,2.5', 'gap,1,7,7,1280,,,,,,0.1', '"conv,1,7,7,8,8,1,1,1,1",2', 'arch,latency_ms,relative_error', 'conv-bn-relu;1;7;7;8;8;3;3;1;1;2']) {
      expect(separated(text)).toEqual({ kernels: text, models: '' });
    }
    for (const text of ['', 'resnet18, 41.2', 'model,latency_ms', 'conv, 3', 'add me.onnx, 3 ms', '[["conv,1,7,7", 3]]']) expect(separated(text)).toEqual({ kernels: '', models: text });
    const both = ['# mine', 'resnet18, 41.2', kHeader, 'conv,1,56,56,64,64,3,3,1,1,2.5', 'cow,1,56,56,64,64,3,3,1,1,2.5', 'vgg16, 90', 'model,latency_ms', 'alexnet,fast'].join('\n');
    const { marks, kernels, readings } = checkModels(both, []);
    expect(kernels).toEqual([{ line: 4, kernel: 'conv,1,56,56,64,64,3,3,1,1', latency_ms: 2.5 }]);
    expect(readings.map(({ line, model }) => [line, model])).toEqual([[2, { network: 'resnet18' }], [6, { network: 'vgg16' }]]);
    const said = new Map(marks.map(({ line, kind, message }) => [line, [kind, message]]));
    expect(said.get(5)).toEqual(['bad', expect.stringMatching(/^"cow" is no type of kernel/)]);
    expect(said.get(8)).toEqual(['bad', expect.stringMatching(/"fast" is no number/)]);
    expect(marks.map(({ line }) => line)).toEqual([...marks.map(({ line }) => line)].sort((x, y) => x - y));
  });

  test('rows are read by the names of their columns, and what is wrong is said', () => {
    const { marks, kernels } = checkKernels(
      ['kernel,latency_ms,n,h,w,cin,cout,kh,kw,stride,groups,note', 'conv,1.5,1,56.0,56,64,64,3,3,2,1,x', 'fc,0.2,1,,,512,1000,,,,,', 'se,,1,7,7,64', 'cow,1', 'conv,-1,1,7,7', 'conv,2,1,0,7'].join('\n'),
    );
    expect(kernels).toEqual([
      { line: 2, kernel: 'conv,1,56.0,56,64,64,3,3,2,1', latency_ms: 1.5 },
      { line: 3, kernel: 'fc,1,,,512,1000', latency_ms: 0.2 },
    ]);
    expect(marks.map(({ kind }) => kind)).toEqual(['skipped', 'good', 'good', 'skipped', 'bad', 'bad', 'bad']);
    expect(marks.flatMap(({ message }) => message ?? [])).toEqual([
      expect.stringMatching(/"cow" is no type/),
      expect.stringMatching(/the latency is "-1"/),
      expect.stringMatching(/h is "0"/),
    ]);
    expect(checkKernels('arch,latency_ms\n"conv,1,7,7,8,8,1,1,1,1",2').kernels).toEqual([{ line: 2, kernel: 'conv,1,7,7,8,8,1,1,1,1', latency_ms: 2 }]);
    expect(checkKernels('"gap,1,7,7,8",0.5').kernels).toEqual([{ line: 1, kernel: 'gap,1,7,7,8', latency_ms: 0.5 }]);
    expect(['conv-bn-relu,1', 'global-avgpool,1', 'dwconv'].map(kernelType)).toEqual(['conv', 'gap', 'dwconv']);
  });

  const pool: readonly PoolEntry[] = [
    { id: 'v100', title: 'TensorRT, V100', chip: 'v100', source: 'TinyNAS', timed: 'alone', family: 'tensorrt', timings: { conv: 90, dwconv: 20 } },
    { id: 't4', title: 'PyTorch, T4', chip: 't4', source: 'NeuSight', timed: 'alone', family: 'onnxruntime', timings: { conv: 9 } },
  ];
  const withPool: ModelState = { ...withFleet, pool: { status: 'ready', platforms: pool } };

  test('their platforms are chosen, found and compared as any other', () => {
    const state: ModelState = { ...withPool, platform: 'v100', find: 'tensorRT', pinned: ['t4', 'sd8'], compared: { ...compared, t4: { low: 1, latency_ms: 2, high: 3 } } };
    expect(familyOf(state)).toBe('tensorrt');
    expect(platformRows(state).map(({ platform: { id } }) => id)).toEqual(['v100']);
    expect(platformRows({ ...state, find: '' }).map(({ platform: { id } }) => id)).toEqual(['gpu', 't4', 'sd8', 'pi-4t', 'v100']);
    expect(pinnedRows(state).map(({ platform: { id }, latency_ms }) => [id, latency_ms])).toEqual([['t4', 2], ['sd8', 4]]);
  });

  test('of a platform timed in both ways the better one is listed, and a link still finds the other', () => {
    const inside: PoolEntry = { ...pool[0]!, id: 'v100-inside', timed: 'inside' };
    const state: ModelState = { ...withFleet, pool: { status: 'ready', platforms: [...pool, inside] }, platform: 'v100' };
    expect(platformRows({ ...state, find: 'v100' }).map(({ platform: { id } }) => id)).toEqual(['v100-inside']);
    expect(familyOf(state)).toBe('tensorrt');
  });

  test('types without timings are named, with their share', () => {
    const kernels = example.opened.kernels!.kernels;
    const estimated = { ...estimate(kernels.length), platform: 't4', knowledge: 'kernels' } as const;
    const state: ModelState = { ...withPool, platform: 't4', estimate: estimated };
    const others = [...kernels.keys()].filter((i) => kernels[i]!.type !== 'conv');
    const share = others.reduce((sum, i) => sum + estimated.kernel_ms[i]!, 0) / estimated.latency_ms;
    expect(untimed(state)?.share).toBeCloseTo(share, 9);
    expect(new Set(untimed(state)?.types)).toEqual(new Set(others.map((i) => kernels[i]!.type)));
    // Of whole models nothing is said; of the browser what was timed in it.
    expect(untimed({ ...state, platform: 'sd8' })).toBeUndefined();
    expect(untimed({ ...state, platform: kThisBrowser, browserKnown: { similar: [], types: [...new Set(kernels.map(({ type }) => type))] } })).toBeUndefined();
    expect(untimed({ ...state, platform: kThisBrowser, browserKnown: { similar: [], types: ['conv'] } })?.share).toBeCloseTo(share, 9);
  });

  test('a device of one’s own goes by them, and says which fit nothing', () => {
    const text = `${kHeader}\nconv,1,7,7,8,8,3,3,1,1,1\nconv,1,7,7,8,8,3,3,1,1,1000\n`;
    let state = reduceModel({ ...withPool, platform: kMine, family: 'tflite' }, { type: 'text', text });
    const check = checkModels(text, []);
    state = reduceModel(state, { type: 'checked', check });
    expect([isByKernels(state), familyOf(state)]).toEqual([true, 'tflite']);
    expect(familyOf(withFleet.platform === undefined ? { ...withPool, platform: kMine } : withPool)).toBe('ncnn');
    state = reduceModel(state, { type: 'adapted-kernels', adapted: { timings: check.kernels, readings: [], similar: [], set_aside: [1] } });
    expect(textMarks(state).map(({ line, kind }) => [line, kind])).toEqual([[1, 'skipped'], [2, 'good'], [3, 'bad']]);
    // Later edits are not what it spoke of.
    state = reduceModel(state, { type: 'checked', check: checkModels(`${text} `, []) });
    expect(textMarks(state).some(({ kind }) => kind === 'bad')).toBe(false);
  });

  test('what handing tensors over takes is taken out of the readings', () => {
    // Of every reading: a start, and so much for each element.
    const start = 0.2;
    const per = 1e-6;
    const own = new Map([['conv,1,56,56,64,64,3,3,1,1', 3], ['add,1,56,56,64', 0.05], ['maxpool,1,4,4,1,1,1,1,1', 0], ['maxpool,1,56,56,96,96,1,1,8', 0], ['maxpool,1,112,112,96,96,1,1,16', 0]]);
    const elements = new Map([...own.keys()].map((kernel, i) => [kernel, [4e5, 6e5, 0, 3e5, 12e5][i]!]));
    const readings = new Map([...own].map(([kernel, ms]) => [kernel, ms + start + per * elements.get(kernel)!]));
    const { timings, handover } = separate(readings, elements);
    expect(handover.start_ms).toBeCloseTo(start, 9);
    expect(handover.per_element_ms).toBeCloseTo(per, 12);
    expect(timings.map(({ kernel }) => kernel)).toEqual([...own.keys()].slice(0, 2));
    expect(timings[0]!.latency_ms).toBeCloseTo(3, 6);
    expect(timings[1]!.latency_ms).toBeCloseTo(0.05, 6);
    // Nothing is left of a kernel only in its noise; it is never nothing.
    readings.set('add,1,56,56,64', 0.1);
    expect(separate(readings, elements).timings[1]!.latency_ms).toBeGreaterThan(0);
    readings.delete('maxpool,1,112,112,96,96,1,1,16');
    readings.delete('maxpool,1,56,56,96,96,1,1,8');
    expect(separate(readings, elements).handover.per_element_ms).toBe(0);
  });

  test('only a file that has weights can be run', () => {
    const onnx = { ...example.opened.info!, format: 'ONNX' as const };
    const { network: _, ...file } = { ...example.opened, name: 'mine.onnx', info: onnx };
    expect(isRunnable(file)).toBe(true);
    expect(isRunnable(example.opened)).toBe(false);
    expect(isRunnable({ ...file, info: { ...onnx, format: 'ncnn' } })).toBe(false);
  });
});
