/** One Chromium and one server of the built page for a test file, and the few things tests do with them. */

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { serve } from '../../.ci/serve.mjs';

export interface Visit extends BrowserContextOptions {
  /** Fragment of the address, with `#`. */
  readonly address?: string;
  /** Called before the page loads, e.g. to hold back a file. */
  readonly before?: (page: Page) => Promise<unknown>;
  /** The test causes failures on purpose, so what the browser says about them is no fault of the page. */
  readonly expectsErrors?: boolean;
}

export interface Visitor {
  /** Opens the page in a fresh profile. */
  open(visit?: Visit): Promise<Page>;
  /** The page's own address. */
  address(): string;
}

/**
 * `LATE_FRAMES=1 npx vitest run --project looks`: the page paints late, as on a busy machine, so whatever a test reads without waiting for it is
 * still that of before.
 */
const kLateFrames = process.env['LATE_FRAMES'] === '1';

function delayFrames(delay_ms: number): void {
  const soon = globalThis.requestAnimationFrame.bind(globalThis);
  globalThis.requestAnimationFrame = (work) => soon(() => setTimeout(() => work(performance.now()), delay_ms));
}

/** Sets up and tears down around the tests of a file. Any complaint of the browser fails the test it came in. */
export function visitor(): Visitor {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  let complaints: string[] = [];

  beforeAll(async () => {
    server = await serve();
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    const seen = complaints;
    complaints = [];
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(seen).toEqual([]);
  });

  return {
    address: () => server.address,
    async open({ address = '', before, expectsErrors = false, ...options } = {}) {
      // A service worker would fetch every file of the page once more, for each test.
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block', ...options });
      const page = await context.newPage();
      if (!expectsErrors) {
        page.on('pageerror', (error) => complaints.push(error.message));
        page.on('console', (message) => {
          const harmless = message.text().startsWith('Service Worker registration blocked');
          if (!harmless && (message.type() === 'error' || message.type() === 'warning')) complaints.push(message.text());
        });
      }
      if (kLateFrames) await page.addInitScript(delayFrames, 250);
      await before?.(page);
      await page.goto(server.address + address);
      // What index.html holds looks the same, but is not yet the page. The documentation has none of it.
      await page.locator('#page[inert]').waitFor({ state: 'detached' });
      return page;
    },
  };
}

/** Waits until the engine has started. */
export async function engineReady(page: Page): Promise<void> {
  await page.getByText('Engine: ready').waitFor();
}

/** Replaces the measurements and waits until they are read. */
export async function write(page: Page, text: string): Promise<void> {
  await page.fill('#measurements textarea', text);
  // The page paints in the next frame; what stands there until then is about the earlier text.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page
    .locator('#sheet-problems')
    .getByText(/understood/)
    .waitFor();
}

/** Waits for estimates from as many measurements, and for the last of them; they follow the text by themselves. */
export async function estimated(page: Page, measurements = 20): Promise<void> {
  const refined = (await page.getByLabel('Space', { exact: true }).inputValue()) === 'nb201' ? ', refined by the network' : '';
  await page.locator('.headline').getByText(`estimated here from ${measurements} measurements${refined}`).waitFor();
}

/** Chooses fine-tuning, presses Transfer and waits for the estimates, not for the check that follows. */
export async function fineTune(page: Page): Promise<void> {
  await page.getByLabel('How to transfer').selectOption('finetune');
  await page.getByRole('button', { name: 'Transfer', exact: true }).click();
  await page.locator('.headline').getByText('fine-tuned here').waitFor();
}

/** Text of the file that a press of a button downloads. */
export async function download(page: Page, button: string): Promise<Buffer> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
  const chunks: Buffer[] = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The downloaded estimates: milliseconds by official index. */
export async function estimates(page: Page): Promise<number[]> {
  const [heading, ...lines] = (await download(page, 'Download CSV')).toString('utf8').trim().split('\n');
  const columns = heading?.split(',') ?? [];
  const [index, latency_ms] = [columns.indexOf('index'), columns.indexOf('latency_ms')];
  const values: number[] = [];
  for (const line of lines) {
    const cells = line.split(',');
    values[Number(cells[index])] = Number(cells[latency_ms]);
  }
  return values;
}

/** A number out of a list of facts by its name. */
export async function fact(page: Page, region: string, name: string): Promise<number> {
  const value = page.locator(`${region} .facts > div`).filter({ has: page.getByText(name, { exact: true }) });
  return Number.parseFloat(await value.locator('dd').innerText());
}
