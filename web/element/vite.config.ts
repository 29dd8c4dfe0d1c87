import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;

/** The element opens no models, so it carries neither their module nor what speaks to it. */
function withoutModels(): Plugin {
  const id = '\0no-models';
  return {
    name: 'latencast-without-models',
    enforce: 'pre',
    resolveId: (source, importer) => (source === './models.js' && importer?.endsWith('/web/api/local.ts') ? id : undefined),
    load: (each) => (each === id ? 'export {};' : undefined),
  };
}

/** <latency-predictor> as one ES module; what it fetches (worker, engine) lies beside it. */
export default defineConfig({
  root,
  // Addresses relative to the module, wherever it is served from.
  base: './',
  publicDir: false,
  plugins: [withoutModels()],
  worker: { format: 'es', plugins: () => [withoutModels()], rolldownOptions: { output: { entryFileNames: 'worker.js', assetFileNames: '[name][extname]' } } },
  build: {
    outDir: resolve(root, '../../dist/element'),
    // The declarations lie there too.
    emptyOutDir: false,
    target: 'es2022',
    assetsDir: '',
    assetsInlineLimit: 0,
    modulePreload: false,
    license: { fileName: 'licences.md' },
    rolldownOptions: {
      input: { index: resolve(root, 'index.ts'), server: resolve(root, 'server.ts') },
      // One file: what the engine in this thread shares with it may be exported from there.
      preserveEntrySignatures: 'allow-extension',
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js', assetFileNames: '[name][extname]' },
    },
  },
});
