import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { download, engineReady, fact, visitor, write } from './chromium.js';

const visit = visitor();
/** For an engine that has to notice that it is gone, on a machine that does other things too. */
const kLong = 90_000;
const kFolder = join(import.meta.dirname, '../../web/app/public/examples/table');

/** Thirty networks of some layers and an activation, measured on a GPU. */
const kTable = [
  'name,layers,activation,accuracy,latency_ms:gpu',
  ...Array.from({ length: 30 }, (_, i) => {
    const [layers, gelu] = [2 + ((7 * i) % 15), i % 3 === 0];
    return `net-${i + 1},${layers},${gelu ? 'gelu' : 'relu'},${60 + layers},${(0.4 + 0.1 * layers * (gelu ? 1.5 : 1)).toFixed(3)}`;
  }),
  '',
].join('\n');

/** Of a device that is three times as slow. */
const kMeasured = kTable
  .split('\n')
  .slice(1, 13)
  .map((line) => line.split(','))
  .map(([name, , , , ms]) => `${name}, ${(3 * Number(ms)).toFixed(3)} ms`)
  .join('\n');

async function openTable(page: Page, text = kTable): Promise<void> {
  await engineReady(page);
  await page.fill('#own-table-text textarea', text);
}

async function openExample(page: Page): Promise<void> {
  await engineReady(page);
  await page.getByRole('button', { name: 'Show an example' }).click();
  await page.locator('.headline').getByText('estimated here from 20 measurements').waitFor();
}

function readAs(page: Page, heading: string) {
  return page.locator('.own-table tbody tr').filter({ has: page.getByText(heading, { exact: true }) }).locator('td:last-child');
}

