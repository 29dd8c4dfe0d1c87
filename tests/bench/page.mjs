// node tests/bench/page.mjs: how quick the page is, in Chromium. Cold load with the processor throttled four times; the longest task
// of the page's own thread while it transfers and while its chart of 15,625 points is hovered over and zoomed; what a visitor
// fetches. As JSON and as a Markdown table. Wants a quiet machine.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { serve } from '../../.ci/serve.mjs';
import { setup } from '../../.ci/setup.mjs';
import { buildModule, buildPage, script } from '../../.ci/steps.mjs';

const { values: options } = parseArgs({
  options: {
    /** Uses what is built. */
    built: { type: 'boolean', default: false },
    loads: { type: 'string', default: '5' },
  },
});

const kThrottling = 4;
const kStarting = 3000; // ms that a browser gets to start
const kPatience = 60_000; // ms
const kFrame = 16; // ms
const kHovers = 240;
const kZooms = 60;

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Runs in the page before anything of its own: notes when, by the page's clock, its table is painted and its engine ready. */
function watch() {
  const reached = (globalThis.reached = {});
  const after = (name) =>
    requestAnimationFrame(() => {
      const painted = new MessageChannel();
      painted.port1.onmessage = () => (reached[name] = performance.now());
      painted.port2.postMessage(0);
    });
  let row = false;
  const observer = new MutationObserver(() => {
    if (!row && document.querySelector('.table-row')) {
      row = true;
      after('example');
    }
    if (!document.querySelector('.engine.ready')) return;
    observer.disconnect();
    after('engine');
  });
  observer.observe(document, { subtree: true, childList: true, attributeFilter: ['class'] });
}

/**
 * From an empty profile to the worked example and to an engine that runs, and the bytes that came meanwhile. The browser has
 * started when it begins, and nothing asks the page while it loads: a question of Playwright's is 100 ms of a throttled processor.
 */
async function coldLoad(browser, address) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await page.waitForTimeout(kStarting);
  await session.send('Emulation.setCPUThrottlingRate', { rate: kThrottling });
  await session.send('Network.enable');
  await session.send('Page.enable');
  await session.send('Page.addScriptToEvaluateOnNewDocument', { source: `(${watch})()` });
  const files = [];
  session.on('Network.loadingFinished', ({ encodedDataLength, timestamp }) => files.push({ encodedDataLength, timestamp }));
  let begun = Infinity; // seconds, by the clock of the network's events
  session.on('Network.requestWillBeSent', ({ timestamp }) => (begun = Math.min(begun, timestamp)));
  await session.send('Page.navigate', { url: address });
  const expression = 'JSON.stringify(globalThis.reached ?? {})';
  const end = performance.now() + kPatience;
  let reached = {};
  while (reached.engine === undefined) {
    if (performance.now() > end) throw new Error(`the page has no engine after ${kPatience / 1000} s, only ${JSON.stringify(reached)}`);
    await page.waitForTimeout(500);
    reached = JSON.parse((await session.send('Runtime.evaluate', { expression })).result.value);
  }
  await context.close();
  const [example_s, engine_s] = [reached.example / 1000, reached.engine / 1000];
  const bytes = (until) => files.reduce((sum, { encodedDataLength, timestamp }) => sum + (timestamp - begun <= until ? encodedDataLength : 0), 0);
  return { example_s, engine_s, example_bytes: bytes(example_s), engine_bytes: bytes(engine_s) };
}

/** The tasks of the page's own thread while something is done, in milliseconds, the longest first. */
async function tasksWhile(browser, page, work) {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline', 'devtools.timeline', 'toplevel', '__metadata'] });
  const since = performance.now();
  const frames = await page.evaluateHandle(() => {
    const counted = { frames: 0 };
    const next = () => {
      ++counted.frames;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    return counted;
  });
  await work();
  const seconds = (performance.now() - since) / 1000;
  const painted = await frames.evaluate((counted) => counted.frames);
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString('utf8'));
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  // Of several renderers the one that ran scripts most is the page.
  const of = ({ pid, tid }) => traceEvents.filter((event) => event.name === 'RunTask' && event.ph === 'X' && event.pid === pid && event.tid === tid);
  const tasks = threads.map(of).sort((a, b) => b.length - a.length)[0];
  const longer = (than) => tasks.filter(({ dur }) => dur > 1000 * than).length;
  const longest = (key) => tasks.reduce((most, task) => Math.max(most, (task[key] ?? 0) / 1000), 0);
  // Beside it what the processor spent on a task: on a machine that does other things too, a task waits as well.
  return { longest_ms: longest('dur'), longest_cpu_ms: longest('tdur'), over_frame: longer(kFrame), over_50: longer(50), tasks: tasks.length, fps: painted / seconds };
}

