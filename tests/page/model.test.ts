import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withWeights } from '../bench/big-model.mjs';
import { download, engineReady, visitor } from './chromium.js';

const visit = visitor();
const kRoot = join(import.meta.dirname, '../..');
const golden = (name: string): string => join(kRoot, 'tests/golden/models', `${name}.onnx`);
const kAddress = '#mode=model';

/** Kernels that the golden listing has of a network under ONNX Runtime. */
const listing = (name: string): readonly string[] =>
  readFileSync(join(kRoot, 'tests/golden/models', `${name}.txt`), 'utf8').trim().split('\n');

const kUnknown = {
  inputs: { image: [null, 3, null, null] },
  nodes: [{ op: 'Conv', channels: 8, kernel: 3 }, { op: 'Wobble' }, { op: 'GlobalAveragePool' }, { op: 'Gemm', channels: 10 }],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'latencast-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Chooses a file as a model. */
async function choose(page: Page, path: string): Promise<void> {
  await page.locator('.drop-zone input').setInputFiles(path);
}

/** Waits until a model is shown. */
async function shows(page: Page, name: string): Promise<void> {
  await page.locator('.headline b').first().getByText(name, { exact: true }).waitFor();
}

/** Drops a file somewhere on the page. */
async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(
    ([called, content]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(content)], called));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    },
    [name, [...bytes]] as const,
  );
}

