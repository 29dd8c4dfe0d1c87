import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { download, engineReady, estimated, estimates, visitor, write } from './chromium.js';

const visit = visitor();
const kCells = 15625;

/** A table out of CSV without quotes: columns by name. */
function columns(file: Buffer): Record<string, string[]> {
  const [heading = '', ...lines] = file.toString('utf8').trim().split('\n');
  const rows = lines.map((line) => line.split(','));
  return Object.fromEntries(heading.split(',').map((name, i) => [name, rows.map((row) => row[i] ?? '')]));
}

/** The architecture under the pointer, once there is one. */
const title = (page: Page): Promise<string> => page.locator('.cell h2').innerText();

describe('filters', () => {
  test('act on the front, the answer and the chart, not on the table alone', async () => {
    const page = await visit.open({ address: '#tab=search' });
    await engineReady(page);
    await page.getByRole('tab', { name: 'Estimates' }).click();
    await page.getByLabel('conv 3×3').selectOption({ label: '0' });
    await page.getByText(/of 4,096 filtered are as fast/).waitFor();
    await page.getByRole('tab', { name: 'Search' }).click();
    const { arch = [] } = columns(await download(page, 'Download the front'));
    expect(arch.length).toBeGreaterThan(3);
    expect(arch.filter((digits) => digits.includes('3'))).toEqual([]);
    // A point that is left out cannot be picked: all that the pointer finds are without the operation.
    const box = (await page.locator('.chart .u-over').boundingBox())!;
    const found = new Set<string>();
    for (let i = 1; i < 12; i++) {
      await page.mouse.move(box.x + (box.width * i) / 12, box.y + box.height / 3);
      await page.waitForTimeout(50);
      found.add(await title(page));
    }
    const selected = await page.locator('.cell h2').innerText();
    found.delete(selected);
    expect([...found].filter((digits) => digits.includes('3') && !columnsOfMeasured.has(digits))).toEqual([]);
  });
});

/** The example's measured cells, which stay in the chart. */
const columnsOfMeasured = new Set(
  (JSON.parse(readFileSync(join(import.meta.dirname, '../../web/app/public/examples/nb201/raspi4.json'), 'utf8')) as { measurements: { architecture: string }[] }).measurements.map(
    ({ architecture }) => architecture,
  ),
);

test('on a phone the notebook waits for no other file, and chart and table are made when one comes to them', async () => {
  const page = await visit.open({
    viewport: { width: 360, height: 740 },
    before: (opening) => opening.route('**/examples/**', async (route) => {
      await expect.poll(() => opening.locator('#measurements textarea').inputValue()).toContain('000412, 7.706475 ms');
      await route.continue();
    }),
  });
  await estimated(page);
  const [plot, row] = [page.locator('.chart canvas'), page.locator('.table-row')];
  expect([await plot.count(), await row.count()]).toEqual([0, 0]);
  await page.locator('.overview').scrollIntoViewIfNeeded();
  await plot.first().waitFor();
  await page.locator('.panel').scrollIntoViewIfNeeded();
  await row.first().waitFor();
});

test('the steps say where one is, and lead there', async () => {
  const page = await visit.open({ address: '#device=mine' });
  await engineReady(page);
  const step = (name: string) => page.getByRole('navigation', { name: 'Steps' }).getByRole('button', { name });
  const current = (): Promise<string | null> => page.locator('.way [aria-current=step]').innerText();
  await expect.poll(current).toContain('Measure or paste');
  await step('Measure or paste').press('Enter');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toContain('Measurements, one per line');
  await write(page, '421211, 10.5 ms\n333333, 90 ms\n111111, 7.2 ms\n');
  await estimated(page, 3);
  await expect.poll(current).toContain('Search');
  await step('Search').click();
  await page.getByRole('tab', { name: 'Search', selected: true }).waitFor();
  const limit = page.getByLabel('Latency limit in milliseconds');
  await limit.fill('20');
  await limit.press('Enter');
  await expect.poll(current).toContain('Save or share');
  await step('Save or share').click();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('save-predictor');
  const boxes = await page.locator('.way li.done').count();
  expect(boxes).toBe(5);
});

