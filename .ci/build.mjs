// npm run build: the WebAssembly module, the TypeScript interface and the page.
import { setup } from './setup.mjs';
import { buildApi, buildModule, buildPage, script } from './steps.mjs';

await script(() => {
  setup('build');
  buildModule();
  buildApi();
  buildPage();
});
