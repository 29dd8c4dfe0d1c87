// npm run build: the WebAssembly module, the TypeScript interface, the element and the page.
import { setup } from './setup.mjs';
import { buildApi, buildElement, buildModule, buildPage, script } from './steps.mjs';

await script(() => {
  setup('build');
  buildModule();
  buildApi();
  buildElement();
  buildPage();
});
