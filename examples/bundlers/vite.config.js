import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: { target: 'es2022' },
  // Vite's server would pack the package without its worker and its WebAssembly modules.
  optimizeDeps: { exclude: ['latencast'] },
});
