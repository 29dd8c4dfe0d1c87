/** Measuring this browser, with the real runtime and few networks. */

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Run } from '../../web/app/measure/run.js';
import { engineReady, estimated, fact, visitor } from './chromium.js';

const visit = visitor();

/** As few and as short as the page offers. */
async function settle(page: Page): Promise<void> {
  await engineReady(page);
  await page.selectOption('#browser-count', '5');
  await page.selectOption('#browser-effort', 'quick');
}

/** Networks are really run, on a machine that does other things too. */
const kLong = 90_000;

const kAddress = '#device=browser';

const press = (page: Page, name: string): Promise<void> => page.locator('.browser').getByRole('button', { name, exact: true }).click();

/** What the browser keeps of the run. */
function stored(page: Page): Promise<Run | undefined> {
  return page.evaluate(
    () =>
      new Promise<Run | undefined>((done) => {
        const opening = indexedDB.open('latencast');
        opening.onsuccess = () => {
          const get = opening.result.transaction('browser-runs-1').objectStore('browser-runs-1').get('nb201');
          get.onsuccess = () => {
            opening.result.close();
            done(get.result as Run | undefined);
          };
        };
      }),
  );
}

const readings = (run: Run | undefined): number[] => run?.measured.rounds.flat().filter((ms) => !Number.isNaN(ms)) ?? [];

test('one button: networks are run, estimates follow, and networks not seen before prove them', async () => {
  const asked: string[] = [];
  const page = await visit.open({
    before: async (each) => void each.on('request', (request) => asked.push(request.url())),
  });
  // With an example on screen everything but the runtime is here.
  await page.locator('.u-over').first().waitFor();
  await page.selectOption('#device', 'nb201/browser');
  await settle(page);
  const isRuntime = (url: string): boolean => /ort[-.]/.test(url);
  expect(asked.filter(isRuntime)).toEqual([]);
  await press(page, 'Measure this browser');
  await page.locator('.browser').getByText(/Measuring, round/).waitFor();
  expect(asked.filter((url) => url.endsWith('.wasm') && isRuntime(url))).toHaveLength(1);
  // Everything it needs is here now.
  asked.length = 0;
  await page.context().setOffline(true);
  // In closed form while networks run; what takes seconds waits until none does.
  await page.locator('.headline').getByText('estimated here from 5 measurements').waitFor({ timeout: kLong });
  expect(await page.locator('.headline').innerText()).not.toContain('refined');
  await page.getByText('Proof: 10 networks it had not seen').waitFor({ timeout: kLong });
  await estimated(page, 5);
  expect(asked).toEqual([]);

  const lines = (await page.inputValue('#measurements textarea')).trim().split('\n').slice(1);
  expect(lines).toHaveLength(5);
  const run = await stored(page);
  for (const line of lines) {
    const [, architecture = '', ms] = /^([^,]+),([^ ]+)(?: ± [^ ]+ %)?$/.exec(line) ?? [];
    const which = run!.measured.architectures.indexOf(architecture);
    const measured = run!.measured.rounds.map((round) => round[which]!);
    expect(Number(ms)).toBeGreaterThanOrEqual(0.5 * Math.min(...measured));
    expect(Number(ms)).toBeLessThanOrEqual(Math.max(...measured));
  }
  expect(run!.measured.rounds.length).toBeGreaterThanOrEqual(3);
  // Networks differ by more than a factor of ten; whatever else runs on the machine, that shows.
  expect(await fact(page, '.browser', 'rank correlation')).toBeGreaterThan(0.5);
  await page.getByText('Predicted against measured').click();
  expect(await page.locator('.browser .list tbody tr').count()).toBe(10);
  expect(await page.locator('#sheet-problems').innerText()).toContain('5 measurements');

  // It is there again the next time, without the runtime.
  await page.context().setOffline(false);
  await page.reload();
  await page.getByText('Proof: 10 networks it had not seen').waitFor();
  expect(asked.filter(isRuntime)).toEqual([]);
});

test('a tab closed in the middle goes on where it was, and measures nothing twice', async () => {
  const page = await visit.open({ address: kAddress });
  await settle(page);
  await press(page, 'Measure this browser');
  await expect.poll(async () => readings(await stored(page)).length, { timeout: kLong, interval: 50 }).toBeGreaterThan(6);
  const context = page.context();
  await page.close();

  const again = await context.newPage();
  await again.goto(visit.address() + kAddress);
  const before = await stored(again);
  const known = readings(before).length;
  expect(known).toBeGreaterThan(6);
  expect(known).toBeLessThan(15);
  await again.locator('.browser').getByText(/(Measuring|Proving).*, round \d/).waitFor();
  await expect.poll(async () => readings(await stored(again)).length, { timeout: kLong, interval: 50 }).toBeGreaterThan(known);
  const after = await stored(again);
  expect(readings(after).slice(0, known - (known % 5))).toEqual(readings(before).slice(0, known - (known % 5)));
  before!.measured.rounds.forEach((round, i) =>
    round.forEach((ms, network) => {
      if (!Number.isNaN(ms)) expect(after!.measured.rounds[i]![network]).toBe(ms);
    }),
  );
  expect(after!.measured.architectures).toEqual(before!.measured.architectures);
});

test('Cancel stops it at once and keeps what there is; Go on goes on; another tab does not measure meanwhile', async () => {
  const page = await visit.open({ address: kAddress });
  await settle(page);
  await press(page, 'Measure this browser');
  await expect.poll(async () => readings(await stored(page)).length, { timeout: kLong, interval: 50 }).toBeGreaterThan(2);
  const other = await page.context().newPage();
  await other.goto(visit.address() + kAddress);
  await engineReady(other);
  await other.locator('.browser').getByText('another tab is measuring').waitFor();
  await other.close();

  await press(page, 'Cancel');
  await page.locator('.browser').getByText('Nothing is measured twice').waitFor();
  const known = readings(await stored(page)).length;
  await page.waitForTimeout(500);
  expect(readings(await stored(page))).toHaveLength(known);
  // Cancelled on purpose, so it does not go on by itself.
  await page.reload();
  await engineReady(page);
  await page.locator('.browser').getByText('Nothing is measured twice').waitFor();
  await press(page, 'Go on');
  await expect.poll(async () => readings(await stored(page)).length, { timeout: kLong, interval: 50 }).toBeGreaterThan(known);
});
