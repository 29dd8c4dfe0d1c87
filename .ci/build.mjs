// npm run build: the WebAssembly module and the page.
import { setup } from './setup.mjs';
import { buildModule, buildPage, script } from './steps.mjs';

await script(() => {
  setup('build');
  buildModule();
  buildPage();
});
