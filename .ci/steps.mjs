// What the scripts of this folder share: running a program, and the CMake builds.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compress } from './compress.mjs';
import { checkLinks } from './links.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a program in the project's folder with its output shown; throws unless it exits with 0. */
export function run(program, args, env = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (result.error) throw new Error(`${program}: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ended with ${result.signal ?? result.status}`);
}

/** The same, but shows what the program printed only where it fails. */
export function runQuietly(program, args, env = {}) {
  const result = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 1 << 28,
  });
  if (result.error) throw new Error(`${program}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new Error(`${result.stdout}\n${result.stderr}\n${program} ${args.join(' ')}: ended with ${result.signal ?? result.status}`);
  }
}

const tool = (name) => resolve(root, 'node_modules', '.bin', name);

/** A program from node_modules/.bin. */
export function runTool(name, args, env = {}) {
  run(process.execPath, [tool(name), ...args], env);
}

/** Configures and builds a preset of CMakePresets.json; all targets unless some are named. */
export function cmakeBuild(preset, ...targets) {
  runQuietly('cmake', ['--preset', preset]);
  const chosen = targets.flatMap((target) => ['--target', target]);
  run('cmake', ['--build', '--preset', preset, '-j', String(availableParallelism()), ...chosen]);
}

/** The WebAssembly modules that the page and the API use. */
export const buildModule = () => cmakeBuild('wasm', 'latencast_wasm', 'latencast_models_wasm', 'latencast_tables_wasm');

/** <latency-predictor>, into dist/element: one module with what it fetches, and its types. */
export const buildElement = () => {
  // Tests build it too, and with their own setting Lit would be the one for development.
  runTool('vite', ['build', '-c', 'web/element/vite.config.ts', '--logLevel', 'warn'], { NODE_ENV: 'production' });
  runTool('tsc', ['-p', 'web/element/tsconfig.json']);
};

/** The documentation, into dist/docs: the reference from the types, then the site. A link that leads nowhere fails it. */
export const buildDocs = () => {
  rmSync(resolve(root, 'web/docs/api'), { recursive: true, force: true });
  runQuietly(process.execPath, [tool('typedoc'), '--options', 'web/docs/typedoc.json']);
  dashedAnchors(resolve(root, 'web/docs/api'));
  runQuietly(process.execPath, [tool('vitepress'), 'build', 'web/docs'], { NODE_ENV: 'production' });
  checkLinks(resolve(root, 'dist/docs'), '/docs/');
  compress(resolve(root, 'dist/docs'));
};

/** VitePress writes what links point to with dashes for underscores; anchors that are HTML it leaves as they are. */
function dashedAnchors(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.md'))) {
    const path = resolve(folder, name);
    const text = readFileSync(path, 'utf8').replaceAll(/<a id="([^"]+)">/g, (_, id) => `<a id="${id.replaceAll('_', '-')}">`);
    writeFileSync(path, text);
  }
}

/** The page, into dist/app. */
export const buildPage = () => runTool('vite', ['build', '--logLevel', 'warn']);

/** Runs `main` and, where it fails, prints the reason instead of a stack. */
export async function script(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
