/** <latency-predictor> as built, on pages of another origin than its own. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import { build } from 'esbuild';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { build as bundlePage } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../web/api/index.js';
import type { Engine, Measurement, Method } from '../../web/api/types.js';
import type { LatencyPredictorElement } from '../../web/element/types.js';
import { host, type Host } from './hosts.js';

const kRoot = join(import.meta.dirname, '../..');
const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kWasm = new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm/latencast.wasm')));
const kCsv = readFileSync(join(kRoot, 'tests/golden/raspi4-20.csv'), 'utf8');
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(kRoot, 'weights', name)));

let browser: Browser;
let cdn: Host;
let sites: Host[] = [];
let complaints: string[] = [];

beforeAll(async () => {
  cdn = await host(
    () => undefined,
    () => ({ 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-store' }),
  );
  browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  await cdn?.stop();
});
afterEach(async () => {
  const seen = complaints;
  complaints = [];
  await Promise.all(browser.contexts().map((context) => context.close()));
  await Promise.all(sites.map((site) => site.stop()));
  sites = [];
  cdn.asked.length = 0;
  expect(seen).toEqual([]);
});

const kElement = 'latency-predictor';
const moduleThere = (): string => `${cdn.address}dist/element/index.js`;

interface Visit extends BrowserContextOptions {
  readonly policy?: string;
  /** The test causes failures on purpose, so what the browser says about them is no fault of the element. */
  readonly expectsErrors?: boolean;
  readonly before?: (page: Page) => Promise<unknown>;
  readonly pages?: Readonly<Record<string, string>>;
  /** In place of the other origin's. */
  readonly module?: string;
}

/** A page of an origin of its own, with this in its body; the module is loaded from the other one. */
async function open(body: string, { policy, expectsErrors = false, before, pages = {}, module = moduleThere(), ...options }: Visit = {}): Promise<Page> {
  const head = `<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>A page</title><link rel="icon" href="data:,">`;
  const page_ = `<!doctype html><html lang="en"><head>${head}<script type="module" src="${module}"></script></head><body><main><h1>A page</h1>${body}</main></body></html>`;
  const site = await host(
    (path) => (path === '/' ? page_ : pages[path]),
    () => (policy ? { 'Content-Security-Policy': policy } : {}),
  );
  sites.push(site);
  const context = await browser.newContext({ viewport: { width: 800, height: 900 }, ...options });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  if (!expectsErrors) {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
  }
  await before?.(page);
  await page.goto(site.address);
  return page;
}

const first = (page: Page) => page.locator(kElement).first();
const phase = (page: Page): Promise<string> => first(page).evaluate((each) => (each as LatencyPredictorElement).phase);
const ready = (page: Page) => expect.poll(() => phase(page), { timeout: 60_000 }).toBe('ready');
const shown = (page: Page) => first(page).evaluate((each) => (each as LatencyPredictorElement).estimate);

/** The same from the API in this process. */
async function withEngine<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await createEngine({ kind: 'local', wasm: kWasm });
  try {
    return await work(engine);
  } finally {
    engine.dispose();
  }
}

function estimateByApi(measurements: readonly Measurement[], architecture: string, method: Method = 'closed-form'): Promise<number[]> {
  return withEngine(async (engine) => {
    const base = await engine.load(bytesOf('nb201.latencast'));
    const mine = await base.transfer(measurements, { method });
    const { low, latency_ms, high } = await mine.intervals([architecture]);
    return [low[0]!, latency_ms[0]!, high[0]!];
  });
}

const readings = kCsv
  .trim()
  .split('\n')
  .map((line) => line.split(','))
  .filter(([, value]) => Number(value) > 0)
  .map(([architecture = '', value]) => ({ architecture, latency_ms: Number(value) }));

const kStrict = () => `default-src 'none'; script-src ${new URL(moduleThere()).origin} 'wasm-unsafe-eval'; connect-src ${new URL(moduleThere()).origin}; img-src data:`;

