import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../web/api/index.js';
import { withWeights } from '../bench/big-model.mjs';
import { download, engineReady, visitor } from './chromium.js';

const visit = visitor();
const kRoot = join(import.meta.dirname, '../..');
const golden = (name: string): string => join(kRoot, 'tests/golden/models', `${name}.onnx`);
const built = (name: string): Uint8Array => new Uint8Array(readFileSync(join(kRoot, 'build-wasm/wasm', `${name}.wasm`)));
/** Without a device, so that the runtime can be chosen. */
const kAddress = '#mode=model&on=none';
/** For what takes the engine seconds, on a machine that does other things too. */
const kLong = { timeout: 60_000 };

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
      address: '#mode=model',
      before: (each) =>
        each.route(/\.(wasm|latencast)$/, async (route) => {
          await held;
          await route.continue();
        }),
    });
    await shows(page, 'MobileNetV2');
    expect(await page.locator('.kernel').count()).toBe(66);
    expect(await page.locator('.answer').innerText()).toMatch(/^[\d.]+ ms \([\d.]+ – [\d.]+\) on Raspberry Pi 5/);
    expect(await page.locator('.pinned li').count()).toBe(4);
    expect(await page.getByText('Engine: loading').isVisible()).toBe(true);
    release();
    await engineReady(page);
    await platformsOf(page);
    await page.locator('#platform').selectOption('');
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
    expect(await page.locator('.headline').innerText()).toMatch(/4\.09 G multiply-adds, 25\.6 M parameters/);
    await page.locator('#platform').selectOption('');
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
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
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
    await expect.poll(() => alert.count()).toBe(0);
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
    await expect.poll(() => new URL(page.url()).hash).toBe('#mode=model&net=resnet18&order=cost&by=bytes&on=none');
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

interface KnownPlatform {
  readonly id: string;
  readonly title: string;
}

/** The platforms as the page offers them. */
async function platformsOf(page: Page): Promise<readonly KnownPlatform[]> {
  const options = page.locator('#platform optgroup option');
  await options.first().waitFor({ state: 'attached' });
  return options.evaluateAll((all) => (all as HTMLOptionElement[]).map(({ value, text }) => ({ id: value, title: text })));
}

/** Milliseconds of the headline: estimate, low, high. */
async function headline(page: Page): Promise<readonly number[]> {
  const text = await page.locator('.answer').innerText();
  const found = /^([\d.,]+) ms\s+\(([\d.,]+) – ([\d.,]+)\) on/.exec(text);
  if (!found) throw new Error(`no estimate in "${text}"`);
  return found.slice(1).map((number) => Number(number.replaceAll(',', '')));
}

