/** What index.html itself shows until the page's script has come. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { firstScreen } from '../../web/app/make-first.mjs';
import { engineReady, visitor } from './chromium.js';

const visit = visitor();
const kApp = join(import.meta.dirname, '../../web/app');

/** Holds back the page's script until told. */
async function holdScript(page: Page): Promise<() => void> {
  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  await page.route(/\/assets\/main-[^/]*\.js$/, async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test('first.html is what the page renders first; where it is not, node web/app/make-first.mjs', async () => {
  const page = await visit.open({ expectsErrors: true });
  expect(`${await firstScreen(page, visit.address())}\n`).toBe(readFileSync(join(kApp, 'first.html'), 'utf8'));
});

test.each([
  [412, 823],
  [1350, 940],
])('stands there before the script, cannot be typed into, and what follows moves nothing (%i px)', async (width, height) => {
  const page = await visit.open({ viewport: { width, height } });
  await page.addInitScript(() => {
    const moved = ((globalThis as { moved?: number[] }).moved = [] as number[]);
    new PerformanceObserver((list) => moved.push(...list.getEntries().map((entry) => (entry as PerformanceEntry & { value: number }).value))).observe({ type: 'layout-shift', buffered: true });
  });
  const release = await holdScript(page);
  await page.reload();
  expect(await page.locator('h1').innerText()).toContain('Measure 20. Know 15,625.');
  expect(await page.locator('.quality').isVisible()).toBe(true);
  const area = page.locator('#measurements textarea');
  expect(await area.inputValue()).toMatch(/^000412, 7\.706475 ms\n/);
  await area.focus();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
  const place = await area.boundingBox();
  release();
  await engineReady(page);
  await page.locator('.headline').getByText('refined by the network').waitFor();
  expect(await page.locator('h1').count()).toBe(1);
  expect(await area.boundingBox()).toEqual(place);
  expect(await page.evaluate(() => (globalThis as { moved?: number[] }).moved!.reduce((sum, each) => sum + each, 0))).toBeLessThan(0.005);
  await area.focus();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA');
});

test.each([
  ['an address of something else', '#space=ofa', {}],
  ['a draft', '', { 'sheets/nb201/raspi4': { text: '421211, 10.5 ms', unit: 'auto' } }],
  ['another method', '', { method: 'finetune' }],
  ['a theme', '', { theme: 'dark' }],
])('gives way at once to %s', async (_, address, stored) => {
  const page = await visit.open();
  await engineReady(page);
  // What the page itself writes when it is left must not come after it.
  await page.goto('about:blank');
  await page.addInitScript((items) => {
    try {
      for (const [name, value] of Object.entries(items)) localStorage.setItem(`latencast.notebook.3/${name}`, JSON.stringify(value));
    } catch {
      // about:blank has no storage.
    }
  }, stored);
  const release = await holdScript(page);
  await page.goto(visit.address() + address);
  expect(await page.locator('h1').count()).toBe(0);
  if ('theme' in stored) expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe('dark');
  release();
  await page.locator('h1').waitFor();
  if ('sheets/nb201/raspi4' in stored) await expect.poll(() => page.inputValue('#measurements textarea')).toBe('421211, 10.5 ms');
});

test('the key and the device that early.js looks for are those that are written', async () => {
  const page = await visit.open();
  await engineReady(page);
  await page.fill('#measurements textarea', '421211, 10.5 ms\n');
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.reload();
  expect(await page.evaluate(() => ({ ...document.documentElement.dataset }))).toMatchObject({ seen: '', theme: 'light' });
});
