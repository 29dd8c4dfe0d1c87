/**
 * A kit's scripts with the runtimes they are for: two networks each, for a few seconds. How good such measurements are is
 * tests/bench/kit.mjs' to say. Needs PyPI, for PyTorch Debian's packages; says so and passes over where these are out of reach or
 * LATENCAST_SKIP_RUNTIMES is set.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Engine } from '../../web/api/types.js';
import { api } from './helpers.js';
import { debianPyTorch, python, reachesPyPI, run, unpackKit, type Runtime } from './runtimes.mjs';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kEnvironment = join(kRoot, '.cache/kit');
const kPatience = 300_000; // ms; nearly all of it is pip's
/** Two branches with a 3x3 convolution each, and hardly anything. */
const kNetworks = ['421211', '001000'] as const;

const skipped = process.env['LATENCAST_SKIP_RUNTIMES'] ? 'LATENCAST_SKIP_RUNTIMES is set' : undefined;
if (skipped) console.warn(`\n  THE RUNTIMES OF THE KIT ARE NOT RUN: ${skipped}\n`);

describe.skipIf(skipped !== undefined)('a kit', () => {
  let folder: string;
  let kit: string;
  let engine: Engine;
  let reached: boolean;
  beforeAll(async () => {
    mkdirSync(kEnvironment, { recursive: true });
    reached = reachesPyPI(kEnvironment);
    folder = mkdtempSync(join(tmpdir(), 'latencast-runtimes-'));
    engine = await api.createEngine({ kind: 'local' });
    kit = unpackKit(kRoot, folder, 'nb201', kNetworks);
  }, kPatience);
  afterAll(() => {
    engine.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function measure(runtime: Runtime, program: string, env = process.env): Promise<void> {
    const out = join(folder, `${runtime}.csv`);
    run(program, [`run_${runtime}.py`, '--threads', '1', '--seconds', '4', '--out', out], { cwd: kit, env });
    const { measurements, lines, notes } = await api.checkMeasurements(engine, 'nb201', api.readMeasurements(readFileSync(out, 'utf8')));
    expect(lines.filter(({ status }) => status === 'error')).toEqual([]);
    expect(notes).toEqual([]);
    const [large = 0, small = 0] = kNetworks.map((one) => measurements.find(({ architecture }) => architecture === one)?.latency_ms);
    expect(small).toBeGreaterThan(0);
    expect(large).toBeGreaterThan(small);
  }

  // One after the other: they share an environment.
  test.for<Runtime>(['onnxruntime', 'litert', 'openvino', 'ncnn'])('is measured by %s', { timeout: kPatience }, async (runtime, { skip }) => {
    if (!reached) skip('PyPI is out of reach');
    await measure(runtime, python(kEnvironment, runtime));
  });

  test('is measured by pytorch', { timeout: kPatience }, async ({ skip }) => {
    let found: ReturnType<typeof debianPyTorch>;
    try {
      found = debianPyTorch(kEnvironment);
    } catch (error) {
      console.warn(`\n  PYTORCH IS NOT RUN: Debian's python3-torch cannot be fetched\n${String(error)}\n`);
      return skip("Debian's python3-torch is out of reach");
    }
    await measure('pytorch', found.program, found.env);
  });
});
