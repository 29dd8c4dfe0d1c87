import { resolve } from 'node:path';
import { mergeConfig } from 'vite';
import page from '../../vite.config.js';

/** The benchmark's page, built as the real one is. */
export default mergeConfig(page, {
  root: resolve(import.meta.dirname, 'page'),
  build: { outDir: resolve(import.meta.dirname, '../../dist/bench') },
});