describe('any model', () => {
  test('an example is on screen before the engine has arrived', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((done) => (release = done));
    const page = await visit.open({
      address: kAddress,
      before: (each) =>
        each.route(/\.wasm$/, async (route) => {
          await held;
          await route.continue();
        }),
    });
    await shows(page, 'MobileNetV2');
    expect(await page.locator('.kernel').count()).toBe(66);
    expect(await page.locator('.answer').innerText()).toContain('314 M multiply-adds');
    expect(await page.getByText('Engine: loading').isVisible()).toBe(true);
    release();
    await engineReady(page);
    await page.getByLabel('Runtime', { exact: true }).selectOption('none');
    // Activations and additions are kernels of their own now.
    await page.locator('.kernel').nth(100).waitFor();
  });

  test('an ONNX file dropped on the other mode', async () => {
    const page = await visit.open();
    await engineReady(page);
    await drop(page, 'resnet50.onnx', readFileSync(golden('resnet50')));
    await shows(page, 'resnet50.onnx');
    expect(await page.getByRole('button', { name: 'Any model' }).getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('.answer').innerText()).toMatch(/4\.09 G multiply-adds, 25\.6 M parameters/);
    await page.getByLabel('Runtime', { exact: true }).selectOption('onnxruntime');
    const kernels = listing('resnet50').length;
    await page.locator('.headline').getByText(`in ${kernels} kernels`).waitFor();
    expect(await page.locator('.kernel').count()).toBe(kernels);
    // The space is where it was.
    await page.getByRole('button', { name: 'Search space' }).click();
    await page.locator('.table-row').first().waitFor();
  });

  test('the file holds every kernel', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await choose(page, golden('squeezenet1_1'));
    await shows(page, 'squeezenet1_1.onnx');
    await page.getByLabel('Runtime', { exact: true }).selectOption('onnxruntime');
    const kernels = listing('squeezenet1_1');
    await page.locator('.headline').getByText(`in ${kernels.length} kernels`).waitFor();
    const [header = '', ...lines] = (await download(page, 'Download CSV')).toString('utf8').trim().split('\n');
    const macs = header.split(',').indexOf('macs');
    expect(lines.map((line) => line.split(',')[macs])).toEqual(kernels.map((line) => line.split(' ')[1]));
  });

  test('open lengths are assumed and can be changed; bad ones are said and kept', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await choose(page, fileOf('open.json', JSON.stringify(kUnknown)));
    await shows(page, 'open.json');
    const field = page.getByLabel('image', { exact: true });
    expect(await field.inputValue()).toBe('1x3x224x224');
    expect(await page.getByText('The file says ?x3x?x?; the rest is assumed.').isVisible()).toBe(true);
    const before = await page.locator('.answer').innerText();
    await field.fill('1x3xwide');
    await page.getByRole('alert').getByText('"1x3xwide" is no list of lengths').waitFor();
    expect(await field.inputValue()).toBe('1x3xwide');
    expect(await page.locator('.answer').innerText()).toBe(before);
    await field.fill('2, 3, 32, 32');
    await page.locator('.answer').getByText('389 k').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await field.inputValue()).toBe('2, 3, 32, 32');
  });

  test('unknown operators are named with their share', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await choose(page, fileOf('unknown.json', JSON.stringify(kUnknown)));
    const region = page.getByRole('region', { name: /Unknown operators: \d/ });
    await region.waitFor();
    expect(await region.getByRole('listitem').innerText()).toMatch(/^Wobble, 1 times: \d+\.\d %/);
  });

  test('a broken file says what it is, and what was shown stays', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await choose(page, fileOf('weights.pt', 'PK\x03\x04 something'));
    const alert = page.getByRole('alert');
    await alert.getByText('weights.pt could not be read.').waitFor();
    expect(await alert.innerText()).toMatch(/A zip archive, as PyTorch saves a model found; .*export/);
    expect(await page.locator('.kernel').count()).toBe(66);
    await alert.getByRole('button', { name: 'Close' }).click();
    expect(await alert.count()).toBe(0);
  });

  test('with the keyboard alone', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await page.getByRole('listbox', { name: 'Kernels' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: /^Kernel 2:/ }).waitFor();
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: /^Kernel 66:/ }).waitFor();
    const active = await page.getByRole('listbox').getAttribute('aria-activedescendant');
    expect(await page.locator(`#${active}`).getAttribute('aria-selected')).toBe('true');
    // The file field stands behind its label; it is reached like any other.
    await page.getByLabel('Model', { exact: true }).focus();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).type)).toBe('file');
  });

  test('a link shows what was shown', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await page.getByLabel('Model', { exact: true }).selectOption('resnet18');
    await shows(page, 'ResNet-18');
    await page.getByLabel('Order of the kernels').selectOption('cost');
    await page.getByLabel('What the bars stand for').selectOption('bytes');
    await expect.poll(() => new URL(page.url()).hash).toBe('#mode=model&net=resnet18&order=cost&by=bytes');
    const first = await page.locator('.kernel').first().innerText();
    await page.reload();
    await shows(page, 'ResNet-18');
    expect(await page.locator('.kernel').first().innerText()).toBe(first);
  });

  test('works offline once it is loaded, and asks for nothing', async () => {
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await page.locator('#family option').nth(3).waitFor({ state: 'attached' });
    await page.context().setOffline(true);
    await choose(page, golden('vit_tiny'));
    await shows(page, 'vit_tiny.onnx');
    await page.getByLabel('Model', { exact: true }).selectOption('resnet18');
    await shows(page, 'ResNet-18');
  });

  test('100 MB of ONNX do not hold the page up', async () => {
    const { parts } = withWeights(readFileSync(golden('resnet50')));
    const path = fileOf('big.onnx', Buffer.concat(parts));
    const page = await visit.open({ address: kAddress });
    await engineReady(page);
    await page.locator('#family option').nth(3).waitFor({ state: 'attached' });
    // The longest time in which the page could do nothing else.
    await page.evaluate(() => {
      const seen = globalThis as unknown as { longest: number };
      let last = performance.now();
      seen.longest = 0;
      setInterval(() => {
        const now = performance.now();
        seen.longest = Math.max(seen.longest, now - last);
        last = now;
      }, 5);
    });
    const start = performance.now();
    await choose(page, path);
    await shows(page, 'big.onnx');
    // Two seconds on a quiet machine; this one may be busy.
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(await page.evaluate(() => (globalThis as unknown as { longest: number }).longest)).toBeLessThan(1000);
    expect(await page.locator('.answer').innerText()).toContain('25.6 M parameters');
  });
});
