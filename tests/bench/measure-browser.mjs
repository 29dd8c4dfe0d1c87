// node tests/bench/measure-browser.mjs --space nb201 --measured 20 --truth 60: how well a browser is known after measuring
// some networks in it, with others measured as truth; and how long the page takes from a click to all estimates.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '../../.ci/serve.mjs';
import { setup } from '../../.ci/setup.mjs';
import { buildModule, buildPage, root, runTool, script } from '../../.ci/steps.mjs';

const { values: options } = parseArgs({
  options: {
    space: { type: 'string', default: 'nb201' },
    measured: { type: 'string', default: '20' },
    truth: { type: 'string', default: '60' },
    provider: { type: 'string', default: 'wasm' },
    threads: { type: 'string', default: '1' },
    effort: { type: 'string', default: 'thorough' },
    /** Skips the page itself. */
    'no-click': { type: 'boolean', default: false },
    /** Uses what is built. */
    built: { type: 'boolean', default: false },
    /** Writes every reading there. */
    json: { type: 'string' },
  },
});

async function launch() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
}

async function accuracy(browser) {
  const server = await serve({ folder: join(root, 'dist', 'bench') });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(server.address);
    await page.waitForFunction(() => 'measureBrowser' in globalThis);
    const setting = { provider: options.provider, threads: Number(options.threads), effort: options.effort };
    return await page.evaluate(
      ([space, chosen, measured, truth]) => globalThis.measureBrowser(space, chosen, measured, truth),
      [options.space, setting, Number(options.measured), Number(options.truth)],
    );
  } finally {
    await server.stop();
  }
}

const seconds = (since) => (performance.now() - since) / 1000;

/** From the click to estimates of the whole space from all measurements; the runs themselves are not the page's own work. */
async function click(browser) {
  const server = await serve();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(600_000);
    await page.goto(`${server.address}#space=${options.space}`);
    await page.getByText('Engine: ready').waitFor();
    const begin = performance.now();
    await page.getByRole('button', { name: 'Measure this browser' }).click();
    await page.locator('.browser').getByText(/Measuring, round/).waitFor();
    const ready_s = seconds(begin);
    await page.locator('.browser').getByText(/Proving/).waitFor();
    const all_s = seconds(begin);
    const runs_s = await page.evaluate(
      (space) =>
        new Promise((done) => {
          indexedDB.open('latencast').onsuccess = ({ target }) => {
            const get = target.result.transaction('browser-runs-1').objectStore('browser-runs-1').get(space);
            get.onsuccess = () => done(get.result.measured.seconds);
          };
        }),
      options.space,
    );
    return { all_s, ready_s, runs_s, own_s: all_s - ready_s - runs_s };
  } finally {
    await server.stop();
  }
}

const three = (value) => Number(value.toPrecision(3));

await script(async () => {
  setup('test');
  if (!options.built) {
    buildModule();
    runTool('vite', ['build', '--config', 'tests/bench/vite.config.ts', '--logLevel', 'warn']);
    if (!options['no-click']) buildPage();
  }
  const browser = await launch();
  try {
    const { accuracy: found, closed, expected, inside, tick_ms, run, unseen_ms } = await accuracy(browser);
    if (options.json) writeFileSync(options.json, JSON.stringify({ run, unseen_ms }));
    const times = options['no-click'] ? undefined : await click(browser);
    console.log(`Chromium ${browser.version()}, ${options.space}, ${options.provider}, ${options.threads} thread(s), ${options.effort}; timer step ${three(tick_ms)} ms`);
    const rounds = ({ rounds, seconds: spent }) => `${rounds.length} rounds, ${three(spent)} s`;
    console.log(`${options.measured} measured (${rounds(run.measured)}), ${options.truth} as truth (${rounds(run.proof)}), ${three(Math.min(...unseen_ms))} to ${three(Math.max(...unseen_ms))} ms`);
    console.log(`in closed form alone: Spearman ${closed.spearman.toFixed(3)}, MdAPE ${(100 * closed.mdape).toFixed(1)} %`);
    console.log(`Spearman ${found.spearman.toFixed(3)} (expected ${expected.spearman.toFixed(3)}), MdAPE ${(100 * found.mdape).toFixed(1)} % (expected ${(100 * expected.error).toFixed(1)} %), within 10 %: ${(100 * found.within10).toFixed(0)} %, in their 90 % interval: ${(100 * inside).toFixed(0)} %`);
    if (times) console.log(`click to all estimates ${three(times.all_s)} s: runtime ready after ${three(times.ready_s)} s, runs ${three(times.runs_s)} s, everything else ${three(times.own_s)} s`);
  } finally {
    await browser.close();
  }
});
