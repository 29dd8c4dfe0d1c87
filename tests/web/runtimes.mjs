// The runtimes that a kit measures by, as PyPI has them: which versions the tests and tests/bench/kit.mjs run, in an environment of their own.
// PyTorch is only in the bench: PyPI's wheels for Linux are those for CUDA, some gigabytes, and those without are on a host of PyTorch's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const kNumpy = 'numpy==2.4.6';

/** What pip is asked for, in this order; pnnx alone, because it would bring PyTorch. */
export const kPackages = {
  onnxruntime: [['onnxruntime==1.31.1', kNumpy]],
  openvino: [['openvino==2026.4.1', kNumpy]],
  ncnn: [['ncnn==1.0.20261020', kNumpy], ['--no-deps', 'pnnx==20261020']],
  litert: [['ai-edge-litert==2.3.0', kNumpy]],
  pytorch: [['torch==2.15.0', kNumpy]],
};

/** Runs a program to its end and returns what it printed; throws with all of that where it fails. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ended with ${result.signal ?? result.status}\n${result.stdout ?? ''}${result.stderr ?? ''}`);
  return result.stdout;
}

/** Installs packages into the virtual environment of a folder, which is made if need be. Returns its Python. */
export function install(folder, ...packages) {
  const venv = join(folder, 'venv');
  const program = join(venv, 'bin/python');
  if (!existsSync(join(venv, 'bin/pip'))) run('python3', ['-m', 'venv', venv]);
  run(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--only-binary', ':all:', ...packages]);
  return program;
}

/** The Python of that environment with a runtime's packages. */
export function python(folder, runtime) {
  return kPackages[runtime].map((packages) => install(folder, ...packages)).at(-1);
}

/** Whether pip finds anything at all; where it does, a package that is missing is a fault. */
export function reachesPyPI(folder) {
  try {
    install(folder, kNumpy);
    return true;
  } catch (error) {
    console.warn(`\n  THE RUNTIMES OF THE KIT ARE NOT RUN: numpy cannot be installed from PyPI\n${String(error.message)}\n`);
    return false;
  }
}
