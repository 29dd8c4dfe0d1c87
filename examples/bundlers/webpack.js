import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import webpack from 'webpack';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// webpack finds the worker, the WebAssembly modules and the weights by itself.
webpack(
  {
    mode: 'production',
    entry: { main: here('main.js') },
    output: { path: here('dist-webpack'), publicPath: '' },
    // It takes weights for scripts, and finds them large.
    performance: { hints: false },
  },
  (error, stats) => {
    if (error) throw error;
    console.log(stats.toString({ preset: 'errors-warnings' }));
    process.exitCode = stats.hasErrors() ? 1 : 0;
  },
);
cpSync(here('index.html'), here('dist-webpack/index.html'));
