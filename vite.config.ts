import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { compress } from './.ci/compress.mjs';

const root = import.meta.dirname;
const kWeights = join(root, 'weights');

/** `weights/index.json` and the files it names, beside the page under the same names; they are fetched, not bundled. */
function weights(): Plugin {
  const files = () =>
    readdirSync(kWeights, { recursive: true, encoding: 'utf8' })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => ['.json', '.latencast', '.bin'].includes(extname(name)));
  return {
    name: 'latencast-weights',
    configureServer(server) {
      server.middlewares.use('/weights', (request, response, next) => {
        const name = (request.url ?? '').replace(/^\//, '').replace(/\?.*$/, '');
        if (!files().includes(name)) return next();
        createReadStream(join(kWeights, name)).pipe(response);
      });
    },
    generateBundle() {
      for (const name of files()) {
        this.emitFile({ type: 'asset', fileName: `weights/${name}`, source: readFileSync(join(kWeights, name)) });
      }
    },
  };
}

/** What a first visitor sees at once, within index.html itself; main.ts, on its way meanwhile, puts the live page in its place. */
function firstScreen(): Plugin {
  return {
    name: 'latencast-first-screen',
    apply: 'build',
    transformIndexHtml(html, { bundle }) {
      // Benchmarks are built by this configuration as well, and have pages of their own.
      if (!html.includes('<!-- Filled ')) return;
      const chunkOf = (module: string) => {
        const found = Object.values(bundle ?? {}).find((each) => each.type === 'chunk' && each.facadeModuleId?.endsWith(module));
        if (found?.type !== 'chunk') throw new Error(`vite.config.ts: no chunk of ${module} to preload`);
        return [found.fileName, ...found.imports];
      };
      // The charts' library comes meanwhile as well; it is asked for when the first chart comes into view, which on most screens is at once.
      const early = new Set([...chunkOf('/main.ts'), ...chunkOf('/uPlot.esm.js')]);
      const screen = readFileSync(join(root, 'web/app/first.html'), 'utf8').trim();
      return {
        html: html.replace(/<!-- Filled .*?-->\s*(<div id="page" inert>)/, (_, start: string) => start + screen),
        tags: [...early].map((name) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `./${name}` }, injectTo: 'head' })),
      };
    },
  };
}

/** Of no use without a network, or so large that only who uses it should fetch it: kept when it was used. */
const kNotKept = /\.gz$|^licences\.md$|^sw\.js$|^assets\/ort|^weights\/pool\/.*\.latencast$/;

/** `sw.js` with the list of the page's files in it; its text changes when any of them does. */
function offline(): Plugin {
  return {
    name: 'latencast-offline',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir === undefined || !existsSync(join(dir, 'index.html'))) return;
      const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
        .map((name) => name.replaceAll('\\', '/'))
        .filter((name) => !kNotKept.test(name) && statSync(join(dir, name)).isFile())
        .sort();
      const digest = (name: string): string => createHash('sha256').update(readFileSync(join(dir, name))).digest('hex').slice(0, 16);
      const listed = Object.fromEntries(files.map((name) => [name, digest(name)]));
      const worker = readFileSync(join(root, 'web/app/sw.js'), 'utf8');
      writeFileSync(join(dir, 'sw.js'), worker.replace('self.__FILES__', JSON.stringify(listed)));
    },
  };
}

function compressed(): Plugin {
  return {
    name: 'latencast-compressed',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir !== undefined && existsSync(dir)) compress(dir);
    },
  };
}

export default defineConfig({
  root: resolve(root, 'web/app'),
  // Relative addresses: the built page works in any folder of any host.
  base: './',
  plugins: [weights(), firstScreen(), offline(), compressed()],
  server: { host: '127.0.0.1', fs: { allow: [root] } },
  worker: { format: 'es' },
  // onnxruntime-web with its glue as a file of its own, which its threads load as well.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  build: {
    outDir: resolve(root, 'dist/app'),
    emptyOutDir: true,
    target: 'es2022',
    // The page's content security policy allows neither inline scripts nor data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Of no use to who builds the page: how long each plugin took, and that Papa Parse, which others fetch late, is part of it.
    rolldownOptions: { checks: { pluginTimings: false, ineffectiveDynamicImport: false } },
    // The notices that the bundled libraries' licences ask for.
    license: { fileName: 'licences.md' },
  },
});
