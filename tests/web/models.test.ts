import { mkdtempSync, openAsBlob, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine, Model } from '../../web/api/types.js';
import { withWeights } from '../bench/big-model.mjs';
import { api, expectFailure, kKinds } from './helpers.js';

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
