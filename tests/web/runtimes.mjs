// The runtimes that a kit measures by, as PyPI has them: which versions the tests and tests/bench/kit.mjs run, in an environment of their own.
// PyTorch of PyPI is only in the bench: its wheels for Linux are those for CUDA, some gigabytes, without which they do not load. The tests take Debian's.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { unzipSync } from 'fflate';

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

/** Makes a kit of networks by the command line that is built in `root`, and unpacks it; the folder it lies in. */
export function unpackKit(root, folder, space, architectures) {
  const zip = join(folder, `${space}.zip`);
  run(process.execPath, [join(root, 'dist/cli/main.js'), 'kit', '--space', space, '--out', zip, ...architectures]);
  for (const [name, bytes] of Object.entries(unzipSync(new Uint8Array(readFileSync(zip))))) {
    const path = join(folder, space, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  rmSync(zip);
  return join(folder, space, 'latencast-kit');
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

/**
 * Debian's PyTorch, which is built for processors alone, with all that it needs and that is not installed: unpacked into a folder, so that
 * nobody need be root and nothing stays behind (150 MB to fetch, 630 MB unpacked). Returns the Python that has it, and its environment. Throws
 * where there is no apt, or it knows no such package.
 */
export function debianPyTorch(folder) {
  const root = join(folder, 'debian');
  if (!existsSync(root)) {
    const archives = join(folder, 'archives');
    const partial = `${root}.part`;
    for (const each of [archives, partial]) rmSync(each, { recursive: true, force: true });
    mkdirSync(join(archives, 'partial'), { recursive: true });
    const fetch = ['install', '-y', '-q', '--no-install-recommends', '--download-only', '-o', `Dir::Cache::archives=${archives}/`, '-o', 'Debug::NoLocking=true'];
    const known = run('apt-cache', ['pkgnames', 'python3-torch']).split('\n').includes('python3-torch');
    if (!known && process.getuid?.() === 0) run('apt-get', ['update', '-q']);
    run('apt-get', [...fetch, 'python3-torch']);
    for (const name of readdirSync(archives).filter((each) => each.endsWith('.deb'))) run('dpkg', ['-x', join(archives, name), partial]);
    rmSync(archives, { recursive: true });
    renameSync(partial, root);
  }
  const libraries = [join(root, 'lib'), join(root, 'usr/lib')].flatMap((each) => {
    const own = readdirSync(each).filter((name) => name.endsWith('-linux-gnu')).map((name) => join(each, name));
    // Which of several linear algebras is used would be settled by installing them.
    return [each, ...own, ...own.flatMap((one) => ['blas', 'lapack'].map((name) => join(one, name)))];
  });
  return {
    program: '/usr/bin/python3',
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':'), PYTHONPATH: join(root, 'usr/lib/python3/dist-packages') },
  };
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
