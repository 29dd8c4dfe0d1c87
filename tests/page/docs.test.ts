/** The documentation as built and served beside the page. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { LatencyPredictorElement } from '../../web/element/types.js';
import { visitor, type Visit } from './chromium.js';

const visit = visitor();
const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const open = (path: string, options: Visit = {}): Promise<Page> => visit.open({ ...options, address: `docs/${path}` });

async function ready(page: Page): Promise<void> {
  const element = page.locator('latency-predictor').first();
  await expect
    .poll(() => element.evaluate((each) => (each as LatencyPredictorElement).phase), { timeout: 60_000 })
    .toBe('ready');
}

test('the live element works on the first page, and nothing is asked of another host', async () => {
  const asked: string[] = [];
  const page = await open('', { before: async (each) => void each.on('request', (request) => asked.push(request.url())) });
  await ready(page);
  await page.locator('latency-predictor [part=latency]').waitFor();
  expect(asked.filter((url) => !url.startsWith(visit.address()) && !url.startsWith('data:'))).toEqual([]);
  expect(asked.filter((url) => url.endsWith('.latencast'))).toHaveLength(1);
});

test('figures compute: more measurements, better estimates; fine-tuning in the page', async () => {
  const page = await open('method/transfer.html');
  const fact = (figure: string): Promise<string> => page.locator(`${figure} dd`).first().innerText();
  await expect.poll(() => fact('figure-transfer'), { timeout: 60_000 }).toMatch(/^0\.\d{3}$/);
  const all = Number(await fact('figure-transfer'));
  expect(all).toBeGreaterThan(0.9);
  await page.locator('figure-transfer input').fill('1');
  await expect.poll(async () => Number(await fact('figure-transfer'))).toBeLessThan(all);

  await expect.poll(() => fact('figure-devices')).toMatch(/^0\.\d{3}$/);
  const device = await page.getByLabel('Up').inputValue();
  await page.getByLabel('Across').selectOption(device);
  await expect.poll(() => fact('figure-devices')).toBe('1.000');

  await page.getByRole('button', { name: 'Fine-tune' }).click();
  await expect.poll(() => fact('figure-network'), { timeout: 60_000 }).toMatch(/^0\.[89]\d\d$/);
});

test('the guide names every runtime that the kit has a script for, and the tables are those of the results', async () => {
  const page = await open('guide/measuring.html');
  for (const name of ['onnxruntime', 'litert', 'android', 'tensorrt', 'openvino', 'ncnn', 'pytorch']) {
    expect(await page.locator(`h3#${name}`).count(), name).toBe(1);
  }
  const results = readFileSync(new URL('../../docs/results.md', import.meta.url), 'utf8');
  const [task = '', ours = ''] = /^\| (OD) \| (\S+ ± \S+) \|/m.exec(results)!.slice(1);
  const accuracy = await open('reference/accuracy.html');
  await accuracy.locator('tr').filter({ hasText: task }).filter({ hasText: ours }).first().waitFor();
});

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test.each(['', 'method/transfer.html', 'guide/measuring.html', 'guide/embedding.html', 'reference/accuracy.html', 'api/latencast/element.html'])(
    '/%s: accessible, and nothing sticks out at 360 px',
    async (path) => {
      const page = await open(path, { colorScheme, viewport: { width: 360, height: 800 } });
      if (path === '' || path.includes('embedding')) await ready(page);
      else await page.locator('.vp-doc h1').waitFor();
      await page.addScriptTag({ content: kAxe });
      const found = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(context: string, options: object): Promise<AxeResults> } };
        const { violations } = await axe.run('main', {});
        return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
      });
      expect(found).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    },
  );
});
