// npm run build: the WebAssembly module, the package and the page.
import { buildPackage } from './package.mjs';
import { setup } from './setup.mjs';
import { buildModule, buildPage, script } from './steps.mjs';

await script(async () => {
  setup('build');
  buildModule();
  await buildPackage();
  buildPage();
});
