import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { engineReady, estimated, visitor, write } from './chromium.js';

const visit = visitor();
const kLong = 90_000;
const kText = '421211, 10.5 ms\n333333, 90 ms\n111111, 7.2 ms\n433444, 50.4 ms\n';

/** Ends the engine's thread as the browser does when memory runs out: without a word. */
async function killEngine(page: Page): Promise<void> {
  const [worker] = page.workers();
  await worker!.evaluate(() => self.close()).catch(() => undefined);
}

describe('the engine is killed', () => {
  test('in the middle of a transfer: it starts again, the transfer too, and nothing is lost', async () => {
    const page = await visit.open({ address: '#device=mine' });
    await engineReady(page);
    await page.fill('#name', 'kitchen board');
    await write(page, kText);
    await estimated(page, 4);
    await page.getByLabel('How to transfer').selectOption('finetune');
    await page.getByRole('button', { name: 'Transfer', exact: true }).click();
    await page.getByText(/epoch [1-9]/).waitFor();
    await killEngine(page);
    await page.getByText('The engine stopped and was started again').waitFor({ timeout: kLong });
    await page.locator('.headline').getByText('fine-tuned here').waitFor({ timeout: kLong });
    expect(await page.inputValue('#measurements textarea')).toBe(kText);
    expect(await page.inputValue('#name')).toBe('kitchen board');
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('while nothing is done: the next change is estimated, and the predictor can be saved again', async () => {
    const page = await visit.open();
    await engineReady(page);
    await estimated(page);
    const answer = await page.locator('.answer').innerText();
    await killEngine(page);
    await page.getByText('The engine stopped and was started again').waitFor({ timeout: kLong });
    await expect.poll(() => page.getByRole('button', { name: 'Save the predictor' }).isEnabled(), { timeout: kLong }).toBe(true);
    await expect.poll(() => page.locator('.answer').innerText(), { timeout: kLong }).toBe(answer);
    await page.selectOption('#device', 'nb201/mine');
    await write(page, kText);
    await estimated(page, 4);
  });

  test('again and again: it says so and stays down, and the text stays', async () => {
    const page = await visit.open({ address: '#device=mine' });
    await engineReady(page);
    await write(page, kText);
    for (let i = 0; i < 4; i++) {
      await engineReady(page);
      await killEngine(page);
      if (i < 3) await expect.poll(() => page.workers().length, { timeout: kLong }).toBe(1);
      await page.waitForTimeout(300);
    }
    const alert = page.getByRole('alert');
    await alert.waitFor({ timeout: kLong });
    expect(await alert.innerText()).toMatch(/engine did not start.*stopped 4 times within a minute/is);
    expect(await page.inputValue('#measurements textarea')).toBe(kText);
  });

  test('with a model open: it is read again', async () => {
    const page = await visit.open({ address: '#mode=model' });
    await engineReady(page);
    await page.locator('.kernel').nth(3).waitFor();
    await expect.poll(() => page.workers().length).toBe(1);
    await killEngine(page);
    await page.getByText('The engine stopped and was started again').waitFor({ timeout: kLong });
    await engineReady(page);
    await page.locator('.kernel').nth(3).waitFor();
    expect(await page.locator('.model-error').count()).toBe(0);
  });
});

describe('storage', () => {
  test('that is full is said once, and the work goes on', async () => {
    const page = await visit.open({
      address: '#device=mine',
      before: (each) =>
        each.addInitScript(() => {
          Storage.prototype.setItem = () => {
            throw new DOMException('full', 'QuotaExceededError');
          };
        }),
    });
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('its storage is full or blocked');
    await alert.getByRole('button', { name: 'Close' }).click();
    await engineReady(page);
    await write(page, kText);
    await estimated(page, 4);
    expect(await alert.count()).toBe(0);
  });

  test('that is blocked does not keep this browser from being measured', async () => {
    const page = await visit.open({
      address: '#device=browser',
      before: (each) =>
        each.addInitScript(() => {
          IDBFactory.prototype.open = () => {
            throw new DOMException('blocked', 'SecurityError');
          };
        }),
    });
    await engineReady(page);
    await page.getByRole('button', { name: 'Measure this browser' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor({ timeout: kLong });
    expect(await alert.innerText()).toContain('This browser keeps no run');
    await page.locator('.browser').getByText(/Measuring, round/).waitFor({ timeout: kLong });
  });

  test('is shared by two tabs: neither undoes what the other wrote', async () => {
    const first = await visit.open({ address: '#device=mine' });
    await engineReady(first);
    const second = await first.context().newPage();
    await second.goto(`${visit.address()}#space=fbnet&device=mine`);
    await engineReady(second);
    await write(first, kText);
    await second.fill('#measurements textarea', 'k3_e1');
    const stored = (): Promise<string> => first.evaluate(() => JSON.stringify({ ...localStorage }));
    await expect.poll(stored).toContain('k3_e1');
    await first.fill('#name', 'kitchen board');
    await expect.poll(stored).toContain('kitchen board');
    expect(await stored()).toContain('421211');
    // What the other tab writes arrives here.
    await second.selectOption('#space', 'nb201');
    await second.selectOption('#device', 'nb201/mine');
    await expect.poll(() => second.inputValue('#measurements textarea')).toBe(kText);
    await first.fill('#measurements textarea', `${kText}000000, 3 ms\n`);
    await expect.poll(() => second.inputValue('#measurements textarea')).toBe(`${kText}000000, 3 ms\n`);
    await second.reload();
    await expect.poll(() => second.inputValue('#measurements textarea')).toBe(`${kText}000000, 3 ms\n`);
  });
});

describe('what the page is made of', () => {
  test('a browser without SIMD is told which are new enough', async () => {
    const page = await visit.open({
      expectsErrors: true,
      before: (each) =>
        each.route(/assets\/worker-.*\.js$/, async (route) => {
          const response = await route.fetch();
          await route.fulfill({ response, body: `WebAssembly.validate = () => false;\n${await response.text()}` });
        }),
    });
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/cannot run WebAssembly with SIMD; expected Chrome 91, Firefox 89, Safari 16\.4 or newer/);
    await page.locator('.table-row').nth(5).waitFor();
  });

  test('weights that were cut short are refused by name, and come with another try', async () => {
    let cut = true;
    const page = await visit.open({
      address: '#device=mine',
      expectsErrors: true,
      before: (each) =>
        each.route(/weights\/nb201\.latencast$/, async (route) => {
          const response = await route.fetch();
          const body = await response.body();
          await route.fulfill({ response, body: cut ? body.subarray(0, body.length / 2) : body });
        }),
    });
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toContain('The weights of NAS-Bench-201 did not load');
    await page.fill('#measurements textarea', kText);
    cut = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await engineReady(page);
    expect(await page.inputValue('#measurements textarea')).toBe(kText);
    await estimated(page, 4);
  });

  test('over a slow line the example is there first, and what is typed meanwhile is used', async () => {
    const page = await visit.open({
      address: '#device=gold_6226',
      before: async (each) => {
        const session = await each.context().newCDPSession(each);
        await session.send('Network.enable');
        await session.send('Network.emulateNetworkConditions', { offline: false, latency: 40, downloadThroughput: 250e3, uploadThroughput: 250e3 });
      },
    });
    await page.locator('.table-row').first().waitFor();
    expect(await page.getByText('Engine: loading').isVisible()).toBe(true);
    await page.selectOption('#device', 'nb201/mine');
    await page.fill('#measurements textarea', kText);
    await page.getByText('Read as soon as the engine is ready').waitFor();
    await estimated(page, 4);
  });

  test('nothing moves where motion is not wanted', async () => {
    const page = await visit.open({ reducedMotion: 'reduce' });
    await engineReady(page);
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll('*')]
        .filter((element) => {
          const { animationName, transitionDuration, scrollBehavior } = getComputedStyle(element);
          return animationName !== 'none' || transitionDuration !== '0s' || scrollBehavior !== 'auto';
        })
        .map((element) => element.className),
    );
    expect(moving).toEqual([]);
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
});