describe('zoom', () => {
  test('by wheel, by buttons and by keyboard; drags move it, and it goes all the way out', async () => {
    const page = await visit.open();
    await engineReady(page);
    await estimated(page);
    const over = page.locator('.chart .u-over');
    const box = (await over.boundingBox())!;
    const plot = page.locator('.chart .plot');
    const at = [box.x + 0.25 * box.width, box.y + 0.25 * box.height] as const;
    await page.mouse.move(...at);
    await expect.poll(() => title(page)).not.toBe('421211');
    const before = await title(page);
    await page.mouse.wheel(0, -100);
    await expect.poll(() => plot.getAttribute('class')).toContain('zoomed');
    // What was near the pointer stays there.
    await page.mouse.move(at[0] + 1, at[1]);
    await page.mouse.move(...at);
    await expect.poll(() => title(page)).toBe(before);
    await page.mouse.wheel(0, -600);
    await page.mouse.move(at[0] + 1, at[1]);
    await expect.poll(() => title(page)).not.toBe(before);
    await page.mouse.move(...at);
    await page.waitForTimeout(200);
    const there = await title(page);
    // Dragged to the right, the same architecture is found there, and nothing was picked on the way.
    await page.mouse.down();
    await page.mouse.move(at[0] + 60, at[1] + 20, { steps: 5 });
    await page.mouse.up();
    await page.mouse.move(at[0] + 61, at[1] + 20);
    await page.mouse.move(at[0] + 60, at[1] + 20);
    await expect.poll(() => title(page)).toBe(there);
    expect(new URL(page.url()).hash).not.toContain('cell=');
    await page.getByRole('button', { name: 'Zoom all the way out' }).first().click();
    await expect.poll(() => plot.getAttribute('class')).not.toContain('zoomed');
    await page.getByRole('button', { name: 'Zoom in' }).first().focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => plot.getAttribute('class')).toContain('zoomed');
    await page.getByRole('button', { name: 'Zoom out' }).first().press('Enter');
    await expect.poll(() => plot.getAttribute('class')).not.toContain('zoomed');
  });
});