async function interaction(browser, address) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(address);
  await page.locator('.headline').getByText('estimated here from 20 measurements, refined').waitFor();
  await page.waitForTimeout(1000);
  const box = await page.locator('.chart .u-over').boundingBox();
  const over = (i, n) => [box.x + box.width * (0.05 + (0.9 * i) / n), box.y + box.height * (0.5 + 0.4 * Math.sin(i / 7))];
  const frame = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));

  const hover = await tasksWhile(browser, page, async () => {
    for (let i = 0; i < kHovers; i++) await page.mouse.move(...over(i, kHovers));
  });
  const zoom = await tasksWhile(browser, page, async () => {
    await page.mouse.move(...over(30, 100));
    for (let i = 0; i < kZooms; i++) {
      await page.mouse.wheel(0, i < kZooms / 2 ? -60 : 60);
      await frame();
    }
  });
  const estimates = await tasksWhile(browser, page, async () => {
    const text = await page.inputValue('#measurements textarea');
    await page.fill('#measurements textarea', text.split('\n').slice(0, 19).join('\n'));
    await page.locator('.headline').getByText('estimated here from 19 measurements, refined').waitFor();
  });
  const transfer = await tasksWhile(browser, page, async () => {
    await page.getByLabel('How to transfer').selectOption('finetune');
    await page.locator('button.primary').filter({ hasText: 'Transfer' }).click();
    await page.locator('.headline').getByText('fine-tuned here').waitFor();
  });
  await page.close();
  return { hover, zoom, estimates, transfer };
}

await script(async () => {
  if (!options.built) {
    setup('bench');
    buildModule();
    buildPage();
  }
  const { chromium } = await import('playwright-core');
  const server = await serve();
  const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  const loads = [];
  try {
    for (let i = 0; i < Number(options.loads); i++) {
      const browser = await launch();
      loads.push(await coldLoad(browser, server.address));
      await browser.close();
    }
    const browser = await launch();
    const { hover, zoom, estimates, transfer } = await interaction(browser, server.address);
    const version = browser.version();
    await browser.close();
    const middle = (key) => median(loads.map((load) => load[key]));
    const found = {
      machine: cpus()[0]?.model,
      chromium: version,
      throttling: kThrottling,
      example_s: middle('example_s'),
      engine_s: middle('engine_s'),
      example_bytes: middle('example_bytes'),
      engine_bytes: middle('engine_bytes'),
      ...{ hover, zoom, estimates, transfer },
    };
    console.log(JSON.stringify(found, undefined, 1));
    const task = ({ longest_ms, longest_cpu_ms, over_frame, over_50, fps }) => `${longest_ms.toFixed(1)} ms | ${longest_cpu_ms.toFixed(1)} ms of the processor; ${over_frame} over ${kFrame} ms, ${over_50} over 50 ms; ${fps.toFixed(0)} frames a second`;
    const lines = [
      `| cold load to worked example, ${kThrottling} times throttled | ${found.example_s.toFixed(2)} s | ${Math.round(found.example_bytes / 1000)} kB fetched |`,
      `| cold load to live engine, ${kThrottling} times throttled | ${found.engine_s.toFixed(2)} s | ${Math.round(found.engine_bytes / 1000)} kB fetched |`,
      `| longest task: chart of 15,625 points, hover | ${task(hover)} |`,
      `| longest task: the same, zoom | ${task(zoom)} |`,
      `| longest task: a measurement less, estimates anew | ${task(estimates)} |`,
      `| longest task: fine-tuning | ${task(transfer)} |`,
    ];
    console.log(`\n| figure | found | |\n|---|---|---|\n${lines.join('\n')}`);
  } finally {
    await server.stop();
  }
});