describe('on a page of another origin', () => {
  test('estimates what the API estimates, and says how sure it is', async () => {
    const page = await open(`<${kElement} architecture="421211"><script type="text/csv">${kCsv}</script></${kElement}>`);
    await ready(page);
    const [low, ms, high] = await estimateByApi(readings, '421211');
    const found = (await shown(page))!;
    expect(found.architecture).toBe('421211');
    expect(found.latency_ms).toBeCloseTo(ms!, 6);
    expect(found.low_ms).toBeCloseTo(low!, 6);
    expect(found.high_ms).toBeCloseTo(high!, 6);
    const text = await first(page).locator('[part=estimate]').innerText();
    expect(text).toContain(`${Number(ms!.toPrecision(3))}`);
    expect(text).toContain('in 9 of 10 cases');
    // Its engine is in a worker, though the worker's script is of another origin than the page.
    expect(cdn.asked).toContain('/dist/element/worker.js');
    expect(cdn.asked).not.toContain('/dist/element/local.js');
  });

  test('the combined method: in closed form at once, then what the API estimates by it', async () => {
    const page = await open('', {
      before: (each) =>
        each.addInitScript(() => {
          const told = ((globalThis as { told?: unknown[] }).told = [] as unknown[]);
          document.addEventListener('estimates', (event) => told.push((event as CustomEvent<{ method: string }>).detail.method), true);
        }),
    });
    const told = (): Promise<unknown> => page.evaluate(() => (globalThis as { told?: unknown[] }).told);
    const show = (given: Partial<LatencyPredictorElement>): Promise<void> =>
      page.evaluate(
        ([name, properties]) => document.querySelector('main')!.replaceChildren(Object.assign(document.createElement(name), properties)),
        [kElement, { ...given, method: 'combined' }] as const,
      );
    await show({ measurements: kCsv, architecture: '421211' });
    await expect.poll(told, { timeout: 60_000 }).toEqual(['closed-form', 'combined']);
    expect((await shown(page))!.latency_ms).toBeCloseTo((await estimateByApi(readings, '421211', 'combined'))[1]!, 6);
    await expect.poll(() => first(page).locator('[part=origin]').innerText()).toContain('measurements, refined by the network');
    // Where the network adds nothing.
    await show({ space: 'fbnet', device: 'pixel3' });
    await expect.poll(told, { timeout: 60_000 }).toEqual(['closed-form', 'combined', 'closed-form']);
    await page.waitForTimeout(1000);
    expect(await told()).toHaveLength(3);
    expect(await first(page).locator('[part=origin]').innerText()).not.toContain('refined');
  });

  test('a policy without workers: the same estimate, in the page itself; nothing inline is needed', async () => {
    const policy = `script-src 'self' ${new URL(moduleThere()).origin} 'wasm-unsafe-eval'`;
    const page = await open(`<${kElement} device="pixel3" architecture="421211"></${kElement}>`, { policy, expectsErrors: true });
    await ready(page);
    expect(cdn.asked).toContain('/dist/element/local.js');
    const local = await shown(page);
    const other = await open(`<${kElement} device="pixel3" architecture="421211"></${kElement}>`);
    await ready(other);
    expect(local).toEqual(await shown(other));
  });

  test('engine="local" under the strictest policy that lets it run: not one violation', async () => {
    const page = await open(`<${kElement} device="pixel3" engine="local"></${kElement}>`, {
      policy: kStrict(),
      before: (each) => each.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(event.violatedDirective))),
    });
    await ready(page);
    await first(page).locator('[part=chart]').waitFor();
    expect(cdn.asked).not.toContain('/dist/element/worker.js');
  });

  test('several elements share one engine, and no file is fetched twice', async () => {
    const page = await open(
      `<${kElement} device="pixel3"></${kElement}><${kElement} device="fpga"></${kElement}><${kElement} space="fbnet" device="pixel3"></${kElement}>`,
    );
    await expect
      .poll(() => page.locator(kElement).evaluateAll((all) => all.map((each) => (each as LatencyPredictorElement).phase)), { timeout: 60_000 })
      .toEqual(['ready', 'ready', 'ready']);
    expect(new Set(cdn.asked).size).toBe(cdn.asked.length);
    expect(cdn.asked).toEqual(
      expect.arrayContaining(['/dist/element/latencast.wasm', '/weights/nb201.latencast', '/weights/fbnet.latencast']),
    );
    expect(page.workers()).toHaveLength(1);
    const own = await page.locator(kElement).evaluateAll((all) => all.map((each) => (each as LatencyPredictorElement).estimates?.latency_ms[0]));
    expect(new Set(own).size).toBe(3);
  });

  test('taken out of the page, the engine is stopped; put back, it starts again', async () => {
    const page = await open(`<${kElement} device="pixel3"></${kElement}>`);
    await ready(page);
    await page.evaluate((name) => {
      const element = document.querySelector(name)!;
      (globalThis as unknown as { kept: Element }).kept = element;
      element.remove();
    }, kElement);
    await expect.poll(() => page.workers().length, { timeout: 15_000 }).toBe(0);
    await page.evaluate(() => document.querySelector('main')!.append((globalThis as unknown as { kept: Element }).kept));
    await ready(page);
    expect((await shown(page))!.latency_ms).toBeGreaterThan(0);
  });
});

