/** Every example of `examples/`, with the package as packed: the engine starts, and what is shown is what the API says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium, type Browser, type Page } from 'playwright-core';
import { build, createServer } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';

import { serve } from '../../.ci/serve.mjs';

const kExamples = inject('examples');
const kCompiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** What `latency_ms` of a cell has to be, as all examples write it. */
let expected: (architecture: string) => Promise<string>;

beforeAll(async () => {
  const { createEngine } = (await import(/* @vite-ignore */ join(kExamples, 'node_modules/latencast/dist/api/index.js'))) as typeof import('../../web/api/index.js');
  const engine = await createEngine({ kind: 'local' });
  const base = await engine.load(new Uint8Array(readFileSync(new URL('../../weights/nb201.latencast', import.meta.url))));
  const rows = readFileSync(new URL('../golden/raspi4-20.csv', import.meta.url), 'utf8').trim().split('\n').slice(1);
  const mine = await base.transfer(rows.map((row) => ({ architecture: row.split(',')[0]!, latency_ms: Number(row.split(',')[1]) })));
  expected = async (architecture) => {
    const { low, latency_ms, high } = await mine.intervals([architecture]);
    return `${latency_ms[0]!.toFixed(2)} ms, 90 % between ${low[0]!.toFixed(2)} and ${high[0]!.toFixed(2)}`;
  };
});

const node = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: kExamples, encoding: 'utf8' });

test('a script of Node', async () => {
  const [first, second, third] = node('node/main.js', '421211', '333333').split('\n');
  expect([first, second]).toEqual([`421211: ${await expected('421211')}`, `333333: ${await expected('333333')}`]);
  expect(third).toMatch(/^expected rank correlation 0\.\d\d$/);
});

test("the element in React's JSX, by its types", () => {
  const strict = ['--strict', '--allowJs', '--jsx', 'react-jsx', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', 'false'];
  const tsc = (...files: string[]): string => {
    const run = spawnSync(process.execPath, [kCompiler, '--noEmit', '--types', 'react', ...strict, ...files], { cwd: join(kExamples, 'react'), encoding: 'utf8' });
    return run.stdout;
  };
  expect(tsc('element.tsx')).toBe('');
  const wrong = `import type {} from 'latencast/element/react';
    export const a = <latency-predictor limit="many" />;
    export const b = <latency-predictor space="nb101" />;
    export const c = <latency-predictor onestimate={({ detail }) => detail.seconds} />;`;
  writeFileSync(join(kExamples, 'react/wrong.tsx'), wrong);
  const found = [...tsc('wrong.tsx').matchAll(/wrong\.tsx\((\d+),\d+\): error/g)].map(([, line]) => Number(line));
  expect(found).toEqual([2, 3, 4]);
});

describe('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());

  const complaints: string[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await Promise.all(stops.splice(0).map((stop) => stop()));
    expect(complaints.splice(0)).toEqual([]);
  });

  async function open(address: string): Promise<Page> {
    const page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== new URL(address).origin) complaints.push(`request to ${url.origin}`);
    });
    await page.goto(address);
    return page;
  }

  async function served(folder: string): Promise<string> {
    const server = await serve({ folder });
    stops.push(() => server.stop());
    return server.address;
  }

  const shows = (page: Page, text: string) => page.locator('output').getByText(text, { exact: true }).waitFor();

  async function estimatesAsTold(page: Page): Promise<void> {
    await shows(page, await expected('421211'));
    await page.getByRole('textbox', { name: 'Cell' }).fill('111111');
    await shows(page, await expected('111111'));
    await page.getByRole('textbox', { name: 'Cell' }).fill('12x');
    await page.locator('output').getByText('expected six digits').waitFor();
  }

  const viteBuild = async (name: string): Promise<string> => {
    const root = join(kExamples, name);
    await build({ root, configFile: join(root, 'vite.config.js'), logLevel: 'error' });
    return join(root, 'dist');
  };
  const viteServer = async (name: string): Promise<string> => {
    const root = join(kExamples, name);
    const server = await createServer({ root, configFile: join(root, 'vite.config.js'), logLevel: 'error', server: { host: '127.0.0.1', port: 0 } });
    stops.push(() => server.close());
    await server.listen();
    return server.resolvedUrls!.local[0]!;
  };

  test('Vite', async () => estimatesAsTold(await open(await served(await viteBuild('bundlers')))));
  test("Vite's development server", async () => estimatesAsTold(await open(await viteServer('bundlers'))));

  test.each(['webpack', 'esbuild'])('%s', async (bundler) => {
    expect(node(`bundlers/${bundler}.js`).trim()).toBe(bundler === 'webpack' ? 'webpack compiled successfully' : '');
    await estimatesAsTold(await open(await served(join(kExamples, `bundlers/dist-${bundler}`))));
  });

  test('React: measurements and cell may change, and an error is shown', async () => {
    const page = await open(await served(await viteBuild('react')));
    await estimatesAsTold(page);
    await page.getByRole('textbox', { name: 'Cell' }).fill('421211');
    const measurements = page.getByRole('textbox', { name: 'Measurements' });
    const text = await measurements.inputValue();
    // Ten times as long.
    await measurements.fill(text.replaceAll(/,(\d+)\.(\d)/g, ',$1$2.'));
    await page.locator('output').filter({ hasText: /^1\d\d\.\d\d ms/ }).waitFor();
    await measurements.fill('nothing');
    await page.locator('output').getByText('expected at least 1').waitFor();
    await measurements.fill(text);
    await shows(page, await expected('421211'));
  });

  test('pages without a bundler', async () => {
    writeFileSync(join(kExamples, 'index.html'), '<!doctype html>');
    const address = await served(kExamples);
    const plain = await open(`${address}plain/`);
    await shows(plain, await expected('421211'));
    await expect.poll(() => plain.locator('tbody tr').count()).toBe(4);
    const notebook = await open(`${address}notebook/`);
    await notebook.locator('.bars rect').nth(39).waitFor();
    const third = async () => (await notebook.locator('.shown').nth(2).innerText()).trim();
    expect(await third()).toBe(await expected('421211'));
    expect(await notebook.locator('.failed').count()).toBe(0);
    // A changed cell runs again.
    const cell = notebook.locator('.cell').nth(2);
    await cell.evaluate((code) => (code.textContent = code.textContent.replace('421211', '333333')));
    await cell.press('Shift+Enter');
    await expect.poll(third).toBe(await expected('333333'));
  });
});