describe('platforms', () => {
  test('a known one says milliseconds, kernel by kernel', async () => {
    const page = await visit.open({ address: '#mode=model&on=none' });
    await engineReady(page);
    const [first] = await platformsOf(page);
    expect(await page.locator('.answer').innerText()).toContain('multiply-adds');
    await page.locator('#platform').selectOption(first?.id ?? '');
    await page.locator('.total').waitFor();
    const [estimate = 0, low = 0, high = 0] = await headline(page);
    expect(low).toBeLessThan(estimate);
    expect(high).toBeGreaterThan(estimate);
    expect(await page.locator('.answer').innerText()).toContain(first?.title ?? '?');
    const costs = await page.locator('.kernel-cost').allInnerTexts();
    const sum = costs.reduce((total, text) => total + (Number.parseFloat(text) || 0), 0);
    expect(Math.abs(sum / estimate - 1)).toBeLessThan(0.02);
    // Its runtime is the platform's.
    expect(await page.locator('#family').count()).toBe(0);
  });

  test('all of them are compared, some side by side, and a link shows the same', async () => {
    const page = await visit.open({ address: '#mode=model&view=platforms' });
    await engineReady(page);
    const platforms = await platformsOf(page);
    const rows = page.locator('.platforms tbody tr');
    await expect.poll(() => rows.count(), kLong).toBe(platforms.length);
    // Those to compare with are asked first; what has been asked stands before what has not.
    const air = rows.filter({ hasText: 'MacBook Air' }).filter({ hasText: '1 thread' });
    await air.locator('td:nth-child(3)').getByText(/\d/).waitFor();
    const times = (await rows.locator('td:nth-child(3)').allInnerTexts()).map((text) => Number(text.replaceAll(',', '')) || Infinity);
    expect(times).toEqual([...times].sort((x, y) => x - y));
    // However long its name is, the number is in sight.
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const box = await rows.first().locator('td:nth-child(3)').boundingBox();
      expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThan(width);
    }
    await page.getByLabel('Find platforms').fill('macbook AIR');
    await expect.poll(() => rows.count()).toBe(platforms.filter(({ title }) => title.includes('MacBook Air')).length);
    const before = await page.locator('.pinned li').count();
    await air.getByRole('checkbox').uncheck();
    await expect.poll(() => page.locator('.pinned li').count()).toBe(before - 1);
    const title = await air.getByRole('button').innerText();
    await air.getByRole('button').click();
    await page.locator('.answer').getByText(title, { exact: true }).waitFor();
    await expect.poll(() => new URL(page.url()).hash).toContain('view=platforms');
    const shown = await page.locator('.answer').innerText();
    await page.reload();
    await page.locator('.total').waitFor();
    await expect.poll(() => page.locator('.answer').innerText(), kLong).toBe(shown);
    await page.getByLabel('Find platforms').fill('no such platform');
    await page.getByText('No platform fits.').waitFor();
  });

  test('a device of one’s own, from the models measured there', async () => {
    const page = await visit.open({ address: '#mode=model&on=mine' });
    await engineReady(page);
    await page.locator('.total').waitFor();
    const [, low = 0, high = 0] = await headline(page);
    // Of a device of which nothing is known no percentage would say anything.
    await page.locator('.model-device').getByText(/^a factor of \d+/).waitFor();
    const text = 'resnet18, 41.2\nsqueezenet, 14.1\nmobilenet, 21.8\ngooglenet, 48.3\nalexnet, 44.0\nwobble, 3\n';
    await page.fill('#model-times textarea', text);
    await page.locator('#model-problems').getByText('5 measurements, 1 line not understood').waitFor();
    const width = async (): Promise<number> => {
      const [, least = 0, most = 0] = await headline(page);
      return most / least;
    };
    await expect.poll(width, kLong).toBeLessThan(high / low);
    const problems = page.getByRole('list', { name: 'Lines that need attention' }).getByRole('listitem');
    expect(await problems.first().innerText()).toMatch(/^Line 6\s+"wobble" is neither/);
    await page.locator('.model-device').getByText('typical error').waitFor();
    await page.getByRole('button', { name: 'Add them' }).click(kLong);
    await expect.poll(() => page.inputValue('#model-times textarea')).toMatch(/wobble, 3\n(\S+, \n){3}$/);
    // What was typed is there the next time.
    const kept = await page.inputValue('#model-times textarea');
    await page.waitForTimeout(400);
    await page.reload();
    await page.locator('.total').waitFor();
    expect(await page.inputValue('#model-times textarea')).toBe(kept);
  });

  test('what the device is, where it is told, counts and is kept', async () => {
    const page = await visit.open({ address: '#mode=model&on=mine' });
    await engineReady(page);
    await page.locator('.total').waitFor();
    const text = 'resnet18, 41.2\nsqueezenet, 14.1\nmobilenet, 21.8\ngooglenet, 48.3\nalexnet, 44.0\n';
    const answer = (): Promise<string> => page.locator('.answer').innerText();
    const [, low = 0, high = 0] = await headline(page);
    await page.fill('#model-times textarea', text);
    const width = async (): Promise<number> => {
      const [, least = 0, most = 0] = await headline(page);
      return most / least;
    };
    await expect.poll(width, kLong).toBeLessThan(high / low);
    const untold = await answer();
    const [processor, threads] = [page.getByLabel('Processor', { exact: true }), page.getByLabel('Threads', { exact: true })];
    await processor.selectOption({ label: 'GPU' });
    // On how many threads it computes says nothing of a GPU.
    await threads.waitFor({ state: 'detached' });
    await expect.poll(answer, kLong).not.toBe(untold);
    const gpu = await answer();
    await processor.selectOption({ label: 'ARM, 64 bits' });
    await expect.poll(answer, kLong).not.toBe(gpu);
    const arm = await answer();
    await threads.fill('four');
    await page.getByRole('alert').getByText('"four" is no number of threads').waitFor();
    expect(await threads.getAttribute('aria-invalid')).toBe('true');
    await threads.fill('1');
    await expect.poll(answer, kLong).not.toBe(arm);
    const both = await answer();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.waitForTimeout(400);
    await page.reload();
    await expect.poll(answer, kLong).toBe(both);
    expect([await processor.inputValue(), await threads.inputValue()]).toEqual(['arm64', '1']);
    await processor.selectOption({ label: 'not told' });
    await threads.fill('');
    await expect.poll(answer, kLong).toBe(untold);
    // Where kernels were timed they say it.
    await page.fill('#model-times textarea', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms\nconv,1,56,56,64,64,3,3,1,1,2.5\n');
    await expect.poll(() => processor.count()).toBe(0);
    // What is told of the one is kept while the other is changed.
    const timed = page.getByLabel('Timed', { exact: true });
    await timed.selectOption('inside');
    await page.fill('#model-times textarea', text);
    await processor.selectOption({ label: 'x86' });
    await page.fill('#model-times textarea', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms\nconv,1,56,56,64,64,3,3,1,1,2.5\n');
    expect(await timed.inputValue()).toBe('inside');
  });

  test('a file of the user counts among the measured', async () => {
    const page = await visit.open({ address: '#mode=model&on=mine' });
    await engineReady(page);
    await choose(page, golden('squeezenet1_1'));
    await shows(page, 'squeezenet1_1.onnx');
    await page.fill('#model-times textarea', 'squeezenet1_1.onnx, 12.5 ms');
    await page.getByText('1 measurement', { exact: true }).waitFor();
    await page.locator('.headline').getByText('it was measured there').waitFor();
    const [estimate = 0] = await headline(page);
    expect(Math.abs(Math.log(estimate / 12.5))).toBeLessThan(Math.log(1.3));
  });

  test('a dropped list of measurements takes the place of the text, which can come back', async () => {
    const page = await visit.open({ address: '#mode=model&on=mine' });
    await engineReady(page);
    await page.fill('#model-times textarea', 'alexnet, 3');
    await drop(page, 'times.csv', new TextEncoder().encode('model,latency_ms\nresnet18,41.2\n'));
    await expect.poll(() => page.inputValue('#model-times textarea')).toContain('resnet18,41.2');
    await page.getByText('1 measurement', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Bring the earlier text back' }).click();
    await expect.poll(() => page.inputValue('#model-times textarea')).toBe('alexnet, 3');
  });

  test('without the platforms the work is still counted', async () => {
    const page = await visit.open({
      address: kAddress,
      expectsErrors: true,
      before: (each) => each.route(/fleet\.latencast$/, (route) => route.fulfill({ status: 404, body: '' })),
    });
    await engineReady(page);
    await page.getByText(/The platforms could not be loaded: .*404/).first().waitFor();
    await choose(page, golden('resnet18'));
    await shows(page, 'resnet18.onnx');
    expect(await page.locator('.answer').innerText()).toContain('1.81 G multiply-adds');
  });
});

/** An index of the pool whose probes are but a few, so that timing them takes seconds. */
function withProbes(index: string, keep: (key: string) => boolean): string {
  interface Entry {
    timings: Record<string, number>;
    probes?: { steps: string };
  }
  const found = JSON.parse(index) as { probes: string[]; platforms: Entry[] };
  const { probes } = found;
  for (const { timings, probes: own } of found.platforms) {
    const known = probes.filter((key) => (key.split(',')[0] ?? '') in timings);
    if (own) own.steps = (own.steps.match(/../g) ?? []).filter((_, i) => keep(known[i] ?? '')).join('');
  }
  found.probes = probes.filter(keep);
  for (const each of found.platforms) if (each.probes?.steps === '') delete each.probes;
  return JSON.stringify(found);
}

describe('platforms known by their kernels', () => {
  const kHeader = 'kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms';
  const kRows = [7, 14, 28, 56].flatMap((side) => [32, 64, 128].map((channels) => `conv,1,${side},${side},${channels},${channels},3,3,1,1,${side * side * channels * channels * 1e-6}`));

  test('one of them says milliseconds, and what was never timed there', async () => {
    const asked: string[] = [];
    const page = await visit.open({
      address: '#mode=model&on=tensorflow-v100',
      before: async (each) => void each.on('request', (request) => asked.push(new URL(request.url()).pathname)),
    });
    await engineReady(page);
    await page.locator('.answer').getByText('TensorFlow, NVIDIA V100').waitFor(kLong);
    await page.locator('.total').waitFor(kLong);
    expect(await page.locator('.untimed').innerText()).toMatch(/^Never timed there: depthwise conv\., .*\. [\d.]+ % of the estimate/);
    // Of the pool only what is asked for.
    expect(asked.filter((path) => path.includes('/weights/pool/')).map((path) => path.split('/').at(-1)).sort()).toEqual(['index.json', 'tensorflow-v100.latencast']);
    await page.getByRole('tab', { name: 'All platforms' }).click();
    await page.getByLabel('Find platforms').fill('tensorrt v100');
    const rows = page.locator('.platforms tbody tr');
    await expect.poll(() => rows.count()).toBe(3);
    await rows.first().getByRole('checkbox').check();
    await page.locator('.pinned li').filter({ hasText: 'TensorRT' }).getByText(/[\d.]+ ms/).waitFor(kLong);
  });

  test('a device of one’s own, from timings of kernels', async () => {
    const page = await visit.open({ address: '#mode=model&on=mine' });
    await engineReady(page);
    await page.fill('#model-times textarea', [kHeader, ...kRows, 'cow,1,7,7,8,8,3,3,1,1,2'].join('\n'));
    await page.locator('#model-problems').getByText('12 kernels timed, 1 line not understood').waitFor();
    await page.locator('.headline').getByText('from kernels that were timed there').waitFor(kLong);
    const [estimate = 0] = await headline(page);
    expect(estimate).toBeGreaterThan(1);
    await page.locator('.model-device').getByText(/Most like/).waitFor();
    const problems = page.getByRole('list', { name: 'Lines that need attention' }).getByRole('listitem');
    expect(await problems.first().innerText()).toMatch(/^Line 14\s+"cow" is no type of kernel/);
    // As they are listed, to take away.
    const svg = (await download(page, 'Save the chart as SVG')).toString('utf8');
    const drawn = await page.locator('.kernel-cost').allInnerTexts();
    expect(svg).toContain('<title>MobileNetV2 on your device: kernels in milliseconds, in order of execution</title>');
    expect(svg.match(/>[\d.]+ ms<\/text>/g)?.map((text) => text.slice(1, -7))).toEqual(drawn.filter((text) => text !== '–'));
    expect((await download(page, 'Save the chart as PNG')).subarray(1, 4).toString('latin1')).toBe('PNG');
    // With whole models beside them, which take half as long again as their kernels.
    await page.fill('#model-times textarea', [kHeader, ...kRows, `mobilenet_v2, ${1.5 * estimate}`, `mnasnet, ${1.5 * estimate}`, `mobilenet, ${2.7 * estimate}`].join('\n'));
    await page.getByText('12 kernels timed, and 3 whole models, which say how kernels add up.').waitFor();
    await page.locator('.headline').getByText('from kernels and whole models that were timed there').waitFor(kLong);
    await expect.poll(async () => (await headline(page))[0] ?? 0, kLong).toBeGreaterThan(1.3 * estimate);
    // The runtime is the user's to say.
    await page.getByLabel('Runtime', { exact: true }).selectOption('none');
    await page.locator('.kernel').nth(100).waitFor(kLong);
    // And so is how they were timed, which is kept: it says what they are held against, and as whose kernels the model is taken apart.
    const alike = (): Promise<string> => page.locator('.model-device').getByText(/Most like/).innerText();
    const alone = await alike();
    const timed = page.getByLabel('Timed', { exact: true });
    await timed.selectOption({ label: 'inside networks' });
    await expect.poll(alike, kLong).not.toBe(alone);
    const inside = await alike();
    await expect.poll(() => page.getByLabel('Runtime', { exact: true }).inputValue(), kLong).toBe('tflite');
    await page.locator('.kernel').nth(100).waitFor({ state: 'detached', ...kLong });
    await page.waitForTimeout(400);
    await page.reload();
    await expect.poll(alike, kLong).toBe(inside);
    expect(await timed.inputValue()).toBe('inside');
    await timed.selectOption({ label: 'each kernel as a model of its own' });
    await expect.poll(alike, kLong).toBe(alone);
    await page.fill('#model-times textarea', 'resnet18, 41.2');
    await page.getByText('1 measurement', { exact: true }).waitFor();
    await page.locator('.headline').getByText('it was measured on other platforms').waitFor(kLong);
  });

  /** Opens the page with so few kernels to time that it takes seconds. */
  function openWithFew(address: string): Promise<Page> {
    const index = readFileSync(join(kRoot, 'weights/pool/index.json'), 'utf8');
    const probes = new Set((JSON.parse(index) as { probes: string[] }).probes.filter((key) => /^conv,1,\d\d?,/.test(key)).slice(0, 9));
    return visit.open({
      address,
      before: (each) => each.route(/pool\/index\.json$/, (route) => route.fulfill({ contentType: 'application/json', body: withProbes(index, (key) => probes.has(key)) })),
    });
  }

  test('work by keyboard alone: a device, timings pasted, this browser timed and cancelled', async () => {
    const page = await openWithFew('#mode=model');
    await engineReady(page);
    await page.locator('.total').waitFor(kLong);
    const { keyboard } = page;
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.closest('[id]:not(textarea)')?.id ?? '');
    const text = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    const tabTo = async (wanted: string, what: () => Promise<string>, key = 'Tab'): Promise<void> => {
      for (let i = 0; i < 12 && (await what()) !== wanted; i++) await keyboard.press(key);
      expect(await what()).toBe(wanted);
    };
    await page.getByLabel('Model', { exact: true }).focus();
    await tabTo('platform', focused);
    await keyboard.type('my device');
    await page.locator('#model-times textarea').waitFor();
    await tabTo('model-times', focused);
    await keyboard.insertText([kHeader, ...kRows].join('\n'));
    await page.getByText('12 kernels timed').waitFor();
    await page.locator('.headline').getByText('from kernels that were timed there').waitFor(kLong);
    await tabTo('platform', focused, 'Shift+Tab');
    await keyboard.type('this browser');
    await page.getByText('14 MB').waitFor();
    await tabTo('browser-effort', focused);
    await tabTo('Time this browser’s kernels', text);
    await keyboard.press('Enter');
    await page.locator('.browser').getByRole('button', { name: 'Cancel' }).waitFor();
    // Where the button was that was pressed, or from there.
    await tabTo('Cancel', text);
    await keyboard.press('Enter');
    await page.locator('.browser').getByText(/of 12 kernels timed\. Nothing is timed twice\./).waitFor(kLong);
    await tabTo('Go on', text);
  });

  test('this browser, by its kernels: timed, cancelled, taken up again, and checked by running the model', async () => {
    const page = await openWithFew('#mode=model&on=browser');
    await engineReady(page);
    // A network with weights, as other tools write them.
    const engine = await createEngine({ kind: 'local', wasm: built('latencast'), modelsWasm: built('latencast-models') });
    const path = fileOf('small.onnx', await engine.exportOnnx('nb201', '421211'));
    engine.dispose();
    await page.getByText('14 MB').waitFor();
    await page.selectOption('#browser-effort', 'quick');
    await page.getByRole('button', { name: 'Time this browser’s kernels' }).click();
    const panel = page.locator('.browser');
    await panel.getByText(/Measuring, round/).waitFor({ timeout: 60_000 });
    await panel.getByRole('button', { name: 'Cancel' }).click();
    await panel.getByText(/of 12 kernels timed\. Nothing is timed twice\./).waitFor();
    await page.reload();
    await panel.getByRole('button', { name: 'Go on' }).click({ timeout: 30_000 });
    await page.locator('.headline').getByText('from kernels that were timed there').waitFor({ timeout: 90_000 });
    await panel.getByText(/Most like/).waitFor();
    await panel.getByText('Open an ONNX file with its weights').waitFor();
    expect(await page.locator('.answer').innerText()).toMatch(/on this browser$/);
    await choose(page, path);
    await shows(page, 'small.onnx');
    await panel.getByRole('button', { name: 'Check by running small.onnx' }).click();
    await panel.getByRole('heading', { name: 'Checked by running small.onnx' }).waitFor({ timeout: 90_000 });
    const facts = await panel.locator('.facts dd').allInnerTexts();
    expect(facts).toHaveLength(3);
    for (const text of facts.slice(0, 2)) expect(Number.parseFloat(text)).toBeGreaterThan(0);
    // Without the check a model is as good as never run.
    await page.getByLabel('Model', { exact: true }).selectOption('resnet18');
    await panel.getByText('Open an ONNX file with its weights').waitFor();
  });
});