describe('attributes, properties, events', () => {
  test('a change is followed at once, and told', async () => {
    const page = await open(`<${kElement} device="pixel3" architecture="421211"></${kElement}>`, {
      before: (each) =>
        each.addInitScript(() => {
          const told: unknown[] = [];
          Object.assign(globalThis, { told });
          for (const type of ['estimates', 'estimate', 'limit', 'failure']) {
            addEventListener(
              type,
              ({ detail }: CustomEventInit) => told.push([type, detail.architecture ?? detail.limit_ms ?? detail.message ?? detail.architectures.length]),
              true,
            );
          }
        }),
    });
    await ready(page);
    const told = (): Promise<unknown[]> => page.evaluate(() => (globalThis as unknown as { told: unknown[] }).told.splice(0));
    await expect.poll(told).toEqual(expect.arrayContaining([['estimates', 15_625], ['estimate', '421211']]));
    const before = (await shown(page))!.latency_ms;

    await first(page).evaluate((each) => each.setAttribute('device', 'fpga'));
    await expect.poll(async () => (await shown(page))?.latency_ms).not.toBe(before);
    await ready(page);
    expect(await told()).toEqual(expect.arrayContaining([['estimates', 15_625], ['estimate', '421211']]));

    await first(page).evaluate((each) => ((each as LatencyPredictorElement).architecture = '333333'));
    await expect.poll(async () => (await shown(page))?.architecture).toBe('333333');
    await first(page).evaluate((each) => ((each as LatencyPredictorElement).limit = 8));
    await first(page).getByText('Best under 8.00 ms').waitFor();
    await expect.poll(told).toEqual(expect.arrayContaining([['estimate', '333333'], ['limit', 8]]));

    // Measurements as a property, then as text of a child.
    await first(page).evaluate((each, given) => ((each as LatencyPredictorElement).measurements = given), readings);
    const [, ms] = await estimateByApi(readings, '333333');
    await expect.poll(async () => (await shown(page))?.latency_ms).toBeCloseTo(ms!, 6);
    await first(page).evaluate((each, text) => {
      (each as LatencyPredictorElement).measurements = '';
      each.innerHTML = `<script type="text/csv">${text}</script>`;
    }, '421211,10.5\n333333,80 ms\n');
    await first(page).getByText('estimated here from 2 measurements').waitFor();

    await first(page).evaluate((each) => each.setAttribute('space', 'ofa'));
    await first(page).getByText('OFA-MobileNetV3').waitFor();
    await first(page).locator('[part=failure]').waitFor();
    expect((await told()).at(-1)).toEqual(['failure', expect.stringContaining('421211')]);
  });

  test('the best under the limit is what a search of all cells finds', async () => {
    const page = await open(`<${kElement} device="pixel3" limit="7" accuracy="cifar100"></${kElement}>`);
    await ready(page);
    const { latency_ms, architectures } = await first(page).evaluate((each) => {
      const { latency_ms: all, architectures: names } = (each as LatencyPredictorElement).estimates!;
      return { latency_ms: [...all], architectures: [...names] };
    });
    const bytes = bytesOf('nb201.accuracy.bin');
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const accuracy = architectures.map((_, row) => view.getUint16(2 * (15_625 + row), true) / 100);
    const most = Math.max(...accuracy.filter((_, row) => latency_ms[row]! <= 7));
    const found = (await shown(page))!;
    expect(found.accuracy).toBe(most);
    expect(found.latency_ms).toBeLessThanOrEqual(7);
    expect(accuracy[architectures.indexOf(found.architecture)]).toBe(most);
  });
});

