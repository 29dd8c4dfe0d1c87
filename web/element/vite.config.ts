import { resolve } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

const root = import.meta.dirname;

/** The element opens neither models nor tables, so it carries nothing of what would. */
function spacesOnly(): Plugin {
  const id = '\0nothing';
  return {
    name: 'latencast-spaces-only',
    enforce: 'pre',
    resolveId: (source, importer) =>
      ['./models.js', './tables.js'].includes(source) && importer?.endsWith('/web/api/local.ts') ? id : undefined,
    load: (each) => (each === id ? 'export {};' : undefined),
  };
}

/** <latency-predictor> as one ES module; what it fetches (worker, engine) lies beside it. */
export default defineConfig({
  root,
  // Addresses relative to the module, wherever it is served from.
  base: './',
  publicDir: false,
  plugins: [spacesOnly()],
  worker: { format: 'es', plugins: () => [spacesOnly()], rolldownOptions: { output: { entryFileNames: 'worker.js', assetFileNames: '[name][extname]' } } },
  build: {
    outDir: resolve(root, '../../dist/element'),
    emptyOutDir: true,
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
