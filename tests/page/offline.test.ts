import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from '../../.ci/serve.mjs';
import { download, engineReady, estimated, visitor, write } from './chromium.js';

const visit = visitor();
const kBuilt = join(import.meta.dirname, '../../dist/app');
const kLong = 90_000;

test('works without a network after the first load: reload, transfer, another space, what is fetched late', async () => {
  const page = await visit.open({ serviceWorkers: 'allow' });
  await page.getByText('offline too').waitFor({ timeout: kLong });
  await page.context().setOffline(true);
  await page.reload();
  await engineReady(page);
  // As isolated as with a network.
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const text = await page.inputValue('#measurements textarea');
  await write(page, text.split('\n').slice(0, 12).join('\n'));
  await estimated(page, 12);
  expect((await download(page, 'Save the chart as SVG')).toString('utf8').includes('</svg>')).toBe(true);
  await page.selectOption('#space', 'fbnet');
  await estimated(page);
  await page.getByRole('button', { name: 'Any model' }).click();
  await page.getByText('Engine: ready').waitFor();
  await page.locator('.kernel').first().waitFor();
});

test('can be installed', async () => {
  const page = await visit.open();
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]')!;
    const read = (await (await fetch(link.href)).json()) as { icons: { src: string; sizes: string }[]; start_url: string; display: string };
    const loaded = await Promise.all(
      read.icons.map(async ({ src, sizes }) => {
        const image = new Image();
        image.src = new URL(src, link.href).href;
        await image.decode();
        return sizes === 'any' || sizes === `${image.naturalWidth}x${image.naturalHeight}`;
      }),
    );
    return { ...read, loaded };
  });
  expect(manifest).toMatchObject({ start_url: './', display: 'standalone' });
  expect(manifest.icons.map(({ sizes }) => sizes)).toEqual(['any', '192x192', '512x512']);
  expect(manifest.loaded).toEqual([true, true, true]);
});

test('the policy of the page holds as a header too, and its name says what is allowed', async () => {
  const page = await visit.open();
  const [header, stated] = await page.evaluate(async () => [
    (await fetch(location.href)).headers.get('Content-Security-Policy'),
    document.querySelector('meta[http-equiv=Content-Security-Policy]')?.getAttribute('content'),
  ]);
  expect(header).toBe(stated);
  expect(header).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'");
  expect(header).not.toContain("'unsafe-inline'");
});

test('a newer version waits until the user takes it, and the text stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latencast-page-'));
  cpSync(kBuilt, folder, { recursive: true });
  const server = await serve({ folder });
  try {
    const page = await visit.open({ serviceWorkers: 'allow' });
    await page.goto(server.address);
    await page.getByText('offline too').waitFor({ timeout: kLong });
    const draft = '421211, 10.5 ms\n';
    await page.fill('#measurements textarea', draft);

    // The server's caching of its files' sizes would hide the change from it, so it starts anew on the same port.
    const index = readFileSync(join(folder, 'index.html'), 'utf8').replace('<html lang="en">', '<html lang="en" data-version="newer">');
    writeFileSync(join(folder, 'index.html'), index);
    const worker = readFileSync(join(folder, 'sw.js'), 'utf8').replace(/"index\.html":"\w+"/, '"index.html":"0123456789abcdef"');
    writeFileSync(join(folder, 'sw.js'), worker);
    for (const name of ['index.html', 'sw.js']) rmSync(join(folder, `${name}.gz`), { force: true });
    await server.stop();
    const again = await serve({ folder, port: Number(new URL(server.address).port) });
    try {
      expect(again.address).toBe(server.address);
      await page.reload();
      // The version that is kept goes on.
      const banner = page.getByText('A newer version of this page is here');
      await banner.waitFor({ timeout: kLong });
      expect(await page.locator('html').getAttribute('data-version')).toBe(null);
      await page.getByRole('button', { name: 'Use it' }).click();
      await expect.poll(() => page.locator('html').getAttribute('data-version'), { timeout: kLong }).toBe('newer');
      // index.html itself says which version it is, before any script has run.
      await expect.poll(() => page.inputValue('#measurements textarea')).toBe(draft);
      await engineReady(page);
      expect(await banner.count()).toBe(0);
    } finally {
      await again.stop();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