test('in a React page: properties, events, changes, and away again', async () => {
  const { outputFiles } = await build({
    bundle: true,
    write: false,
    format: 'esm',
    define: { 'process.env.NODE_ENV': '"production"' },
    stdin: {
      resolveDir: kRoot,
      contents: `
        import { createElement as h, useState } from 'react';
        import { createRoot } from 'react-dom/client';
        const readings = ${JSON.stringify(readings)};
        function Page() {
          const [estimate, setEstimate] = useState();
          const [architecture, setArchitecture] = useState('421211');
          const [there, setThere] = useState(true);
          return h('div', null,
            h('p', { id: 'said' }, estimate ? estimate.architecture + ' ' + estimate.latency_ms : ''),
            h('button', { onClick: () => setArchitecture('333333') }, 'another'),
            h('button', { onClick: () => setThere(false) }, 'away'),
            there && h('latency-predictor', { measurements: readings, architecture, limit: '20', onestimate: ({ detail }) => setEstimate(detail) }));
        }
        customElements.whenDefined('latency-predictor').then(() => createRoot(document.getElementById('root')).render(h(Page)));`,
    },
  });
  const page = await open(`<div id="root"></div><script type="module" src="/page.js"></script>`, {
    pages: { '/page.js': outputFiles[0]!.text },
  });
  const said = (): Promise<string> => page.locator('#said').innerText();
  const [, ms] = await estimateByApi(readings, '421211');
  await expect.poll(said, { timeout: 60_000 }).toBe(`421211 ${ms}`);
  await first(page).getByText('Best under 20.0 ms').waitFor();
  await page.getByRole('button', { name: 'another' }).click();
  await expect.poll(said).toMatch(/^333333 /);
  await page.getByRole('button', { name: 'away' }).click();
  await expect.poll(() => page.workers().length, { timeout: 15_000 }).toBe(0);
});

test('bundled by Vite into a page, it takes along what it fetches', async () => {
  const outDir = 'build-reports/bundled';
  const entry = join(kRoot, 'dist/element/index.js');
  await bundlePage({
    configFile: false,
    root: kRoot,
    base: './',
    logLevel: 'silent',
    build: { outDir, emptyOutDir: true, rolldownOptions: { input: 'page.js', output: { entryFileNames: 'page.js' } } },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page.js' ? '\0page' : undefined),
        load: (id) => (id === '\0page' ? `import ${JSON.stringify(entry)};` : undefined),
      },
    ],
  });
  const page = await open(`<${kElement} device="pixel3"></${kElement}>`, { module: `/${outDir}/page.js` });
  await ready(page);
  expect(page.workers()).toHaveLength(1);
  expect(cdn.asked).toEqual([]);
});

describe('by hand', () => {
  test('keyboard alone: type an architecture, move the limit, take what is best', async () => {
    const page = await open(`<button>before</button><${kElement} device="pixel3"></${kElement}>`);
    await ready(page);
    const best = first(page).locator('[part=best-architecture]');
    const before = await first(page).getByText(/^Best under/).innerText();
    await page.getByRole('button', { name: 'before' }).focus();
    await page.keyboard.press('Tab');
    for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowRight');
    await expect.poll(() => first(page).getByText(/^Best under/).innerText()).not.toBe(before);
    // Nothing was asked for, so the estimate follows the best.
    await expect.poll(async () => (await shown(page))?.architecture).toBe(await best.innerText());

    await page.keyboard.press('Tab');
    await page.keyboard.type('hello');
    await first(page).locator('[part=estimate] .bad').waitFor();
    expect(await first(page).getByLabel('Architecture', { exact: true }).getAttribute('aria-invalid')).toBe('true');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('13714');
    await expect.poll(async () => (await shown(page))?.architecture).toMatch(/^[0-4]{6}$/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await shown(page))?.architecture).toBe(await best.innerText());
  });

  test('a point under the pointer is pointed out; a click takes it', async () => {
    const page = await open(`<${kElement} device="pixel3"></${kElement}>`);
    await ready(page);
    const before = (await shown(page))!.architecture;
    const chart = first(page).locator('[part=chart]');
    const diamond = await first(page).locator('.diamond').boundingBox();
    await page.mouse.move(diamond!.x + 30, diamond!.y + 20);
    await first(page).locator('.hovered').waitFor();
    await page.mouse.click(diamond!.x + 30, diamond!.y + 20);
    await expect.poll(async () => (await shown(page))?.architecture).not.toBe(before);
    expect(await chart.getAttribute('aria-label')).toContain('15,625');
  });
});

