import { mkdtempSync, openAsBlob, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine, Fleet, KernelPlatform, KernelPool, KernelTiming, Model } from '../../web/api/types.js';
import { withWeights } from '../bench/big-model.mjs';
import { api, expectFailure, fleetFile, kKinds, poolFile } from './helpers.js';

const golden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../golden/models/${name}.onnx`, import.meta.url)));
/** One kernel a line: key, multiply-adds, parameters. */
const listing = (name: string): string[] =>
  readFileSync(new URL(`../golden/models/${name}.txt`, import.meta.url), 'utf8').trim().split('\n');
const json = (graph: object): Uint8Array => new TextEncoder().encode(JSON.stringify(graph));

const kOpenGraph = {
  name: 'open',
  inputs: { image: [null, 3, null, 32] },
  nodes: [{ op: 'Conv', channels: 8, kernel: 3, pad: 1 }, { op: 'Relu' }, { op: 'Wobble' }],
};

async function kernelsOf(model: Model): Promise<string[]> {
  const { kernels } = await model.decompose('onnxruntime');
  return kernels.map(({ key, macs, params }) => `${key} ${macs} ${params}`);
}

describe.each(kKinds)('models, %s engine', (kind) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
  });
  afterAll(() => engine.dispose());

  test.each(['resnet50', 'mobilenet_v2', 'vit_tiny_dynamo'])('%s has the kernels of the native engine', async (name) => {
    using model = await engine.openModel(golden(name));
    expect(model.info.format).toBe('ONNX');
    expect(model.info.inputs.map(({ shape, element }) => [shape, element])).toEqual([[[1, 3, 224, 224], 'f32']]);
    expect(model.info.outputs.map(({ shape }) => shape)).toEqual([[1, 1000]]);
    expect(await kernelsOf(model)).toEqual(listing(name));
    const { kernels, runtime } = await model.decompose();
    expect(runtime).toBe('none');
    expect(kernels.reduce((sum, { macs }) => sum + macs, 0)).toBe(model.info.macs);
    expect(kernels.every(({ nodes }) => nodes.length === 1)).toBe(true);
    expect(kernels.length).toBeLessThanOrEqual(model.info.operators);
  });

  test('weights change nothing, and are not read', async () => {
    const { parts, size } = withWeights(golden('resnet50'));
    expect(size).toBeGreaterThan(100e6);
    let read = 0;
    const blob = new Blob([...parts]);
    if (kind === 'local') {
      const slice = blob.slice.bind(blob);
      blob.slice = (from = 0, to = blob.size) => {
        read += to - from;
        return slice(from, to);
      };
    }
    using model = await engine.openModel(blob);
    expect(model.info.params).toBe(25_557_032);
    expect(await kernelsOf(model)).toEqual(listing('resnet50'));
    expect(read).toBeLessThan(size / 15);
  });

  test('bytes with weights are read as well', async () => {
    const { parts } = withWeights(golden('mobilenet_v2'));
    const bytes = new Uint8Array(Buffer.concat(parts));
    using model = await engine.openModel(bytes);
    expect(await kernelsOf(model)).toEqual(listing('mobilenet_v2'));
    // Sent to a worker or not, they are still the caller's.
    expect(bytes.length).toBeGreaterThan(13e6);
  });

  test('a Blob on disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'latencast-'));
    try {
      const path = join(folder, 'model.onnx');
      writeFileSync(path, Buffer.concat(withWeights(golden('squeezenet1_1')).parts));
      using model = await engine.openModel(await openAsBlob(path));
      expect(await kernelsOf(model)).toEqual(listing('squeezenet1_1'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('open lengths are asked for', async () => {
    const file = json(kOpenGraph);
    expect(await engine.modelInputs(file)).toEqual([{ name: 'image', shape: [null, 3, null, 32] }]);
    await expectFailure(engine.openModel(file), 'model', /input 'image' has the shape 1x3x\?x32.*give its shape/);
    using model = await engine.openModel(file, { inputs: { image: [2, 3, 16, 32] } });
    expect(model.info).toMatchObject({ name: 'open', format: 'JSON', inputs: [{ name: 'image', shape: [2, 3, 16, 32] }] });
    expect(model.info.macs).toBe(2 * 16 * 32 * 3 * 8 * 9);
  });

  test('batch is for a first length that is open', async () => {
    const file = golden('mobilenet_v2');
    const [input] = await engine.modelInputs(file);
    expect(input).toEqual({ name: 'image', shape: [null, 3, 224, 224] });
    using one = await engine.openModel(file);
    using four = await engine.openModel(file, { batch: 4 });
    expect(four.info.macs).toBe(4 * one.info.macs);
    await expectFailure(engine.openModel(golden('resnet18'), { batch: 4 }), 'model', /the file fixes input/);
  });

  test('what nobody knows is named, with its share', async () => {
    using model = await engine.openModel(json(kOpenGraph), { inputs: { image: [1, 3, 8, 32] } });
    const { unknown } = await model.decompose('onnxruntime');
    expect(unknown).toEqual([
      { op: 'Wobble', count: 1, traffic_share: expect.any(Number) as unknown, macs_beside_share: expect.any(Number) as unknown },
    ]);
    expect(unknown[0]!.traffic_share).toBeGreaterThan(0.3);
    expect(unknown[0]!.traffic_share).toBeLessThan(0.8);
  });

  test('what is no model is refused in words', async () => {
    const big = (text: string): Blob => new Blob([text, new Uint8Array(2 << 20)]);
    await expectFailure(engine.openModel(new Uint8Array()), 'model', /nothing|blank/);
    await expectFailure(engine.openModel(new TextEncoder().encode('hello')), 'model', /not readable as ONNX/);
    await expectFailure(engine.openModel(big('PK\x03\x04')), 'model', /zip archive/);
    await expectFailure(engine.openModel(big('GGUF')), 'model', /GGUF/);
    await expectFailure(engine.openModel(big('\xff\xff\xff')), 'model', /not readable as ONNX/);
    await expectFailure(engine.openModel(json({ inputs: { x: [1] } })), 'model', /nodes/);
    await expectFailure(engine.openModel(golden('resnet18'), { batch: 1.5 }), 'argument', /batch is 1.5/);
    using model = await engine.openModel(golden('resnet18'));
    await expectFailure(model.decompose('fastest'), 'argument', /onnxruntime.*expected/);
  });

  test('a file that was cut off says so', async () => {
    const { parts, size } = withWeights(golden('resnet18'));
    const whole = new Blob([...parts]);
    await expectFailure(engine.openModel(whole.slice(0, 20e6)), 'model', /ends after 20\.0 MB.*goes on to 46\.\d MB/);
    expect(size).toBeGreaterThan(46e6);
  });

  test('families of runtimes', async () => {
    const families = await engine.runtimeFamilies();
    expect(families.map(({ id }) => id)).toEqual(expect.arrayContaining(['none', 'onnxruntime', 'tflite', 'ncnn', 'openvino', 'tensorrt']));
    for (const { id, title, source } of families) expect([title, id === 'none' || source]).not.toContain('');
  });

  test('a model that was disposed of is gone', async () => {
    const before = await engine.liveHandles();
    const model = await engine.openModel(golden('squeezenet1_1'));
    expect(await engine.liveHandles()).toBe(before + 1);
    model.dispose();
    model.dispose();
    await expectFailure(model.decompose(), 'disposed', /model: used after dispose/);
    expect(await engine.liveHandles()).toBe(before);
  });
});

test('models go with their engine', async () => {
  const engine = await api.createEngine({ kind: 'local' });
  const model = await engine.openModel(golden('squeezenet1_1'));
  engine.dispose();
  await expectFailure(model.decompose(), 'disposed', /engine/);
  await expectFailure(engine.openModel(golden('squeezenet1_1')), 'disposed', /engine/);
  model.dispose();
});

test('the second module can be given, and is only looked at when it is needed', async () => {
  const engine = await api.createEngine({ kind: 'local', modelsWasm: new Uint8Array([1, 2, 3]) });
  expect(await engine.spaces()).toHaveLength(3);
  await expectFailure(engine.openModel(golden('squeezenet1_1')), 'load', /expected a WebAssembly module/);
  // It may be tried again, and fails again.
  await expectFailure(engine.runtimeFamilies(), 'load', /expected a WebAssembly module/);
  engine.dispose();
});

/** Networks of the page, which platforms have measured. */
const network = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../web/app/model/networks/${name}.param`, import.meta.url)));

