// npm run docs: the documentation, into dist/docs.
import { setup } from './setup.mjs';
import { buildDocs, buildModule, script } from './steps.mjs';

await script(() => {
  setup('build');
  buildModule();
  buildDocs();
});
