import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { engineReady, visitor, write } from './chromium.js';

const visit = visitor();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const kBadText = '421211, 10.5 ms\n13714, fast\n333333, 31.9 s\n111111, 7.23 ms\n433444, 50.4\n';

/** Spaces whose weights are shipped. */
const shipped = JSON.parse(readFileSync(join(import.meta.dirname, '../../weights/index.json'), 'utf8')) as Record<
  string,
  { file?: string }
>;

interface View {
  readonly name: string;
  readonly address: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

const kViews: readonly View[] = [
  { name: 'estimates', address: '' },
  { name: 'fit', address: '#tab=fit' },
  {
    name: 'devices',
    address: '#tab=devices&kept=7.12',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Galaxy S7' }).waitFor();
    },
  },
  {
    name: 'lookup',
    address: '#tab=lookup',
    prepare: async (page) => {
      await page.fill('#lookup-text textarea', '421211\nhello\n333333\n');
      await page.locator('#lookup-text .bad').first().waitFor();
    },
  },
  { name: 'nothing yet', address: '#device=mine' },
  { name: 'this browser', address: '#device=browser' },
  {
    name: 'this browser, being measured',
    address: '#device=browser',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Measure this browser' }).click();
      await page.locator('.browser').getByText(/Measuring, round/).waitFor();
    },
  },
  { name: 'search', address: '#tab=search&against=cifar100' },
  {
    name: 'what to measure',
    address: '#tab=measure',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Choose', exact: true }).click();
      await page.getByRole('region', { name: 'Architectures to measure' }).waitFor();
    },
  },
  ...(shipped['fbnet']?.file ? [{ name: 'FBNet', address: '#space=fbnet' }] : []),
  ...(shipped['ofa']?.file
    ? [
        { name: 'OFA, search', address: '#space=ofa&tab=search' },
        { name: 'OFA, nothing yet', address: '#space=ofa&device=mine' },
      ]
    : []),
  {
    name: 'own table, the example',
    address: '#space=table',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Show an example' }).click();
      // Where the parts stand below each other, rows are made for who comes to them.
      await page.locator('cell-table').scrollIntoViewIfNeeded();
      await page.locator('.table-row').first().waitFor();
    },
  },
  {
    name: 'own table, bad lines',
    address: '#space=table',
    prepare: async (page) => {
      await page.fill('#own-table-text textarea', 'name,layers,latency_ms:gpu\na,1,2\nb,two,3\nc,3\nd,4,-1\ne,5,6\n');
      await page.locator('#own-table-problems li').first().waitFor();
    },
  },
  { name: 'any model', address: '#mode=model' },
  {
    name: 'any model, types never timed',
    address: '#mode=model&on=tensorflow-v100',
    prepare: async (page) => {
      await page.locator('.untimed').waitFor({ timeout: 60_000 });
    },
  },
  { name: 'any model, this browser', address: '#mode=model&on=browser' },
  {
    name: 'any model, unknown operators and a kernel',
    address: '#mode=model&net=mobilenet_ssd&order=cost',
    prepare: async (page) => {
      await page.locator('.model-unknown').waitFor();
      await page.locator('.kernel').nth(3).click();
      await page.locator('.model-detail').waitFor();
    },
  },
  {
    name: 'any model, all platforms',
    address: '#mode=model&view=platforms',
    prepare: async (page) => {
      await page.locator('.platforms tbody tr').first().waitFor();
      await page.locator('.platforms input').first().check();
      await page.locator('.pinned li').first().waitFor();
    },
  },
  { name: 'any model, my device, nothing measured', address: '#mode=model&on=mine' },
  {
    name: 'any model, my device',
    address: '#mode=model&on=mine',
    prepare: async (page) => {
      await page.fill('#model-times textarea', 'resnet18, 41.2\nwobble, 3\n');
      await page.locator('.model-device .bad').first().waitFor();
    },
  },
  {
    name: 'any model, a broken file',
    address: '#mode=model',
    prepare: async (page) => {
      await page.locator('.drop-zone input').setInputFiles({ name: 'weights.pt', mimeType: '', buffer: Buffer.from('PK\x03\x04') });
      await page.locator('.model-error').waitFor();
    },
  },
  { name: 'bad lines', address: '#device=mine', prepare: (page) => write(page, kBadText) },
  {
    name: 'estimates left behind',
    address: '',
    prepare: async (page) => {
      await write(page, '421211, 10 ms\n');
      await page.locator('.outdated-note').waitFor();
    },
  },
];

const kThemes = ['light', 'dark'] as const;

/** Lets what follows a change of the screen be painted. */
async function painted(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Pixels by which the page is wider than the screen. */
async function over(page: Page, width: number): Promise<number> {
  await page.setViewportSize({ width, height: 800 });
  await painted(page);
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function violations(page: Page, colorScheme: (typeof kThemes)[number]): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme });
  await painted(page);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    const found = await checker.run();
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  });
}

// To open a view takes longer than to look at it: each is opened twice, on a wide screen and on a phone's.
describe.each(kViews)('$name', ({ address, prepare }) => {
  test('no accessibility violations, light and dark; nothing sticks out on a wide screen', async () => {
    const page = await visit.open({ address, colorScheme: kThemes[0], viewport: { width: 1440, height: 800 }, bypassCSP: true });
    await engineReady(page);
    await prepare?.(page);
    expect(await over(page, 1440)).toBe(0);
    await page.addScriptTag({ content: axe });
    const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = { violations: await violations(page, 'light'), paper: await paper() };
    const dark = { violations: await violations(page, 'dark'), paper: await paper() };
    expect([light.violations, dark.violations]).toEqual([[], []]);
    expect(dark.paper).not.toBe(light.paper);
  });

  test('nothing sticks out on a phone, nor when it is turned', async () => {
    const page = await visit.open({ address, viewport: { width: 360, height: 800 } });
    await engineReady(page);
    await prepare?.(page);
    expect({ upright: await over(page, 360), turned: await over(page, 768) }).toEqual({ upright: 0, turned: 0 });
  });
});

test.each([
  [1440, 900],
  [1280, 640],
  [360, 800],
])('%i x %i: however many problems there are, the parts of the rail stay apart', async (width, height) => {
  const page = await visit.open({ viewport: { width, height } });
  await engineReady(page);
  await write(page, 'arch;latency\n421211; 0.0123\n12, 0.020\n999999, 3\nabc 4\n333333; 98\n000000 -1\nx\ny\nz\n');
  const overlaps = await page.evaluate(() => {
    const blocks = [...document.querySelectorAll('.rail > *, .sheet > *, .problems > *, .transfer > *')];
    const clashes: string[] = [];
    for (const a of blocks) {
      for (const b of blocks) {
        if (a.contains(b) || b.contains(a) || !(a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
        const over = a.getBoundingClientRect().bottom - b.getBoundingClientRect().top;
        if (over > 0.5 && b.getBoundingClientRect().height > 0) clashes.push(`${a.className || a.tagName} over ${b.className || b.tagName}: ${over} px`);
      }
    }
    return clashes;
  });
  expect(overlaps).toEqual([]);
});

test('the theme button overrides the system and is remembered', async () => {
  const page = await visit.open({ colorScheme: 'light' });
  const paper = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole('button', { name: 'Theme: system' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  const dark = await paper();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
  expect(await paper()).toBe(dark);
});