describe.each(kKinds)('platforms, %s engine', (kind) => {
  let engine: Engine;
  let fleet: Fleet;
  let models: Readonly<Record<'resnet18' | 'mobilenet_v2' | 'squeezenet' | 'googlenet' | 'mnasnet', Model>>;

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
    fleet = await engine.loadFleet(fleetFile());
    const names = ['resnet18', 'mobilenet_v2', 'squeezenet', 'googlenet', 'mnasnet'] as const;
    const opened = await Promise.all(names.map(async (name) => [name, await engine.openModel(network(name))] as const));
    models = Object.fromEntries(opened) as typeof models;
  });
  afterAll(() => engine.dispose());

  test('are known by unique names, with families that there are', async () => {
    const { platforms } = fleet;
    const families = (await engine.runtimeFamilies()).map(({ id }) => id);
    expect(new Set(platforms.map(({ id }) => id)).size).toBe(platforms.length);
    expect(platforms.length).toBeGreaterThan(70);
    for (const { title, family, threads, measured } of platforms) {
      expect(title).not.toBe('');
      expect(families).toContain(family);
      expect(threads).toBeGreaterThan(0);
      expect(measured).toBeGreaterThan(0);
    }
    expect(fleet.models.map(({ name }) => name)).toContain('resnet18');
  });

  test('estimate a model as the sum of its kernels', async () => {
    for (const { id } of [fleet.platforms[0]!, fleet.platforms.at(-1)!]) {
      using platform = await fleet.platform(id);
      const { kernels } = await models.resnet18.decompose(platform.family);
      const { latency_ms, low_ms, high_ms, kernel_ms, knowledge } = await platform.estimate(models.resnet18);
      expect(kernel_ms).toHaveLength(kernels.length);
      expect(kernel_ms.every((ms) => ms >= 0)).toBe(true);
      expect(kernel_ms.reduce((sum, ms) => sum + ms, 0) / latency_ms).toBeCloseTo(1, 6);
      expect(low_ms).toBeLessThan(latency_ms);
      expect(high_ms).toBeGreaterThan(latency_ms);
      expect(['measured', 'known']).toContain(knowledge);
      const narrow = await platform.estimate(models.resnet18, 0.5);
      expect(narrow.high_ms / narrow.low_ms).toBeLessThan(high_ms / low_ms);
    }
  });

  test('are compared as they are one by one', async () => {
    const platforms = [fleet.platforms[9]!.id, fleet.platforms[2]!.id];
    const { low, latency_ms, high } = await fleet.compare(models.mobilenet_v2, { platforms });
    expect(latency_ms).toHaveLength(2);
    using platform = await fleet.platform(platforms[1]!);
    const alone = await platform.estimate(models.mobilenet_v2);
    expect([low[1], latency_ms[1], high[1]]).toEqual([alone.low_ms, alone.latency_ms, alone.high_ms]);
    // Unless told, all of them; one by one, so that it can be stopped.
    const stop = new AbortController();
    const all = fleet.compare(models.mobilenet_v2, { signal: stop.signal, onProgress: ({ done }) => {
      expect(done).toBeCloseTo(1 / fleet.platforms.length, 6);
      stop.abort();
    } });
    await expectFailure(all, 'cancelled', /cancelled/);
    await expectFailure(fleet.compare(models.mobilenet_v2, { platforms: ['toaster'] }), 'argument', /no platform "toaster"/);
  });

  test('a device is adapted to what was measured on it', async () => {
    const scale = 3;
    using known = await fleet.platform(fleet.platforms[0]!.id);
    const ms = async (model: Model): Promise<number> => scale * (await known.estimate(model)).latency_ms;
    const { mnasnet, ...measured } = models;
    const measurements = await Promise.all(Object.values(measured).map(async (model) => ({ model, latency_ms: await ms(model) })));
    using nobody = await fleet.adapt([]);
    using mine = await fleet.adapt(measurements);
    const [before, after] = [await nobody.estimate(mnasnet), await mine.estimate(mnasnet)];
    expect(after.high_ms / after.low_ms).toBeLessThan(before.high_ms / before.low_ms);
    expect(Math.abs(Math.log(after.latency_ms / (await ms(mnasnet))))).toBeLessThan(Math.log(1.5));

    // What it is counts where four known models say how alike platforms are.
    const { processor, threads } = fleet.platforms[0]!;
    expect(fleet.processors).toContain(processor);
    using told = await fleet.adapt(measurements, { processor, threads });
    expect((await told.estimate(mnasnet)).latency_ms).not.toBeCloseTo(after.latency_ms, 6);

    const { likenesses, set_aside, left_out, expected_error } = await mine.review();
    expect(set_aside).toEqual([false, false, false, false]);
    expect(left_out.latency_ms).toHaveLength(4);
    expect(expected_error).toBeGreaterThan(0);
    const ids = fleet.platforms.map(({ id }) => id);
    for (const { platform, probability } of likenesses) {
      expect(ids).toContain(platform);
      expect(probability).toBeLessThanOrEqual(1);
    }
    const next = await mine.next([mnasnet, models.resnet18], 1);
    expect(next.models).toHaveLength(1);
    expect([0, 1]).toContain(next.models[0]);
  });

  test('a slip is set aside unless it is trusted', async () => {
    using known = await fleet.platform(fleet.platforms[0]!.id);
    const measurements = await Promise.all(
      Object.values(models).map(async (model) => ({ model, latency_ms: (await known.estimate(model)).latency_ms })),
    );
    measurements[2] = { ...measurements[2]!, latency_ms: 20 * measurements[2]!.latency_ms };
    using doubting = await fleet.adapt(measurements);
    expect((await doubting.review()).set_aside).toEqual([false, false, true, false, false]);
    using trusting = await fleet.adapt(measurements, { trusted: [2] });
    expect((await trusting.review()).set_aside[2]).toBe(false);
  });

  test('say what is wrong', async () => {
    await expectFailure(engine.loadFleet(new Uint8Array(9)), 'checkpoint', /./);
    await expectFailure(fleet.platform('toaster'), 'argument', /no platform "toaster"/);
    await expectFailure(fleet.adapt([{ model: models.resnet18, latency_ms: -1 }]), 'measurement', /1/);
    await expectFailure(fleet.adapt([{ model: models.resnet18, latency_ms: 9 }], { trusted: [4] }), 'argument', /trusted is 4/);
    await expectFailure(fleet.adapt([{ model: models.resnet18, latency_ms: 9 }], { family: 'none such' }), 'argument', /none such/);
    await expectFailure(fleet.adapt([{ model: models.resnet18, latency_ms: 9 }], { processor: 'abacus' }), 'argument', /'abacus'; expected one of .*arm64/);
    await expectFailure(fleet.adapt([{ model: models.resnet18, latency_ms: 9 }], { threads: -1 }), 'argument', /threads/);
    using other = await api.createEngine({ kind });
    using stranger = await other.openModel(network('squeezenet'));
    using platform = await fleet.platform(fleet.platforms[0]!.id);
    await expectFailure(platform.estimate(stranger), 'argument', /another engine/);
  });

  test('are gone once they are disposed of', async () => {
    const before = await engine.liveHandles();
    const platform = await fleet.platform(fleet.platforms[0]!.id);
    expect(await engine.liveHandles()).toBe(before + 1);
    platform.dispose();
    await expectFailure(platform.estimate(models.resnet18), 'disposed', /platform: used after dispose/);
    expect(await engine.liveHandles()).toBe(before);
  });
});

