// npm start: set-up, build, and the page at a printed address, with the documentation at docs/ beside it.
import { serve } from './serve.mjs';
import { setup } from './setup.mjs';
import { buildDocs, buildModule, buildPage, script } from './steps.mjs';

await script(async () => {
  setup('build');
  buildModule();
  buildPage();
  buildDocs();
  const { address } = await serve({ port: Number(process.env.PORT ?? 4173) });
  console.log(`\nlatencast is at ${address}\nCtrl+C stops it.`);
});