describe('to take away', () => {
  test('the chart as PNG and as SVG with every point', async () => {
    const page = await visit.open();
    await engineReady(page);
    await estimated(page);
    const png = await download(page, 'Save the chart as PNG');
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1920, 1200]);
    const svg = (await download(page, 'Save the chart as SVG')).toString('utf8');
    const read = await page.evaluate((text) => {
      const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
      const squares = [...parsed.querySelectorAll('path')].map((path) => path.getAttribute('d')?.match(/M[^M]*h4v4h-4z/g)?.length ?? 0);
      return {
        broken: parsed.querySelector('parsererror') !== null,
        title: parsed.querySelector('title')?.textContent,
        texts: [...parsed.querySelectorAll('text')].map((each) => each.textContent),
        squares,
      };
    }, svg.replaceAll('h2v2h-2z', 'h4v4h-4z'));
    expect(read.broken).toBe(false);
    expect(read.title).toContain('estimated latency in ms against accuracy on CIFAR-10');
    expect(read.texts).toEqual(expect.arrayContaining(['estimated latency, ms', 'Pareto front', '20', '90']));
    // All but the tenth below the axis, and whatever is drawn of the marks.
    const drawn = read.squares.reduce((sum, each) => sum + each, 0);
    expect(drawn).toBeGreaterThan(0.89 * kCells);
    expect(drawn).toBeLessThan(0.95 * kCells);
  });

  test('all estimates for NumPy: the same numbers as in the CSV', async () => {
    const page = await visit.open();
    await engineReady(page);
    await estimated(page);
    const latency_ms = await estimates(page);
    const files = unzipSync(new Uint8Array(await download(page, '.npz')));
    expect(Object.keys(files).sort()).toEqual(
      ['arch', 'arch_str', 'cifar10', 'high_ms', 'index', 'latency_ms', 'low_ms', 'macs', 'measured_ms', 'params'].map((name) => `${name}.npy`),
    );
    const numbers = (name: string): Float64Array => {
      const file = files[`${name}.npy`]!;
      return new Float64Array(file.slice(10 + file[8]! + 256 * file[9]!).buffer);
    };
    expect(numbers('latency_ms')).toHaveLength(kCells);
    numbers('latency_ms').forEach((value, i) => expect(Math.abs(value / latency_ms[i]! - 1)).toBeLessThan(1e-5));
    const [low, high] = [numbers('low_ms'), numbers('high_ms')];
    expect(numbers('latency_ms').every((value, i) => low[i]! < value && value < high[i]!)).toBe(true);
  });

  test('the answer in a line, with its link', async () => {
    const page = await visit.open({ address: '#under=12.5', permissions: ['clipboard-read', 'clipboard-write'] });
    await engineReady(page);
    await estimated(page);
    await page.getByRole('button', { name: 'Copy the result' }).click();
    await page.getByText('The result copied.').waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    expect(text).toMatch(/^Best under 12\.5 ms on Raspberry Pi 4: \|.*\|, [\d.]+ % accuracy on CIFAR-10, [\d.]+ ms \([\d.]+ – [\d.]+ with 90 %\); http.*#under=12\.5\n$/);
  });
});

describe('devices', () => {
  test('the most alike first, two of them against each other, and some architectures side by side', async () => {
    const page = await visit.open({ address: '#device=pixel3&tab=devices' });
    const list = page.getByRole('region', { name: 'Devices by likeness' });
    await expect.poll(() => list.locator('tbody tr').count(), { timeout: 90_000 }).toBe(33);
    await estimated(page);
    const lines = (await download(page, 'Save the list of devices as CSV')).toString('utf8').trim().split('\n').slice(1);
    const alike = lines.map((line) => Number(line.split(',').at(-2)));
    expect(alike).toEqual([...alike].sort((a, b) => b - a));
    expect(alike[0]).toBeGreaterThan(0.9);
    expect(alike.at(-1)).toBeLessThan(0.8);
    const first = await list.locator('tbody tr').first().getByRole('button').innerText();
    expect(lines[0]!.replaceAll('"', '').startsWith(first)).toBe(true);
    await page.getByRole('heading', { name: `Pixel 3 against ${first}` }).waitFor();

    await list.getByRole('button', { name: 'Xeon Silver 4210R' }).click();
    await page.getByRole('heading', { name: 'Pixel 3 against Xeon Silver 4210R' }).waitFor();
    await list.getByLabel('Xeon Silver 4210R beside the others').check();
    await expect.poll(() => new URL(page.url()).hash).toMatch(/with=silver_4210r&beside=.*silver_4210r/);
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
    const table = page.getByRole('region', { name: 'Architectures side by side' });
    await table.getByText('kept').waitFor();
    await expect.poll(() => table.getByRole('columnheader').allInnerTexts()).toEqual(expect.arrayContaining(['Xeon Silver 4210R, ms', 'Pixel 3, ms']));

    // A link shows the same.
    const linked = await visit.open({ address: new URL(page.url()).hash });
    await linked.getByRole('heading', { name: 'Pixel 3 against Xeon Silver 4210R' }).waitFor();
    await linked.getByRole('region', { name: 'Architectures side by side' }).getByText('kept').waitFor();
    await linked.getByRole('button', { name: 'Show Xeon Silver 4210R' }).click();
    await estimated(linked);
    await expect.poll(() => linked.inputValue('#device')).toBe('nb201/silver_4210r');
  });
});
