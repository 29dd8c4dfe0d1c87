import { createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;
const kWeights = join(root, 'weights');

/** `weights/index.json` and the files it names, beside the page under the same names; they are fetched, not bundled. */
function weights(): Plugin {
  const files = () => readdirSync(kWeights).filter((name) => ['.json', '.latencast', '.bin'].includes(extname(name)));
  return {
    name: 'latencast-weights',
    configureServer(server) {
      server.middlewares.use('/weights', (request, response, next) => {
        const name = basename(request.url ?? '');
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

/** A `.gz` beside every file that is smaller so; static hosts and `.ci/serve.mjs` send it in its place. */
function compressed(): Plugin {
  return {
    name: 'latencast-compressed',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir === undefined || !existsSync(dir)) return;
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        const path = join(dir, name);
        if (!/\.(html|m?js|css|wasm|json|csv|svg|latencast|bin)$/.test(name)) continue;
        const bytes = readFileSync(path);
        const packed = gzipSync(bytes, { level: 9 });
        if (packed.length < bytes.length) writeFileSync(`${path}.gz`, packed);
      }
    },
  };
}

export default defineConfig({
  root: resolve(root, 'web/app'),
  // Relative addresses: the built page works in any folder of any host.
  base: './',
  plugins: [weights(), compressed()],
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
    // The notices that the bundled libraries' licences ask for.
    license: { fileName: 'licences.md' },
  },
});