describe('a table of one’s own', () => {
  test('is chosen as a space, and says what it needs', async () => {
    const page = await visit.open();
    await engineReady(page);
    await page.getByLabel('Space', { exact: true }).selectOption('Your own table');
    await page.getByRole('heading', { name: 'Your own search space' }).waitFor();
    // The first step is to have one.
    await page.getByRole('navigation', { name: 'Steps' }).locator('[aria-current="step"]').getByText('Space').click();
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^Table: /);
    expect(new URL(page.url()).hash).toBe('#space=table');
    expect(await page.getByRole('button', { name: 'Measure this browser' }).count()).toBe(0);
  });

  test('pasted, with measurements: estimates, what to measure, and the best within a limit', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openTable(page);
    // Its own panel goes as soon as there is something to measure.
    await page.getByRole('heading', { name: 'Estimates for my device will stand here' }).waitFor();
    await write(page, kMeasured);
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
    await expect.poll(() => page.getByRole('tab').allInnerTexts()).toEqual(['Estimates', 'Fit', 'Lookup', 'Search', 'What to measure', 'Table']);
    expect(await page.getByLabel('Vertical axis').locator('option').allInnerTexts()).toEqual(['accuracy', 'layers']);
    expect(await fact(page, '.quality', 'rank correlation')).toBeGreaterThan(0.9);
    const csv = (await download(page, 'Download CSV')).toString('utf8').trim().split('\n');
    expect(csv[0]).toBe('name,latency_ms,low_ms,high_ms,measured_ms,accuracy');
    expect(csv).toHaveLength(31);
    for (const [i, line] of csv.slice(1).entries()) {
      const [name, ms, low, high] = line.split(',');
      const truth = 3 * Number(kTable.split('\n')[i + 1]?.split(',').at(-1));
      expect(name).toBe(`net-${i + 1}`);
      expect(Math.abs(Number(ms) / truth - 1)).toBeLessThan(0.25);
      expect(Number(low)).toBeLessThan(Number(high));
    }
    await page.getByLabel('Latency limit in milliseconds').fill('4');
    await page.getByLabel('Latency limit in milliseconds').press('Enter');
    await expect.poll(() => page.locator('.answer').innerText()).toMatch(/\d+ accuracy, [23]\.\d+ ms/);
    await page.getByRole('tab', { name: 'Search' }).click();
    await page.getByText('Every row of your table was compared').waitFor();
    await page.getByRole('tab', { name: 'What to measure' }).click();
    await page.getByRole('button', { name: 'Choose', exact: true }).click();
    await page.getByRole('region', { name: 'Architectures to measure' }).waitFor();
    expect(await page.getByRole('button', { name: 'Download a kit' }).count()).toBe(0);
    expect(await page.locator('.next li').first().innerText()).toMatch(/^net-\d+$/);
    expect(await page.getByRole('button', { name: 'Keep', exact: true }).count()).toBe(0);
    await page.locator('.next').getByRole('button', { name: 'Add them to my notebook' }).click();
    await expect.poll(() => page.locator('#sheet-problems').innerText()).toMatch(/5 still to measure/);
  });

  test('how a column is read can be changed, and the estimates follow', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openTable(page);
    await write(page, kMeasured);
    await page.locator('.headline').waitFor();
    await page.getByRole('tab', { name: 'Table', exact: true }).click();
    await expect.poll(() => readAs(page, 'layers').innerText()).toBe('numbers, 2.00 to 16.0');
    expect(await readAs(page, 'activation').innerText()).toBe('words, 2 different');
    expect(await readAs(page, 'accuracy').innerText()).toBe('numbers, larger is better, 62.0 to 76.0');
    expect(await readAs(page, 'latency_ms:gpu').innerText()).toBe('known device, 30 measured');
    await page.locator('.quality').getByText('Most like gpu').waitFor();
    await page.getByLabel('What latency_ms:gpu is').selectOption('ignore');
    await expect.poll(() => readAs(page, 'latency_ms:gpu').innerText()).toBe('not used');
    await expect.poll(() => page.locator('.quality').innerText()).not.toContain('gpu');
    expect(await page.locator('#measurements textarea').inputValue()).toContain('net-1, ');
  });

  test('bad lines are named beside them, and the table as it was stays', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openTable(page, 'name,layers,latency_ms:gpu\na,1,2\nb,two,3\nc,3\na,4,-1\nd,5,6\n');
    const problems = page.locator('#own-table-problems');
    await problems.getByText('4 problems').waitFor();
    const items = await problems.getByRole('listitem').allInnerTexts();
    expect(items.map((text) => text.replace(/\s+/g, ' '))).toEqual([
      'Line 3 Column layers: found "two"; expected a number as in most rows, or a column to be ignored.',
      'Line 4 Found 2 fields; expected 3.',
      'Line 5 Column name: found the name "a" of line 2 again; expected another for each row.',
      'Line 5 Column latency_ms:gpu: found -1; expected a finite, positive number or nothing.',
    ]);
    expect(await page.locator('#own-table-text .editor-numbers .bad').allInnerTexts()).toEqual(['3', '4', '5']);
    expect(await readAs(page, 'layers').innerText()).toBe('not understood');
    await problems.getByRole('button', { name: 'Line 4' }).click();
    const selected = await page.locator('#own-table-text textarea').evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd));
    expect(selected).toBe('c,3');
    await page.fill('#own-table-text textarea', kTable);
    await write(page, kMeasured);
    await page.locator('.headline').waitFor();
    await page.getByRole('tab', { name: 'Table', exact: true }).click();
    await page.fill('#own-table-text textarea', `${kTable}net-31\n`);
    await problems.getByText('The estimates are of the table as it was').waitFor();
    expect(await page.locator('.headline').innerText()).toContain('estimated here from 12 measurements');
  });

  test('a dropped file takes the place of the table, and the earlier one comes back', async () => {
    const page = await visit.open({ address: '#space=table' });
    await engineReady(page);
    const drop = (name: string, text: string): Promise<void> =>
      page.evaluate(
        ([file, content]) => {
          const data = new DataTransfer();
          data.items.add(new File([content], file));
          document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
        },
        [name, text] as const,
      );
    await drop('mine.csv', kTable);
    await page.getByRole('heading', { name: 'Estimates for my device will stand here' }).waitFor();
    // A table is there, so that the next file holds measurements; under its tab it is a table again.
    await drop('measured.csv', kMeasured.replaceAll(' ms', ''));
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
    await page.getByRole('tab', { name: 'Table', exact: true }).click();
    await drop('other.csv', 'name,width\nx,1\ny,2\nz,3\n');
    await page.locator('#own-table-problems').getByText('3 rows, 2 columns').waitFor();
    await page.locator('.own-table').getByText('Read from other.csv').waitFor();
    // The measurements are of rows that are gone: nothing is thrown away, every line says so.
    await expect.poll(() => page.locator('#sheet-problems').innerText()).toMatch(/12 lines not understood/);
    await page.getByRole('tab', { name: 'Table', exact: true }).click();
    await page.getByRole('button', { name: 'Bring the earlier table back' }).click();
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
  });

  test('the example: Transformers on a Raspberry Pi, from a TITAN Xp and a Xeon', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openExample(page);
    const truth = new Map(
      readFileSync(join(kFolder, 'transformers.csv'), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(','))
        .flatMap((cells): [string, number][] => (cells.at(-1) ? [[cells[0]!, Number(cells.at(-1))]] : [])),
    );
    const lines = (await download(page, 'Download CSV')).toString('utf8').trim().split('\n').slice(1);
    const errors = lines.flatMap((line) => {
      const [name = '', ms] = line.split(',');
      const known = truth.get(name);
      return known === undefined ? [] : [Math.abs(Number(ms) / known - 1)];
    });
    expect(errors).toHaveLength(250);
    expect(errors.sort((a, b) => a - b)[125]).toBeLessThan(0.1);
    // The first reading of the file was taken while the device was hot.
    await page.locator('#sheet-problems').getByText('Set aside: it does not count').waitFor();
  });

  test('everything outlives a reload, and a link holds what is looked at', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openTable(page);
    await write(page, kMeasured);
    await page.locator('.headline').waitFor();
    await page.getByRole('tab', { name: 'Table', exact: true }).click();
    await page.getByLabel('What accuracy is').selectOption('describes it');
    await expect.poll(() => readAs(page, 'accuracy').innerText()).toBe('numbers, 62.0 to 76.0');
    await page.getByLabel('Vertical axis').selectOption('layers');
    await expect.poll(() => new URL(page.url()).hash).toBe('#space=table&tab=table&against=column%3Alayers');
    // Stored a moment after it was written.
    await expect
      .poll(() =>
        page.evaluate(
          () =>
            new Promise<string>((done) => {
              const request = indexedDB.open('latencast-tables');
              request.onsuccess = () => {
                const kept = request.result.transaction('tables-1').objectStore('tables-1').get('mine');
                kept.onsuccess = () => {
                  request.result.close();
                  done(JSON.stringify((kept.result as { roles: object } | undefined)?.roles));
                };
              };
            }),
        ),
      )
      .toBe('{"accuracy":"describes"}');
    await page.reload();
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
    expect(await page.locator('#own-table-text textarea').inputValue()).toBe(kTable);
    expect(await readAs(page, 'accuracy').innerText()).toBe('numbers, 62.0 to 76.0');
    expect(await page.getByLabel('Vertical axis').inputValue()).toBe('column:layers');
  });

  test('an engine that is killed is started again, with the table', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openTable(page);
    await write(page, kMeasured);
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
    const [worker] = page.workers();
    await worker!.evaluate(() => self.close()).catch(() => undefined);
    await page.getByText('The engine stopped and was started again').waitFor({ timeout: kLong });
    await page.fill('#measurements textarea', kMeasured.split('\n').slice(0, 8).join('\n'));
    await page.locator('.headline').getByText('estimated here from 8 measurements').waitFor({ timeout: kLong });
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('where nothing can be stored it works all the same', async () => {
    const page = await visit.open({
      address: '#space=table',
      before: (each) =>
        each.addInitScript(() => {
          IDBFactory.prototype.open = () => {
            throw new DOMException('blocked', 'SecurityError');
          };
        }),
    });
    await openTable(page);
    await write(page, kMeasured);
    await page.locator('.headline').getByText('estimated here from 12 measurements').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('works by keyboard alone', async () => {
    const page = await visit.open({ address: '#space=table' });
    await openExample(page);
    await page.getByRole('tab', { name: 'Estimates' }).focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: 'Table', exact: true, selected: true }).waitFor();
    const reached = async (label: string): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        if (await page.evaluate((name) => document.activeElement?.getAttribute('aria-label') === name, label)) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`${label} is not reached by Tab`);
    };
    await reached('Table: comma-separated values with a heading line');
    await reached('What cross_layers is');
    await page.keyboard.press('End');
    await expect.poll(() => readAs(page, 'cross_layers').innerText()).toBe('not used');
  });
});
