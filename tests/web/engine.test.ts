import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import type { Encoder, Engine, Measurement, Predictor, SpaceId, TransferOptions, TransferProgress } from '../../web/api/index.js';
import {
  api,
  encoderFile,
  expectFailure,
  expectSame,
  goldenMeasurements,
  kKinds,
  kMeasurements,
  kPackage,
  kSamplers,
  kWeightsFile,
  runNode,
  shippedFile,
  sleep,
  weights,
} from './helpers.js';

const kFineTune = { method: 'finetune' } as const;
const kQuick = { ...kFineTune, epochs: 3, seed: 7 };

// Every promise of web/api/types.ts, kept by both engines.
describe.each(kKinds)('engine: %s', (kind) => {
  let engine: Engine;
  let base: Predictor;
  const made: { dispose(): void }[] = [];

  /** Disposed when the test ends, however it ends. */
  async function use<T extends { dispose(): void }>(making: Promise<T>): Promise<T> {
    const predictor = await making;
    made.push(predictor);
    return predictor;
  }

  beforeAll(async () => {
    engine = await api.createEngine({ kind });
    base = await engine.load(weights());
  });

  // Of what a test makes nothing is left but the base.
  afterEach(async () => {
    for (const one of made.splice(0)) one.dispose();
    // Cancelled work in a worker ends a slice later than its promise.
    await expect.poll(() => engine.liveHandles(), { interval: 10 }).toBe(1);
  });

  afterAll(() => engine.dispose());

  test('says which kind it is', () => {
    expect(engine.kind).toBe(kind);
  });

  describe('architectures', () => {
    test('are parsed one by one, in order, in every form', async () => {
      const long = '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|';
      const parsed = await engine.parse('nb201', ['421211', 'abc', long, '0', '13714']);
      expect(parsed).toEqual([
        { ok: true, architecture: '421211', index: 0 },
        { ok: false, message: expect.stringContaining('abc') as unknown },
        { ok: true, architecture: '421211', index: 0 },
        { ok: true, architecture: '421211', index: 0 },
        { ok: true, architecture: expect.stringMatching(/^[0-4]{6}$/) as unknown, index: 13714 },
      ]);
    });

    test('may be any text: each has its own verdict', async () => {
      const odd = ['', '\n', '421211\n334131', '421211\r\n', '\ud800', '\udc00x', 'a\u0000b', '\u{1f600}', '421211'];
      const parsed = await engine.parse('nb201', odd);
      expect(parsed.map(({ ok }) => ok)).toEqual([false, false, false, true, false, false, false, false, true]);
    });

    test('an empty list gives an empty list', async () => {
      expect(await engine.parse('nb201', [])).toEqual([]);
      expect(await engine.facts('nb201', [])).toEqual([]);
    });

    test('are listed in official order', async () => {
      const all = await engine.enumerate('nb201');
      expect(all).toHaveLength(15625);
      expect(new Set(all).size).toBe(15625);
      const parsed = await engine.parse('nb201', all);
      expect(parsed.every((one, i) => one.ok && one.index === i)).toBe(true);
    });

    test('have exact facts', async () => {
      const [facts, dead] = await engine.facts('nb201', ['421211', '333000']);
      // Check values of the space's definition.
      expect(facts).toMatchObject({ macs: 15_647_360, params: 129_306 });
      expect(facts?.graph.op).toHaveLength(8);
      expect(facts?.graph.predecessors).toHaveLength(8);
      expect(facts?.graph.live.every(Boolean)).toBe(true);
      // 0 is none: nothing leaves the cell's third node, and the other edges into the output are none as well.
      expect(dead?.graph.live.some(Boolean)).toBe(false);
    });

    test('facts of many come in order', async () => {
      const some = (await engine.enumerate('nb201')).slice(0, 1300);
      const facts = await engine.facts('nb201', some);
      const parsed = await engine.parse('nb201', facts.map(({ text }) => text));
      expect(parsed.map((one) => one.ok && one.architecture)).toEqual(some);
    });

    test('a bad one is named by its number', async () => {
      await expectFailure(engine.facts('nb201', ['421211', 'nonsense']), 'architecture', /architecture 2: .*"nonsense"/);
    });

    test('an unknown space is refused', async () => {
      await expectFailure(engine.parse('nb999' as 'nb201', ['421211']), 'argument', /nb999.*nb201/);
    });
  });

  describe('spaces', () => {
    const kUnlisted: readonly SpaceId[] = ['fbnet', 'ofa'];

    test('are named with their sizes', async () => {
      expect(await engine.spaces()).toEqual([
        { id: 'nb201', title: 'NAS-Bench-201', size: 15625 },
        { id: 'fbnet', title: 'FBNet', size: 0 },
        { id: 'ofa', title: 'OFA-MobileNetV3', size: 0 },
      ]);
    });

    test.each(kUnlisted)('%s: architectures have no index, and are not listed', async (space) => {
      const [drawn] = await engine.random(space, 1);
      expect(await engine.parse(space, [drawn!, 'x'])).toEqual([
        { ok: true, architecture: drawn, index: -1 },
        { ok: false, message: expect.stringContaining('"x"') as unknown },
      ]);
      const [facts] = await engine.facts(space, [drawn!]);
      expect(await engine.parse(space, [facts!.text])).toMatchObject([{ ok: true, architecture: drawn }]);
      await expectFailure(engine.enumerate(space), 'argument', /too many/);
    });

    test('FBNet: a chain, wider blocks cost more', async () => {
      const [light, heavy] = await engine.facts('fbnet', ['0'.repeat(22), '7'.repeat(22)]);
      expect(light?.text).toMatch(/^k3_e1(_k3_e1){21}$/);
      expect(heavy!.macs).toBeGreaterThan(3 * light!.macs);
      expect(heavy?.graph.op).toEqual(['input', ...Array.from({ length: 22 }, () => 'k5_e6'), 'output']);
      expect(heavy?.graph.predecessors).toEqual(Array.from({ length: 24 }, (_, i) => (i === 0 ? [] : [i - 1])));
    });

    test.each(['nb201', ...kUnlisted] as const)('%s: draws are decided by their seed', async (space) => {
      const drawn = await engine.random(space, 300, 5);
      expect(drawn).toHaveLength(300);
      expect(new Set(drawn).size).toBeGreaterThan(280);
      expect(await engine.random(space, 300, 5)).toEqual(drawn);
      expect(await engine.random(space, 300, 6)).not.toEqual(drawn);
      expect((await engine.random(space, 3))).toEqual(await engine.random(space, 3, 0));
      const parsed = await engine.parse(space, drawn);
      expect(parsed.map((one) => one.ok && one.architecture)).toEqual(drawn);
    });

    test('draws: what makes no sense is refused', async () => {
      await expectFailure(engine.random('fbnet', -1), 'argument', /count is -1/);
      await expectFailure(engine.random('fbnet', 1.5), 'argument', /count is 1.5/);
      await expectFailure(engine.random('fbnet', 1, -1), 'argument', /seed is -1/);
    });

    test('the pool is the space where it can be listed, else 5,000 that stay the same', async () => {
      expect(await engine.pool('nb201')).toEqual(await engine.enumerate('nb201'));
      const pool = await engine.pool('ofa');
      expect(new Set(pool).size).toBe(5000);
      expect(await engine.pool('ofa')).toEqual(pool);
    });

    test('neighbours differ in one choice', async () => {
      const near = await engine.neighbours('nb201', '421211');
      expect(new Set(near).size).toBe(24);
      for (const one of near) {
        expect([...one].filter((digit, i) => digit !== '421211'[i])).toHaveLength(1);
        expect(await engine.neighbours('nb201', one)).toContain('421211');
      }
      expect(await engine.neighbours('fbnet', '0'.repeat(22))).toHaveLength(22 * 8);
      await expectFailure(engine.neighbours('nb201', 'x\ny'), 'architecture', /"x\s+y"/);
    });
  });

  describe('samples', () => {
    let encoder: Encoder;

    test.each(['nb201', 'fbnet', 'ofa'] as const)('%s: as many as asked for, of the pool, no two alike', async (space) => {
      const pool = new Set(await engine.pool(space));
      for (const sampler of ['random', 'params'] as const) {
        const chosen = await engine.chooseSamples(space, { sampler, count: 30, seed: 2 });
        expect(new Set(chosen).size).toBe(30);
        expect(chosen.every((one) => pool.has(one))).toBe(true);
        expect(await engine.chooseSamples(space, { sampler, count: 30, seed: 2 })).toEqual(chosen);
        expect(await engine.chooseSamples(space, { sampler, count: 30, seed: 3 })).not.toEqual(chosen);
      }
      expect(await engine.chooseSamples(space)).toHaveLength(20);
    });

    test('by size: one from each part', async () => {
      const pool = (await engine.enumerate('nb201')).slice(0, 1000);
      const facts = await engine.facts('nb201', pool);
      const params = new Map(pool.map((one, i) => [one, facts[i]!.params]));
      const sorted = [...params.values()].sort((a, b) => a - b);
      const chosen = await engine.chooseSamples('nb201', { sampler: 'params', count: 10, pool });
      const sizes = chosen.map((one) => params.get(one)!).sort((a, b) => a - b);
      sizes.forEach((size, i) => {
        expect(size).toBeGreaterThanOrEqual(sorted[100 * i]!);
        expect(size).toBeLessThanOrEqual(sorted[100 * i + 99]!);
      });
    });

    const kEncoded = (['nb201', 'fbnet', 'ofa'] as const).filter((space) => shippedFile(space, 'encoder'));

    test.each(kEncoded)('%s: every sampler works with an encoder, and those that need one say so', async (space) => {
      encoder = await use(engine.loadEncoder(shippedFile(space, 'encoder')!));
      expect(encoder.space).toBe(space);
      const pool = (await engine.pool(space)).slice(0, 200);
      for (const sampler of kSamplers) {
        const chosen = await engine.chooseSamples(space, { sampler, count: 12, pool, encoder });
        expect(new Set(chosen).size).toBe(12);
        expect(chosen.every((one) => pool.includes(one))).toBe(true);
        if (!sampler.includes('-')) continue;
        await expectFailure(engine.chooseSamples(space, { sampler, count: 12, pool }), 'argument', /encoder/);
      }
    });

    test('encodings have their widths, and one row does not depend on the others', async () => {
      encoder = await use(engine.loadEncoder(encoderFile()));
      const some = ['421211', '334131', '000000'];
      for (const [encoding, width] of [['arch2vec', 32], ['cate', 32], ['zcp', 13], ['caz', 77]] as const) {
        const together = await encoder.encode(encoding, some);
        expect(together).toHaveLength(3 * width);
        expect(together.every((value) => Number.isFinite(value))).toBe(true);
        const alone = await encoder.encode(encoding, ['334131']);
        alone.forEach((value, i) => expect(together[width + i]).toBeCloseTo(value, 4));
      }
      expect(await encoder.encode('zcp', [])).toHaveLength(0);
      await expectFailure(encoder.encode('zcp', ['421211', 'x9']), 'architecture', /architecture 2: .*"x9"/);
      await expectFailure(encoder.encode('taste' as 'zcp', some), 'argument', /taste/);
    });

    test('what makes no sense is refused', async () => {
      await expectFailure(engine.chooseSamples('nb201', { sampler: 'best' as 'random' }), 'argument', /best/);
      await expectFailure(engine.chooseSamples('nb201', { count: 3, pool: ['421211', '000000'] }), 'argument', /3.*2/);
      await expectFailure(engine.chooseSamples('nb201', { pool: ['421211', 'x9'] }), 'architecture', /architecture 2/);
      await expectFailure(engine.loadEncoder(weights()), 'checkpoint', /./);
      await expectFailure(engine.load(encoderFile()), 'checkpoint', /./);
      encoder = await use(engine.loadEncoder(encoderFile()));
      const options = { sampler: 'cosine-zcp', encoder } as const;
      await expectFailure(engine.chooseSamples('fbnet', options), 'argument', /encoder is of nb201.*fbnet/);
      const other = await api.createEngine({ kind });
      await expectFailure(other.chooseSamples('nb201', options), 'argument', /another engine/);
      other.dispose();
      encoder.dispose();
      encoder.dispose();
      await expectFailure(engine.chooseSamples('nb201', options), 'disposed', /encoder/);
      await expectFailure(encoder.encode('zcp', []), 'disposed', /encoder/);
    });
  });

  test('accuracy compares predictions with the truth', async () => {
    const truth = Float64Array.of(1, 2, 3, 4);
    expect(await engine.accuracy(Float64Array.of(1.04, 2.16, 3.6, 3.5), truth)).toEqual({
      spearman: expect.closeTo(0.8, 12) as unknown,
      kendall: expect.closeTo(2 / 3, 12) as unknown,
      mdape: expect.closeTo((0.08 + 0.125) / 2, 12) as unknown,
      within5: 0.25,
      within10: 0.5,
    });
    await expectFailure(engine.accuracy(Float64Array.of(1), truth), 'argument', /1 predicted values for 4/);
  });

  describe('a pre-trained predictor', () => {
    test('describes itself', () => {
      const { info } = base;
      expect(info.space).toBe('nb201');
      expect(info.devices.length).toBeGreaterThan(1);
      expect(info.devices).not.toContain('raspi4');
      expect(info.parameter_count).toBeGreaterThan(100_000);
      expect(info.measurements).toEqual([]);
      expect(info).not.toHaveProperty('target');
      expect(info).not.toHaveProperty('nearest');
      expect(info).not.toHaveProperty('method');
      expect(info.closed_form).toBe(true);
    });

    test('scores architectures: heavy cells are slower', async () => {
      const [heavy, light] = await base.scores('pixel3', ['333333', '111111']);
      expect(heavy).toBeGreaterThan(light!);
    });

    test('scores one architecture the same alone and among others', async () => {
      const all = (await engine.enumerate('nb201')).slice(3000, 3200);
      const together = await base.scores('pixel3', all);
      const alone = await base.scores('pixel3', [all[123]!]);
      expect(alone[0]).toBeCloseTo(together[123]!, 4);
    });

    test('refuses an unknown device, a bad architecture, and milliseconds', async () => {
      await expectFailure(base.scores('toaster', ['421211']), 'argument', /"toaster".*pixel3/);
      await expectFailure(base.scores('toaster', []), 'argument', /"toaster".*pixel3/);
      await expectFailure(base.scores('pixel3', ['421211', 'x9']), 'architecture', /architecture 2: .*"x9"/);
      await expectFailure(base.predict(['421211']), 'argument', /transfer/);
    });
  });

  describe('loading', () => {
    test('refuses what is no predictor, saying so', async () => {
      await expectFailure(engine.load(new Uint8Array()), 'checkpoint', /cut short/);
      await expectFailure(engine.load(new TextEncoder().encode('<!doctype html>')), 'checkpoint', /LATCAST/);
    });

    test('refuses a damaged file', async () => {
      const bytes = weights();
      bytes[bytes.length >> 1]! ^= 1;
      await expectFailure(engine.load(bytes), 'checkpoint', /damaged: the checksum does not match/);
      await expectFailure(engine.load(weights().subarray(0, 100_000)), 'checkpoint', /cut short: \d+ bytes are missing/);
    });

    test('leaves the bytes with the caller', async () => {
      const bytes = weights();
      await use(engine.load(bytes));
      expectSame(bytes, weights());
    });
  });

  describe('transfer', () => {
    test('gives a predictor for the new device', async () => {
      const tuned = await use(base.transfer(kMeasurements, { ...kQuick, device: 'my phone' }));
      expect(tuned.info.target).toBe('my phone');
      expect(tuned.info.measurements).toEqual(kMeasurements);
      expect(base.info.devices).toContain(tuned.info.nearest?.device);
      expect(tuned.info.nearest?.spearman).toBeGreaterThan(0.5);
      const latency_ms = await tuned.predict(kMeasurements.map(({ architecture }) => architecture));
      expect(latency_ms).toHaveLength(kMeasurements.length);
      expect(latency_ms.every((value) => value > 0 && Number.isFinite(value))).toBe(true);
      expect(await tuned.predict([])).toHaveLength(0);
    });

    test('learns: a full run ranks its own measurements', async () => {
      const tuned = await use(base.transfer(kMeasurements, kFineTune));
      const predicted = await tuned.predict(kMeasurements.map(({ architecture }) => architecture));
      const measured = Float64Array.from(kMeasurements, ({ latency_ms }) => latency_ms);
      expect((await engine.accuracy(predicted, measured)).spearman).toBeGreaterThan(0.9);
    });

    test('accepts every form of an architecture', async () => {
      const [first, ...rest] = kMeasurements;
      const [facts] = await engine.facts('nb201', [first!.architecture]);
      const tuned = await use(base.transfer([{ ...first!, architecture: facts!.text }, ...rest], kQuick));
      expect(tuned.info.measurements).toEqual(kMeasurements);
    });

    test('is decided by its seed', async () => {
      const run = async (seed: number) => {
        const tuned = await use(base.transfer(kMeasurements, { ...kQuick, seed }));
        const latency_ms = await tuned.predict(['421211', '012340', '302104']);
        return [...latency_ms];
      };
      const first = await run(7);
      expect(await run(7)).toEqual(first);
      expect(await run(8)).not.toEqual(first);
      expect(await run(Number.MAX_SAFE_INTEGER)).not.toEqual(first);
    });

    test('leaves its base as it was', async () => {
      const before = await base.scores('pixel3', ['421211', '334131']);
      await use(base.transfer(kMeasurements, kQuick));
      expect(await base.scores('pixel3', ['421211', '334131'])).toEqual(before);
    });

    test('reports progress, in order and to the end', async () => {
      const seen: TransferProgress[] = [];
      await use(base.transfer(kMeasurements, { ...kFineTune, epochs: 12, onProgress: (progress) => seen.push(progress) }));
      expect(seen.length).toBeGreaterThan(1);
      expect(seen.every(({ phase, epochs }) => phase === 'transfer' && epochs === 12)).toBe(true);
      expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
      expect(seen.at(-1)).toMatchObject({ done: 1, epoch: 12, seconds_left: 0 });
      expect(seen.at(-1)?.loss).toBeGreaterThanOrEqual(0);
    });

    test.each([
      ['too few', kMeasurements.slice(0, 2), /found 2 measurements; expected at least 3/],
      ['none', [], /found 0 measurements; expected at least 3/],
      ['all of one latency', kMeasurements.map((one) => ({ ...one, latency_ms: 5 })), /all 8 measurements are 5 ms; expected at least two/],
      ['a negative latency', kMeasurements.map((one, i) => (i === 3 ? { ...one, latency_ms: -1 } : one)), /sample 4 has latency -1 ms/],
      ['a latency that is not finite', kMeasurements.map((one, i) => (i === 0 ? { ...one, latency_ms: NaN } : one)), /sample 1 has latency nan ms/],
    ])('refuses %s', async (_, measurements, message) => {
      await expectFailure(base.transfer(measurements, kFineTune), 'measurement', message);
    });

    test('names a measurement whose architecture is none', async () => {
      const measurements = kMeasurements.map((one, i) => (i === 4 ? { ...one, architecture: 'oops' } : one));
      await expectFailure(base.transfer(measurements, kFineTune), 'architecture', /measurement 5.*"oops"/);
    });

    test.each([
      [{ epochs: 0 }, /0 epochs/],
      [{ epochs: 1.5 }, /epochs is 1.5/],
      [{ learning_rate: -1 }, /learning rate -1/],
      [{ learning_rate: NaN }, /learning_rate is null/],
      [{ seed: -1 }, /seed is -1/],
      [{ seed: 0.5 }, /seed is 0.5/],
      [{ seed: 2 ** 53 }, /seed is 9007199254740992/],
    ])('refuses the option %j', async (options, message) => {
      await expectFailure(base.transfer(kMeasurements, { ...kFineTune, ...options }), 'argument', message);
    });

    test('takes any text as the name of a device', async () => {
      const tuned = await use(base.transfer(kMeasurements, { ...kQuick, device: 'M\u00fcller\u2019s "\ud83d\udcf1"\n\ud800' }));
      expect(tuned.info.target).toBe('M\u00fcller\u2019s "\ud83d\udcf1"\n\ufffd');
    });
  });

  describe('cancel', () => {
    test.each(['transfer', 'leaveOneOut'] as const)('stops a %s at once', async (what) => {
      const controller = new AbortController();
      let reports = 0;
      const started = new Promise<void>((resolve) => {
        const options = {
          ...kFineTune,
          signal: controller.signal,
          epochs: 5000,
          onProgress: () => {
            if (++reports === 3) resolve();
          },
        };
        working = base[what](kMeasurements, options);
        working.catch(() => {});
      });
      await started;
      const aborted = performance.now();
      controller.abort();
      const reported = reports;
      await expectFailure(working, 'cancelled', /cancelled/);
      expect(performance.now() - aborted).toBeLessThan(100);
      // The work itself has stopped, not only its promise.
      await sleep(150);
      expect(reports).toBe(reported);
    });
    let working: Promise<unknown>;

    test('stops estimates', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      const controller = new AbortController();
      const all = tuned.predictAll({ signal: controller.signal });
      controller.abort();
      await expectFailure(all, 'cancelled', /predict: cancelled/);
    });

    test('a callback that throws ends the work', async () => {
      const onProgress = () => {
        throw new Error('the view is gone');
      };
      await expectFailure(base.transfer(kMeasurements, { ...kFineTune, epochs: 5000, onProgress }), 'internal', /the view is gone/);
      expect(await base.scores('pixel3', ['421211'])).toHaveLength(1);
    });

    test('a signal already aborted starts nothing', async () => {
      const signal = AbortSignal.abort();
      await expectFailure(base.transfer(kMeasurements, { signal }), 'cancelled', /./);
      await expectFailure(base.scores('pixel3', ['421211'], { signal }), 'cancelled', /./);
    });

    test('an abort after the end changes nothing', async () => {
      const controller = new AbortController();
      const tuned = await use(base.transfer(kMeasurements, { ...kQuick, signal: controller.signal }));
      controller.abort();
      expect(await tuned.predict(['421211'])).toHaveLength(1);
    });

    test('the engine answers while it works', async () => {
      const controller = new AbortController();
      const long = base.transfer(kMeasurements, { ...kFineTune, epochs: 5000, signal: controller.signal });
      const asked = performance.now();
      expect(await engine.parse('nb201', ['421211'])).toHaveLength(1);
      expect(performance.now() - asked).toBeLessThan(1000);
      controller.abort();
      await expectFailure(long, 'cancelled', /./);
    });
  });

  test('leave-one-out is a transfer without each', async () => {
    const five = kMeasurements.slice(0, 5);
    const seen: number[] = [];
    const left = await base.leaveOneOut(five, { ...kQuick, onProgress: ({ done }) => seen.push(done) });
    expect(left.latency_ms).toHaveLength(5);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));

    const tuned = await use(base.transfer([...five.slice(0, 2), ...five.slice(3)], kQuick));
    expect(left.latency_ms[2]).toBe((await tuned.predict([five[2]!.architecture]))[0]);

    const measured = Float64Array.from(five, ({ latency_ms }) => latency_ms);
    const { spearman, mdape } = await engine.accuracy(left.latency_ms, measured);
    expect(left).toMatchObject({ spearman, mdape });
  });

  test('leave-one-out names a bad measurement by its place among all', async () => {
    await expectFailure(base.leaveOneOut(kMeasurements.slice(0, 3)), 'measurement', /3 measurements.*at least 4/);
    const measurements = kMeasurements.map((one, i) => (i === 5 ? { ...one, latency_ms: 0 } : one));
    await expectFailure(base.leaveOneOut(measurements, kFineTune), 'measurement', /sample 6 has latency 0 ms/);
  });

  describe('a transferred predictor', () => {
    test('estimates the whole space, in order', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      const seen: number[] = [];
      const all = await tuned.predictAll({ onProgress: ({ done }) => seen.push(done) });
      expect(all).toHaveLength(15625);
      expect(seen.at(-1)).toBe(1);
      const order = await engine.enumerate('nb201');
      const some = [0, 4095, 4096, 15624];
      const alone = await tuned.predict(some.map((i) => order[i]!));
      some.forEach((i, k) => expect(alone[k]! / all[i]!).toBeCloseTo(1, 4));
    });

    test('finds the best for each limit: on a listed space by comparing all', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      const all = await engine.enumerate('nb201');
      const latency_ms = await tuned.predictAll();
      // Any numbers will do; some are unknown.
      const quality = Float64Array.from(all, (_, i) => (i % 7 === 0 ? NaN : (i * 7919) % 15625));
      const limits = [1e-6, 10, 20, 1e9];
      const seen: number[] = [];
      const found = await tuned.search(limits, { quality, onProgress: ({ phase, done }) => seen.push(phase === 'search' ? done : NaN) });
      expect(seen.at(-1)).toBe(1);
      expect(found.best[0]).toBeNull();
      limits.slice(1).forEach((limit, k) => {
        const within = [...all.keys()].filter((i) => latency_ms[i]! <= limit && !Number.isNaN(quality[i]!));
        const best = within.reduce((a, b) => (quality[b]! > quality[a]! ? b : a));
        expect(found.best[k + 1]).toMatchObject({ architecture: all[best], quality: quality[best] });
        expect(found.best[k + 1]!.latency_ms / latency_ms[best]!).toBeCloseTo(1, 4);
      });
      const front = found.front.map(({ quality: value }) => value);
      expect(front).toEqual([...front].sort((a, b) => a - b));
      expect(found.front.at(-1)?.architecture).toBe(found.best.at(-1)?.architecture);
      const named = new Map(all.flatMap((one, i) => (Number.isNaN(quality[i]!) ? [] : [[one, quality[i]!] as const])));
      expect(await tuned.search(limits, { quality: named })).toEqual(found);
    });

    test('searches for the largest where no quality is given', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      const { best } = await tuned.search([1e9]);
      expect(best[0]?.architecture).toBe('333333');
      const [facts] = await engine.facts('nb201', ['333333']);
      expect(best[0]?.quality).toBeCloseTo(facts!.macs / 1e6, 6);
    });

    test('refuses a search that makes no sense', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      await expectFailure(base.search([10]), 'argument', /transfer/);
      await expectFailure(tuned.search([]), 'argument', /limit/);
      await expectFailure(tuned.search([-1]), 'argument', /-1/);
      await expectFailure(tuned.search([10], { evaluations: 1.5 }), 'argument', /evaluations is 1.5/);
      await expectFailure(tuned.search([10], { quality: new Float64Array(3) }), 'argument', /3 qualities for 15625/);
      await expectFailure(tuned.search([10], { quality: new Map() }), 'argument', /empty/);
      await expectFailure(tuned.search([10], { quality: new Map([['x9', 1]]) }), 'architecture', /architecture 1: .*"x9"/);
      await expectFailure(tuned.search([10], { start: ['x9'] }), 'architecture', /architecture 1: .*"x9"/);
    });

    test('a search is cancelled', async () => {
      const tuned = await use(base.transfer(kMeasurements, kQuick));
      await expectFailure(tuned.search([10], { signal: AbortSignal.abort() }), 'cancelled', /search: cancelled/);
      const controller = new AbortController();
      const searching = tuned.search([10], { signal: controller.signal, onProgress: () => controller.abort() });
      await expectFailure(searching, 'cancelled', /search: cancelled/);
    });

    test('is adapted once: another transfer starts from the pre-trained one', async () => {
      const tuned = await use(base.transfer(kMeasurements, { ...kQuick, device: 'my phone' }));
      expect(tuned.info.devices).toEqual(['my phone']);
      await expectFailure(tuned.transfer(kMeasurements, kQuick), 'argument', /pre-trained/);
      await expectFailure(tuned.leaveOneOut(kMeasurements, kQuick), 'argument', /pre-trained/);
    });

    test('is the same after saving and loading', async () => {
      const tuned = await use(base.transfer(kMeasurements, { ...kQuick, device: 'my phone' }));
      const file = await tuned.save();
      const again = await use(engine.load(file));
      expect(again.info).toEqual(tuned.info);
      expectSame(await again.predictAll(), await tuned.predictAll());
      expectSame(await again.save(), file);
    });
  });

  describe('in closed form', () => {
    let measurements: Measurement[];
    let all: string[];
    const others = ['421211', '333333', '000000', '123402', '040404'];

    beforeAll(async () => {
      all = await engine.enumerate('nb201');
      measurements = goldenMeasurements();
    });

    const tune = (some: readonly Measurement[] = measurements, options: TransferOptions = {}) =>
      use(base.transfer(some, { method: 'closed-form', ...options }));

    test('is the default, and says so', async () => {
      const tuned = await use(base.transfer(measurements, { device: 'my phone' }));
      expect(tuned.info).toMatchObject({ method: 'closed-form', target: 'my phone', devices: ['my phone'], measurements });
      expect(tuned.info).not.toHaveProperty('nearest');
      expectSame(await (await tune()).predict(others), await tuned.predict(others));
      expect((await use(base.transfer(kMeasurements, kQuick))).info.method).toBe('finetune');
    });

    test.each([1, 2, 5])('works from %i measurements', async (k) => {
      const latency_ms = await (await tune(measurements.slice(0, k))).predict(others);
      expect(latency_ms.every((value) => value > 0 && Number.isFinite(value))).toBe(true);
    });

    test('intervals: low, median and high in order, the narrower inside the wider, and the medians are the estimates', async () => {
      const tuned = await tune();
      const seen: number[] = [];
      const wide = await tuned.intervals(all, 0.9, { onProgress: ({ done }) => seen.push(done) });
      expect(seen.at(-1)).toBe(1);
      const narrow = await tuned.intervals(all, 0.5);
      const inOrder = all.every(
        (_, i) =>
          0 < wide.low[i]! &&
          wide.low[i]! < narrow.low[i]! &&
          narrow.low[i]! < wide.latency_ms[i]! &&
          wide.latency_ms[i]! < narrow.high[i]! &&
          narrow.high[i]! < wide.high[i]!,
      );
      expect(inOrder).toBe(true);
      const estimates = await tuned.predictAll();
      estimates.forEach((value, i) => expect(wide.latency_ms[i]! / value).toBeCloseTo(1, 6));
      const some = await tuned.intervals([all[17]!, all[4242]!]);
      expect(some.high[1]! / wide.high[4242]!).toBeCloseTo(1, 4);
      expect(await tuned.intervals([])).toEqual({
        low: new Float64Array(),
        latency_ms: new Float64Array(),
        high: new Float64Array(),
      });
    });

    test('intervals that make no sense are refused', async () => {
      const tuned = await tune();
      for (const coverage of [0, 1, -1, NaN]) await expectFailure(tuned.intervals(others, coverage), 'argument', /coverage/);
      await expectFailure(tuned.intervals(['421211', 'x9']), 'architecture', /architecture 2: .*"x9"/);
      await expectFailure(base.intervals(others), 'argument', /closed form/);
      await expectFailure(base.review(), 'argument', /closed form/);
      const controller = new AbortController();
      const stopped = tuned.intervals(all, 0.9, { signal: controller.signal });
      controller.abort();
      await expectFailure(stopped, 'cancelled', /predict: cancelled/);
    });

    test('a review: what to expect, and each measurement from the others', async () => {
      const review = await (await tune()).review();
      expect(review.expected_spearman).toBeGreaterThan(0.5);
      expect(review.expected_spearman).toBeLessThanOrEqual(1);
      expect(review.expected_error).toBeGreaterThan(0);
      expect(review.expected_error).toBeLessThan(0.5);
      expect(review.noise).toBeGreaterThan(0);
      expect(review.timer_unit_ms).toBeGreaterThanOrEqual(0);
      const { low, latency_ms, high } = review.left_out;
      expect([low, latency_ms, high].map(({ length }) => length)).toEqual([20, 20, 20]);
      expect(latency_ms.every((value, i) => low[i]! <= value && value <= high[i]!)).toBe(true);
      const shares = review.likenesses.map(({ probability }) => probability);
      expect(shares).toEqual([...shares].sort((a, b) => b - a));
      expect(shares.length).toBeLessThanOrEqual(5);
      review.likenesses.forEach(({ device }) => expect(base.info.devices).toContain(device));

      const left = await base.leaveOneOut(measurements);
      expectSame(left.latency_ms, latency_ms);
      const truth = Float64Array.from(measurements, (one) => one.latency_ms);
      const { spearman, mdape } = await engine.accuracy(latency_ms, truth);
      expect(left).toMatchObject({ spearman, mdape });
    });

    test('a slip of a thousand is named and set aside, and counts once it is trusted', async () => {
      const slipped = measurements.map((one, i) => (i === 3 ? { ...one, latency_ms: 1000 * one.latency_ms } : one));
      const tuned = await tune(slipped);
      const { doubts } = await tuned.review();
      const doubt = doubts.find((one) => one.measurements.includes(3));
      expect(doubt).toMatchObject({ kind: 'unit', measurements: [3], set_aside: true, message: expect.stringContaining('measurement 4') as unknown });
      expect(doubt!.factor).toBeCloseTo(1000, -1);
      const trusting = await tune(slipped, { trusted: [3] });
      expect((await trusting.review()).doubts.filter((one) => one.set_aside && one.measurements.includes(3))).toEqual([]);
      // Without it the estimates are those of the others.
      const [aside, counted, without] = await Promise.all(
        [tuned, trusting, await tune(slipped.filter((_, i) => i !== 3))].map((one) => one.predict(others)),
      );
      expect(Math.abs(Math.log(aside![0]! / without![0]!))).toBeLessThan(0.05);
      expect(Math.abs(Math.log(counted![0]! / without![0]!))).toBeGreaterThan(0.05);
    });

    test('a stated error makes a measurement count for less, and is kept', async () => {
      const longer = measurements.map((one, i) => (i === 3 ? { ...one, latency_ms: 1.3 * one.latency_ms } : one));
      const stated = longer.map((one, i) => (i === 3 ? { ...one, relative_error: 3 } : one));
      const [plain, wrong, unsure] = [await tune(), await tune(longer), await tune(stated)];
      expect(unsure.info.measurements.map(({ relative_error }) => relative_error)).toEqual(stated.map(({ relative_error }) => relative_error));
      const [right, off, close] = await Promise.all([plain, wrong, unsure].map((one) => one.predict(others)));
      const from = (found: Float64Array) => Math.max(...found.map((ms, i) => Math.abs(Math.log(ms / right![i]!))));
      expect(from(close!)).toBeLessThan(from(off!));
      expect((await base.leaveOneOut(stated)).latency_ms).toEqual((await unsure.review()).left_out.latency_ms);
      const nonsense = measurements.map((one) => ({ ...one, relative_error: Number.POSITIVE_INFINITY }));
      await expectFailure(tune(nonsense), 'argument', /errors/);
    });

    test('proposes what to measure: from the pool, none twice, none that is measured', async () => {
      const first = await base.next({ count: 20 });
      expect(new Set(first.architectures).size).toBe(20);
      expect(first.architectures.every((one) => all.includes(one))).toBe(true);
      expect(await base.next({ count: 20 })).toEqual(first);
      const tuned = await tune();
      const known = measurements.map(({ architecture }) => architecture);
      const open = all.slice(0, 40).filter((one) => !known.includes(one));
      const more = await tuned.next({ count: open.length, pool: [...known, ...open] });
      expect([...more.architectures].sort()).toEqual([...open].sort());
      const one = await tuned.next();
      expect(one.architectures).toHaveLength(1);
      expect(one.worth).toBeGreaterThan(0);
      expect((await tuned.next({ count: 5 })).worth).toBeGreaterThan(one.worth);
      expect(first.worth).toBeGreaterThan(one.worth);
      await expectFailure(tuned.next({ count: 2, pool: [known[0]!, all[0]!] }), 'argument', /2 architectures/);
      await expectFailure(tuned.next({ pool: ['x9'] }), 'architecture', /architecture 1: .*"x9"/);
      const fineTuned = await use(base.transfer(kMeasurements, kQuick));
      await expectFailure(fineTuned.next(), 'argument', /prior|closed form/);
    });

    test('is the same after saving and loading', async () => {
      const tuned = await tune(measurements, { device: 'my phone', trusted: [2] });
      const file = await tuned.save();
      const again = await use(engine.load(file));
      expect(again.info).toEqual(tuned.info);
      expectSame(await again.predictAll(), await tuned.predictAll());
      expect(await again.review()).toEqual(await tuned.review());
      expectSame(await again.save(), file);
    });

    test('searches and scores like any other', async () => {
      const tuned = await tune(measurements, { device: 'my phone' });
      const { best } = await tuned.search([1e9]);
      expect(best[0]?.architecture).toBe('333333');
      const [latency_ms, scores] = [await tuned.predict(others), await tuned.scores('my phone', others)];
      const order = (values: Float64Array) => [...values.keys()].sort((a, b) => values[a]! - values[b]!);
      expect(order(scores)).toEqual(order(latency_ms));
    });

    test('combined with the network it is a mean of both, with its own intervals', async () => {
      const device = 'my phone';
      const [closed, tuned, both] = await Promise.all(
        (['closed-form', 'finetune', 'combined'] as const).map((method) => use(base.transfer(measurements, { method, device }))),
      );
      expect(both!.info).toMatchObject({ method: 'combined', target: device, measurements });
      const [a, b, mean] = await Promise.all([closed!, tuned!, both!].map((one) => one.predictAll()));
      const share = (i: number) => Math.log(mean![i]! / a![i]!) / Math.log(b![i]! / a![i]!);
      const apart = all.map((_, i) => i).filter((i) => Math.abs(Math.log(b![i]! / a![i]!)) > 0.05);
      expect(apart.length).toBeGreaterThan(100);
      for (const i of apart) expect(share(i)).toBeCloseTo(0.35, 2);
      const { latency_ms, low, high } = await both!.intervals(others);
      const plain = await closed!.intervals(others);
      expectSame(latency_ms, await both!.predict(others));
      others.forEach((_, i) => expect(high[i]! / low[i]!).toBeCloseTo(plain.high[i]! / plain.low[i]!, 4));
      expect(await both!.review()).toEqual(await closed!.review());
      const again = await use(engine.load(await both!.save()));
      expect(again.info).toEqual(both!.info);
      expectSame(await again.predictAll(), mean!);
    });

    test.each(['closed-form', 'finetune', 'combined'] as const)('what was measured stays with a predictor by %s', async (method) => {
      expect(base.info).not.toHaveProperty('quantity');
      for (const quantity of ['latency', 'energy'] as const) {
        const tuned = await use(base.transfer(measurements, { method, quantity, ...(method === 'closed-form' ? {} : { epochs: 1 }) }));
        expect(tuned.info.quantity).toBe(quantity);
        expect((await use(engine.load(await tuned.save()))).info.quantity).toBe(quantity);
      }
      const odd = { method, quantity: 'weight' as 'energy' };
      await expectFailure(base.transfer(measurements, odd), 'argument', /"weight"; expected latency or energy/);
    });

    test('combined it fine-tunes on what is not set aside, and is the closed form alone where that is too little', async () => {
      const wrong = { ...measurements[3]!, latency_ms: measurements[3]!.latency_ms * 1000 };
      const rest = measurements.filter((_, i) => i !== 3);
      const [slip, without] = [[wrong, ...rest], rest].map((some) => use(base.transfer(some, { method: 'combined' })));
      const found = await (await slip!).predictAll();
      const clean = await (await without!).predictAll();
      const off = found.map((value, i) => Math.abs(value / clean[i]! - 1)).sort();
      expect(off[Math.floor(off.length / 2)]).toBeLessThan(0.05);
      const two = await use(base.transfer(measurements.slice(0, 2), { method: 'combined' }));
      expect(two.info.method).toBe('closed-form');
    });

    test('refuses what it cannot use', async () => {
      await expectFailure(tune([]), 'measurement', /0 measurements; expected at least 1/);
      const odd = (i: number, change: Partial<Measurement>) => measurements.map((one, k) => (k === i ? { ...one, ...change } : one));
      await expectFailure(tune(odd(3, { latency_ms: -1 })), 'measurement', /4 .*-1/);
      await expectFailure(tune(odd(4, { architecture: 'oops' })), 'architecture', /measurement 5.*"oops"/);
      for (const name of ['epochs', 'learning_rate', 'seed'] as const) {
        await expectFailure(tune(measurements, { [name]: 3 }), 'argument', new RegExp(`${name} is no option of method closed-form`));
        await expectFailure(base.transfer(measurements, { [name]: 3 }), 'argument', /no option of method closed-form/);
      }
      await expectFailure(base.transfer(kMeasurements, { ...kQuick, trusted: [1] }), 'argument', /trusted is no option of method finetune/);
      await expectFailure(tune(measurements, { method: 'magic' as 'finetune' }), 'argument', /"magic".*closed-form, finetune, combined/);
      await expectFailure(tune(measurements, { trusted: [20] }), 'argument', /trusted measurement 20/);
      await expectFailure(tune(measurements, { trusted: [-1] }), 'argument', /trusted/);
    });

    test.each((['fbnet', 'ofa'] as const).filter((space) => shippedFile(space, 'file')))('on %s', async (space) => {
      const large = await use(engine.load(shippedFile(space, 'file')!));
      const { architectures } = await large.next({ count: 10 });
      const facts = await engine.facts(space, architectures);
      const some = architectures.map((architecture, i) => ({ architecture, latency_ms: 1 + facts[i]!.macs / 1e7 }));
      const tuned = await use(large.transfer(some));
      const pool = await engine.random(space, 1100, 8);
      const { low, latency_ms, high } = await tuned.intervals(pool);
      expect(latency_ms.every((value, i) => low[i]! < value && value < high[i]!)).toBe(true);
      expectSame(latency_ms, await tuned.predict(pool));
    });
  });

  describe.each((['fbnet', 'ofa'] as const).filter((space) => shippedFile(space, 'file')))('on %s', (space) => {
    /** A predictor of a device whose latency goes with multiply-adds. */
    async function tune(): Promise<Predictor> {
      const large = await use(engine.load(shippedFile(space, 'file')!));
      expect(large.info.space).toBe(space);
      const some = await engine.random(space, 12, 3);
      const facts = await engine.facts(space, some);
      const measurements = some.map((architecture, i) => ({ architecture, latency_ms: 1 + facts[i]!.macs / 1e7 }));
      return use(large.transfer(measurements, kQuick));
    }

    test('many are estimated as each alone; there is no whole space', async () => {
      const tuned = await tune();
      const some = await engine.random(space, 1100, 8);
      const together = await tuned.predict(some);
      expect(together.every((value) => value > 0 && Number.isFinite(value))).toBe(true);
      for (const i of [0, 511, 512, 1099]) {
        expect((await tuned.predict([some[i]!]))[0]! / together[i]!).toBeCloseTo(1, 4);
      }
      await expectFailure(tuned.predictAll(), 'argument', /too many/);
    });

    test('an evolutionary search beats as many random draws, is decided by its seed, and starts where it is told', async () => {
      const tuned = await tune();
      const drawn = await engine.random(space, 600, 9);
      const latency_ms = await tuned.predict(drawn);
      const limit = [...latency_ms].sort((a, b) => a - b)[300]!;
      const facts = await engine.facts(space, drawn);
      const luck = Math.max(...facts.flatMap(({ macs }, i) => (latency_ms[i]! <= limit ? [macs / 1e6] : [])));
      const seen: number[] = [];
      const options = { evaluations: 600, population: 50, tournament: 10, seed: 4 };
      const { best, front } = await tuned.search([limit], { ...options, onProgress: ({ done }) => seen.push(done) });
      expect(best[0]!.latency_ms).toBeLessThanOrEqual(limit);
      expect(best[0]!.quality).toBeGreaterThan(luck);
      expect(seen.length).toBeGreaterThan(2);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen.at(-1)).toBe(1);
      expect(front.map(({ latency_ms: ms }) => ms)).toEqual(front.map(({ latency_ms: ms }) => ms).sort((a, b) => a - b));
      expect((await tuned.search([limit], options)).best).toEqual(best);
      const again = await tuned.search([limit], { ...options, evaluations: 60, seed: 5, start: [best[0]!.architecture] });
      expect(again.best[0]!.quality).toBeGreaterThanOrEqual(best[0]!.quality);
    });

    test('a search under way is cancelled at once', async () => {
      const tuned = await tune();
      const controller = new AbortController();
      let reports = 0;
      const onProgress = () => {
        if (++reports === 2) controller.abort();
      };
      const searching = tuned.search([10], { evaluations: 1_000_000, signal: controller.signal, onProgress });
      await expectFailure(searching, 'cancelled', /search: cancelled/);
    });
  });

  describe('dispose', () => {
    test('frees, may be repeated, and ends all use', async () => {
      const other = await use(engine.load(weights()));
      expect(await engine.liveHandles()).toBe(2);
      other.dispose();
      other.dispose();
      other[Symbol.dispose]();
      expect(await engine.liveHandles()).toBe(1);
      for (const use of [
        () => other.predict(['421211']),
        () => other.predictAll(),
        () => other.scores('pixel3', ['421211']),
        () => other.transfer(kMeasurements),
        () => other.leaveOneOut(kMeasurements),
        () => other.intervals(['421211']),
        () => other.review(),
        () => other.next(),
        () => other.save(),
      ]) {
        await expectFailure(use(), 'disposed', /^predictor: /);
      }
      expect(other.info.space).toBe('nb201');
    });

    test('of the base leaves the results alive', async () => {
      const other = await use(engine.load(weights()));
      const tuned = await use(other.transfer(kMeasurements, kQuick));
      other.dispose();
      expect(await tuned.predict(['421211'])).toHaveLength(1);
    });

    test('of the engine ends everything, also what is under way', async () => {
      const short = await api.createEngine({ kind });
      const predictor = await short.load(weights());
      let running!: () => void;
      const begun = new Promise<void>((resolve) => (running = resolve));
      const long = predictor.transfer(kMeasurements, { ...kFineTune, epochs: 5000, onProgress: running });
      const ended = expectFailure(long, 'disposed', /engine/);
      await begun;
      short.dispose();
      short.dispose();
      await ended;
      await expectFailure(short.liveHandles(), 'disposed', /engine/);
      await expectFailure(predictor.save(), 'disposed', /./);
      predictor.dispose();
    });

    test('forgotten predictors are collected', async () => {
      const script = `
        import { readFileSync } from 'node:fs';
        import { createEngine } from ${JSON.stringify(kPackage)};
        const engine = await createEngine({ kind: ${JSON.stringify(kind)} });
        const bytes = new Uint8Array(readFileSync(new URL(${JSON.stringify(kWeightsFile.href)})));
        await (async () => { for (let i = 0; i < 3; ++i) await engine.load(bytes); })();
        const before = await engine.liveHandles();
        for (let i = 0; i < 100 && (await engine.liveHandles()) > 0; ++i) {
          gc();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        console.log(before, await engine.liveHandles());
        engine.dispose();
      `;
      expect(await runNode(['--expose-gc'], script)).toBe('3 0');
    });
  });

  test('needs no code made from text', async () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { createEngine } from ${JSON.stringify(kPackage)};
      let refused = false;
      try { new Function('return 1'); } catch { refused = true; }
      const engine = await createEngine({ kind: ${JSON.stringify(kind)} });
      const base = await engine.load(new Uint8Array(readFileSync(new URL(${JSON.stringify(kWeightsFile.href)}))));
      const tuned = await base.transfer(${JSON.stringify(kMeasurements)}, { method: 'finetune', epochs: 1 });
      console.log(refused, (await tuned.predict(['421211'])).length);
      engine.dispose();
    `;
    expect(await runNode(['--disallow-code-generation-from-strings'], script)).toBe('true 1');
  });
});

describe('both engines', () => {
  test('give the same numbers', async () => {
    const results: Float64Array[] = [];
    for (const kind of kKinds) {
      const engine = await api.createEngine({ kind });
      const base = await engine.load(weights());
      const tuned = await base.transfer(kMeasurements, kQuick);
      results.push(await tuned.predictAll());
      engine.dispose();
    }
    expectSame(results[0]!, results[1]!);
  });

  test('another kind is refused', async () => {
    await expectFailure(api.createEngine({ kind: 'cloud' as 'local' }), 'argument', /"cloud".*local or worker/);
  });
});