describe('when it cannot go on', () => {
  test.each([
    ['a device nobody knows', 'device="toaster"', /"toaster" is not known.*pixel3/],
    ['a space nobody knows', 'space="nb301" device="pixel3"', /"nb301"; expected nb201, fbnet, ofa/],
    ['text without measurements', 'measurements="hello"', /line 1/],
  ])('%s: says what was found and what was expected, and shows the fallback', async (_, attributes, message) => {
    const page = await open(`<${kElement} ${attributes}><p>See the table.</p></${kElement}>`);
    await first(page).getByRole('alert').waitFor();
    expect(await first(page).getByRole('alert').innerText()).toMatch(message);
    await page.getByText('See the table.').waitFor();
    expect(await phase(page)).toBe('failed');
  });

  test('weights that are not there; once they are, the next change finds them', async () => {
    const page = await open(`<${kElement} device="pixel3" weights="nowhere"></${kElement}>`, { expectsErrors: true });
    await first(page).getByRole('alert').waitFor();
    expect(await first(page).getByRole('alert').innerText()).toMatch(/nowhere\/nb201\..*: the server answered 404/);
    await first(page).evaluate((each, address) => each.setAttribute('weights', address), `${cdn.address}weights`);
    await ready(page);
  });

  test('a browser without WebAssembly SIMD is told so', async () => {
    const page = await open(`<${kElement} device="pixel3" engine="local">12.4 ms</${kElement}>`, {
      before: (each) => each.addInitScript(() => (WebAssembly.validate = () => false)),
    });
    await first(page).getByRole('alert').getByText(/WebAssembly with SIMD/).waitFor();
    await page.getByText('12.4 ms').waitFor();
  });

  test('bad lines are named, and the good ones count', async () => {
    const page = await open(`<${kElement}><script type="text/csv">${kCsv}\nabc, 3\n</script></${kElement}>`);
    await ready(page);
    expect(await first(page).locator('[part=problems]').innerText()).toMatch(/line \d+: .*abc/);
    await first(page).getByText('from 20 measurements').waitFor();
  });
});

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test.each([
    ['NAS-Bench-201', 'device="pixel3" architecture="421211"', '[part=chart]'],
    ['FBNet', 'space="fbnet" device="pixel3" architecture="7818488874147327324245"', '.strip-glyph'],
    ['failed', 'device="toaster"', '[role=alert]'],
    ['waiting', '', '[part=idle]'],
  ])('%s: accessible, and nothing sticks out at 320 px', async (_, attributes, there) => {
    const page = await open(`<${kElement} ${attributes}></${kElement}>`, { colorScheme, viewport: { width: 320, height: 800 } });
    await first(page).locator(there).first().waitFor();
    await page.addScriptTag({ content: kAxe });
    const found = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
      const { violations } = await axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
    });
    expect(found).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
});

test('tokens set on the element reach what it draws; those of the page do not', async () => {
  const page = await open(`<style>:root { --ink: red } #own { --ink: rgb(1, 2, 3) }</style><${kElement}></${kElement}><${kElement} id="own"></${kElement}>`);
  await page.locator(`#own [part=idle]`).waitFor();
  const ink = (selector: string): Promise<string> => page.locator(selector).evaluate((each) => getComputedStyle(each).color);
  expect(await ink('#own [part=device]')).toBe('rgb(1, 2, 3)');
  expect(await ink(`${kElement}:not(#own) [part=device]`)).not.toBe('rgb(255, 0, 0)');
});

test('importing it where pages are rendered on a server does nothing', async () => {
  const { LatencyPredictor } = (await import('latencast/element')) as { LatencyPredictor: unknown };
  expect(typeof LatencyPredictor).toBe('function');
});
