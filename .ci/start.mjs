// npm start: set-up, build, and the page at a printed address.
import { serve } from './serve.mjs';
import { setup } from './setup.mjs';
import { buildModule, buildPage, script } from './steps.mjs';

await script(async () => {
  setup('build');
  buildModule();
  buildPage();
  const { address } = await serve({ port: Number(process.env.PORT ?? 4173) });
  console.log(`\nlatencast is at ${address}\nCtrl+C stops it.`);
});
