// The package: TypeScript and the WebAssembly modules as the ES modules that package.json exports, with their types. What they
// need of other libraries is in them, so that a page can load them as they lie, with no bundler and nothing else to install.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { buildElement, root, runTool } from './steps.mjs';

const kDist = join(root, 'dist');
const kModules = join(root, 'build-wasm/wasm');

/** By the place in dist. */
const kEntries = { 'api/index': 'web/api/index.ts', 'cli/main': 'web/cli/main.ts' };
/** In one file: what starts a worker knows one address, and so does who copies it by hand. */
const kWorker = { 'api/worker': 'web/api/worker.ts' };
const kTyped = ['api/index.d.ts', 'api/worker.d.ts'];

/** In the package the modules lie beside what loads them. */
const wasmBeside = {
  name: 'wasm-beside',
  transform: {
    filter: { id: /\.ts$/, code: 'build-wasm/wasm/' },
    handler: (code) => code.replaceAll(/(new URL\(['"])[./]+\/build-wasm\/wasm\//g, '$1./'),
  },
};

/** Bundles entries and returns the files that went into them. */
async function bundle(input, output) {
  const { build } = await import('rolldown');
  const { output: chunks } = await build({
    cwd: root,
    input,
    platform: 'neutral',
    external: /^node:/,
    resolve: { mainFields: ['module', 'main'] },
    plugins: [wasmBeside],
    // Papa Parse without its streams of Node.
    transform: { define: { PAPA_BROWSER_CONTEXT: 'true' } },
    // Flat: what a chunk refers to by its own address lies beside it, as among the sources.
    output: { dir: kDist, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'api/[name].js', ...output },
  });
  return chunks.flatMap(({ moduleIds = [] }) => moduleIds);
}

/** Builds dist/api, dist/cli and dist/element. */
export async function buildPackage() {
  for (const folder of ['api', 'cli', 'kit']) rmSync(join(kDist, folder), { recursive: true, force: true });
  const packed = [...(await bundle(kEntries)), ...(await bundle(kWorker, { codeSplitting: false }))];
  for (const name of readdirSync(kModules).filter((each) => each.endsWith('.wasm'))) {
    copyFileSync(join(kModules, name), join(kDist, 'api', name));
  }
  cpSync(join(root, 'web/kit/scripts'), join(kDist, 'kit/scripts'), { recursive: true });
  writeFileSync(join(kDist, 'api/licences.md'), `${readFileSync(join(root, 'wasm/licences.md'), 'utf8')}\n${licences(packed)}`);
  runTool('tsc', ['-p', 'web/package.tsconfig.json']);
  publicTypesOnly();
  buildElement();
}

/** The notices of the libraries that the bundles hold, which their licences ask for. */
function licences(moduleIds) {
  const folders = new Map();
  for (const id of moduleIds) {
    const [, folder, name] = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id) ?? [];
    if (folder) folders.set(name, folder);
  }
  const notices = [...folders].sort().map(([name, folder]) => {
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `https://spdx.org/licenses/${license}.html`;
    return `## ${name} ${version} (${license})\n\n${text}\n`;
  });
  return `# In the scripts\n\n${notices.join('\n')}`;
}

/** Declarations that no exported one refers to are of the inside. */
function publicTypesOnly() {
  const reached = new Set();
  const visit = (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, target] of readFileSync(path, 'utf8').matchAll(/from ['"](\.[^'"]+)\.js['"]/g)) {
      visit(resolve(dirname(path), `${target}.d.ts`));
    }
  };
  const types = join(kDist, 'types');
  for (const name of kTyped) visit(join(types, name));
  for (const path of reached) {
    const place = join(kDist, relative(types, path));
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(path, place);
  }
  rmSync(types, { recursive: true });
}