describe.each(kKinds)('platforms known by their kernels, %s engine', (kind) => {
  const kKnown = 'tensorflow-v100';
  let engine: Engine;
  let pool: KernelPool;
  let known: KernelPlatform;
  let model: Model;

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
    pool = await engine.loadKernelPool(poolFile());
    known = await engine.loadKernelPlatform(poolFile(`${kKnown}.latencast`));
    model = await engine.openModel(golden('resnet18'));
  });
  afterAll(() => engine.dispose());

  /** What the platform takes for single kernels, times a factor: each a model of its own. */
  async function timings(keys: readonly string[], factor: number): Promise<KernelTiming[]> {
    return Promise.all(
      keys.map(async (kernel) => {
        const [, , h, w, cin, channels, size, , stride, group] = kernel.split(',').map(Number);
        const nodes = [{ op: 'Conv', channels, kernel: size, stride, group, pad: (size! - 1) / 2 }];
        using one = await engine.openModel(json({ inputs: { x: [1, cin, h, w] }, nodes }));
        expect((await one.decompose('onnxruntime')).kernels.map(({ key }) => key)).toEqual([kernel]);
        return { kernel, latency_ms: factor * (await known.estimate(one, 'onnxruntime')).latency_ms };
      }),
    );
  }
  const convs = (): string[] => pool.probes.filter((key) => /^conv,1,.*,([135]),\1,1,1$/.test(key));

  test('the pool says what there is, and how well each type is known', async () => {
    const families = (await engine.runtimeFamilies()).map(({ id }) => id);
    expect(pool.platforms.length).toBeGreaterThan(100);
    expect(new Set(pool.platforms.map(({ id }) => id)).size).toBe(pool.platforms.length);
    for (const { title, family, timings: counts } of pool.platforms) {
      expect(title).not.toBe('');
      expect(families).toContain(family);
      expect(Object.values(counts).every((count) => count > 0)).toBe(true);
    }
    // Those timed inside networks, of whatever runtime, are put together by the fewest fusions.
    const inside = pool.platforms.filter(({ timed }) => timed === 'inside');
    expect(inside.length).toBeGreaterThan(10);
    expect(new Set(inside.map(({ family }) => family))).toEqual(new Set(['tflite']));
    expect(pool.platforms.find(({ id }) => id === kKnown)).toEqual(known.entry);
    expect(known).toMatchObject({ family: 'onnxruntime', similar: [], set_aside: [] });
    expect(pool.probes.filter((key) => key.split(',')[1] === '1').length).toBeGreaterThan(60);
    expect(pool.enough).toBeLessThan(30);
  });

  test('a model takes as long as its kernels, as the runtime fuses them', async () => {
    const { latency_ms, low_ms, high_ms, kernel_ms } = await known.estimate(model);
    expect(kernel_ms).toHaveLength((await model.decompose('onnxruntime')).kernels.length);
    expect(kernel_ms.reduce((sum, ms) => sum + ms, 0) / latency_ms).toBeCloseTo(1, 6);
    expect(low_ms).toBeLessThan(latency_ms);
    expect(high_ms).toBeGreaterThan(latency_ms);
    expect((await known.estimate(model, 'none')).kernel_ms).toHaveLength((await model.decompose('none')).kernels.length);
    await expectFailure(known.estimate(model, 'fastest'), 'argument', /onnxruntime/);
  });

  test('timings find the platform they are of, and make a new one', async () => {
    const timed = await timings(convs(), 3);
    expect(timed.length).toBeGreaterThan(10);
    const [first, ...others] = await pool.similarities(timed);
    expect(first).toMatchObject({ platform: kKnown });
    expect(first!.error).toBeLessThan(0.1);
    expect(first!.scale).toBeCloseTo(3, 0);
    expect(others).toHaveLength(pool.platforms.length - 1);
    const others_id = others[0]!.platform;
    using other = await engine.loadKernelPlatform(poolFile(`${others_id}.latencast`));
    using mine = await engine.adaptKernels([other, known], timed);
    expect(mine.similar.map(({ platform }) => platform)).toEqual([kKnown, others_id]);
    expect(mine).toMatchObject({ entry: undefined, family: 'onnxruntime', set_aside: [] });
    const [{ latency_ms }, truth] = [await mine.estimate(model), await known.estimate(model)];
    expect(Math.abs(Math.log(latency_ms / (3 * truth.latency_ms)))).toBeLessThan(Math.log(1.4));

    const slip = timed.map((each, i) => (i === 5 ? { ...each, latency_ms: 1000 * each.latency_ms } : each));
    using careful = await engine.adaptKernels([known], slip, { family: 'tflite' });
    expect(careful).toMatchObject({ set_aside: [5], family: 'tflite' });
    // Without any platform there are still the timings.
    using alone = await engine.adaptKernels([], timed);
    expect(alone.similar).toEqual([]);
    expect((await alone.estimate(model)).latency_ms).toBeGreaterThan(0);
  });

  test('whole models say how kernels add up, here to twice their sum', async () => {
    const timed = await timings(convs(), 1);
    using alone = await engine.adaptKernels([known], timed);
    const measured = await Promise.all(
      ['mobilenet_v2', 'squeezenet1_1', 'mnasnet1_0'].map(async (name) => {
        const one = await engine.openModel(golden(name), name === 'mobilenet_v2' ? { batch: 1 } : {});
        return { model: one, latency_ms: 2 * (await alone.estimate(one)).latency_ms };
      }),
    );
    using together = await engine.adaptKernels([known], timed, { models: measured });
    const [sum, told] = [await alone.estimate(model), await together.estimate(model)];
    expect(told.latency_ms / sum.latency_ms).toBeGreaterThan(1.5);
    expect(told.kernel_ms.reduce((all, ms) => all + ms, 0) / told.latency_ms).toBeCloseTo(1, 6);
    const wrong = measured.map((each, i) => (i === 1 ? { ...each, latency_ms: 0 } : each));
    await expectFailure(engine.adaptKernels([known], timed, { models: wrong }), 'measurement', /model 2/);
    const foreign = await api.createEngine({ kind });
    const theirs = await foreign.openModel(golden('squeezenet1_1'));
    await expectFailure(engine.adaptKernels([known], timed, { models: [{ model: theirs, latency_ms: 1 }] }), 'argument', /another engine/);
    foreign.dispose();
  });

  test('what to time is written as models, which have that kernel', async () => {
    for (const key of pool.probes.filter((probe) => probe.split(',')[1] === '1')) {
      using one = await engine.openModel(await engine.exportKernel(key));
      const { kernels } = await one.decompose('onnxruntime');
      // Without its network an attention is the products and the softmax that it consists of.
      if (!key.startsWith('attention')) expect(kernels.map((kernel) => kernel.key)).toEqual([key]);
    }
    const [first, again, other] = [{}, { seed: 0 }, { seed: 1 }].map((options) => engine.exportKernel('conv,1,8,8,8,8,3,3,1,1', options));
    expect(await again).toEqual(await first);
    expect(await other).not.toEqual(await first);
    await expectFailure(engine.exportKernel('other/Gelu,1,8'), 'argument', /other\/Gelu/);
  });

  test('what is wrong is said', async () => {
    const timing = { kernel: 'conv,1,14,14,64,64,3,3,1,1', latency_ms: 1 };
    await expectFailure(engine.adaptKernels([], [timing]), 'measurement', /found 1 timings; at least 2/);
    await expectFailure(engine.adaptKernels([], [timing, { ...timing, latency_ms: 0 }]), 'measurement', /timing 2 has latency 0/);
    await expectFailure(engine.adaptKernels([], [timing, timing], { timed: 'outside' as never }), 'argument', /'outside'; expected alone or inside/);
    await expectFailure(engine.adaptKernels([], [timing, { kernel: 'cow,1', latency_ms: 1 }]), 'argument', /'cow'.*conv.* expected/);
    await expectFailure(pool.similarities([{ kernel: 'conv,1,x,14', latency_ms: 1 }]), 'argument', /h 'x'; expected a whole number/);
    await expectFailure(engine.loadKernelPool(new TextEncoder().encode('{}')), 'checkpoint', /pool/);
    await expectFailure(engine.loadKernelPlatform(poolFile()), 'checkpoint', /./);
    using adapted = await engine.adaptKernels([known], await timings(convs().slice(0, 4), 1));
    await expectFailure(engine.adaptKernels([adapted], [timing, timing]), 'argument', /adapted itself/);
    const foreign = await api.createEngine({ kind });
    using theirs = await foreign.loadKernelPlatform(poolFile(`${kKnown}.latencast`));
    await expectFailure(engine.adaptKernels([theirs], [timing, timing]), 'argument', /another engine/);
    foreign.dispose();
  });

  test('are gone when they are disposed of', async () => {
    const before = await engine.liveHandles();
    const platform = await engine.loadKernelPlatform(poolFile(`${kKnown}.latencast`));
    const index = await engine.loadKernelPool(poolFile());
    expect(await engine.liveHandles()).toBe(before + 2);
    platform.dispose();
    index.dispose();
    await expectFailure(platform.estimate(model), 'disposed', /platform: used after dispose/);
    await expectFailure(index.similarities([]), 'disposed', /pool: used after dispose/);
    expect(await engine.liveHandles()).toBe(before);
  });
});

test('the pool is small, and its index smaller', () => {
  const folder = new URL('../../weights/pool/', import.meta.url);
  const packed = (name: string): number => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  expect(packed('index.json')).toBeLessThan(30e3);
  const { platforms } = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as { platforms: { id: string }[] };
  const bytes = (name: string): number => statSync(new URL(name, folder)).size;
  const largest = platforms.map(({ id }) => `${id}.latencast`).sort((a, b) => bytes(b) - bytes(a));
  for (const name of largest.slice(0, 4)) expect(packed(name)).toBeLessThan(60e3);
});
