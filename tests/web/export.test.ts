import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine, SpaceId } from '../../web/api/types.js';
import { api, expectFailure, kKinds } from './helpers.js';

describe.each(kKinds)('export, %s engine', (kind) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
  });
  afterAll(() => engine.dispose());

  test.each(['nb201', 'fbnet', 'ofa'] as const)('an architecture of %s, read back, has its own work and weights', async (space: SpaceId) => {
    const [architecture = ''] = await engine.random(space, 1, 5);
    const [facts] = await engine.facts(space, [architecture]);
    const bytes = await engine.exportOnnx(space, architecture);
    expect(bytes.length).toBeGreaterThan(4 * facts!.params);
    using model = await engine.openModel(bytes);
    expect(model.info).toMatchObject({ format: 'ONNX', macs: facts!.macs, params: facts!.params });
    expect(Buffer.compare(bytes, await engine.exportOnnx(space, architecture))).toBe(0);
    expect(Buffer.compare(bytes, await engine.exportOnnx(space, architecture, { seed: 1 }))).not.toBe(0);
  });

  test('any form of an architecture, with the image and the classes of ImageNet16-120', async () => {
    const bytes = await engine.exportOnnx('nb201', '13714', { pixels: 16, classes: 120 });
    using model = await engine.openModel(bytes);
    expect(model.info.inputs.map(({ shape }) => shape)).toEqual([[1, 3, 16, 16]]);
    expect(model.info.outputs.map(({ shape }) => shape)).toEqual([[1, 120]]);
  });

  test('says what is wrong', async () => {
    await expectFailure(engine.exportOnnx('nb201', '42121x'), 'architecture', /nb201: found "42121x"; expected/);
    await expectFailure(engine.exportOnnx('nb201', '421211', { pixels: 99 }), 'argument', /an input size that every stride divides/);
    await expectFailure(engine.exportOnnx('nb201', '421211', { classes: -1 }), 'argument', /exportOnnx: classes is -1/);
  });
});
