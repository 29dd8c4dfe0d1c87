// Brings a machine to the point where the project builds: system packages, then node packages.
// Plain node, no dependencies: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, run, runQuietly } from './steps.mjs';

const kNodeVersion = [20, 19];
const kIncludeFolders = ['/usr/include', '/usr/include/eigen3', '/usr/local/include', '/usr/local/include/eigen3'];

const onPath = (...names) =>
  names.some((name) => (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name))));
const included = (...headers) =>
  headers.some((header) => kIncludeFolders.some((folder) => existsSync(join(folder, header))));

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

// What is needed, how to tell that it is there, and the Debian package that brings it.
const kBuildTools = [
  { name: 'cmake', present: () => onPath('cmake'), apt: 'cmake' },
  { name: 'ninja', present: () => onPath('ninja'), apt: 'ninja-build' },
  { name: 'emcc (Emscripten)', present: () => onPath('emcc'), apt: 'emscripten' },
  { name: 'Eigen', present: () => included('Eigen/Core'), apt: 'libeigen3-dev' },
  { name: 'nlohmann-json', present: () => included('nlohmann/json.hpp'), apt: 'nlohmann-json3-dev' },
  { name: 'protozero', present: () => included('protozero/pbf_reader.hpp'), apt: 'libprotozero-dev' },
  // Configuring prepares the tests as well, so that `npm start` and `npm test` share one build folder.
  { name: 'Catch2', present: () => included('catch2/catch.hpp', 'catch2/catch_all.hpp'), apt: 'catch2' },
];
const kTestTools = [
  { name: 'g++', present: () => onPath('g++'), apt: 'g++' },
  { name: 'clang-format', present: () => onPath('clang-format'), apt: 'clang-format' },
  { name: 'CLI11', present: () => included('CLI/CLI.hpp'), apt: 'libcli11-dev' },
  { name: 'Python', present: () => onPath('python3'), apt: 'python3' },
  // Debian's Python cannot make a virtual environment without it.
  { name: 'venv of Python', present: () => spawnSync('python3', ['-c', 'import ensurepip']).status === 0, apt: 'python3-venv' },
  { name: 'Chromium', present: () => onPath('chromium'), apt: 'chromium' },
];

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < kNodeVersion[0] || (major === kNodeVersion[0] && minor < kNodeVersion[1])) {
    throw new Error(`set-up: node ${process.versions.node} found; node ${kNodeVersion.join('.')} or newer expected`);
  }
}

function installTools(tools) {
  const missing = tools.filter((tool) => !tool.present());
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tool.apt);
  const names = missing.map((tool) => tool.name).join(', ');
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new Error(
      `set-up: not found: ${names}\nInstall and start again. On Debian or Ubuntu:\n\n` +
        `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}\n`,
    );
  }
  console.log(`set-up: not found: ${names}; installing with apt-get: ${packages.join(' ')}`);
  // apt is talkative.
  const apt = (...args) => runQuietly('apt-get', args, { DEBIAN_FRONTEND: 'noninteractive' });
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', ...packages);
  const still = missing.filter((tool) => !tool.present());
  if (still.length > 0) {
    throw new Error(`set-up: still not found after the installation: ${still.map((tool) => tool.name).join(', ')}`);
  }
}

function installNodePackages() {
  // npm writes this file at the end of every installation.
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log('set-up: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** `purpose`: `build` (serve the page) or `test` (everything). Throws an Error that says what to do. */
export function setup(purpose) {
  checkNode();
  installTools(purpose === 'test' ? [...kBuildTools, ...kTestTools] : kBuildTools);
  installNodePackages();
}
