// Writes first.html: what the page shows a first visitor before its script has come, which the build puts into index.html. It is
// what the built page (dist/app) itself renders first, so it is to be made anew whenever that changes; a test tells.
//   node web/app/make-first.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from '../../.ci/serve.mjs';

/** The markup of the first thing that the page at `address` renders, in a fresh page of Chromium whose data never come. */
export async function firstScreen(page, address) {
  // So high that every line of the example has its number.
  await page.setViewportSize({ width: 1280, height: 2000 });
  await page.route(/\/(examples|weights)\//, () => undefined);
  await page.goto(address);
  await page.locator('#page:not([inert]) line-editor .editor-line', { hasText: /^20$/ }).first().waitFor();
  return page.evaluate(() => {
    const copy = document.getElementById('page').cloneNode(true);
    const areas = copy.querySelectorAll('textarea');
    // What is typed is no part of the markup.
    document.querySelectorAll('#page textarea').forEach((area, i) => (areas[i].textContent = area.value));
    // Where lines scrolled to; the policy of the page allows no styles in markup.
    for (const styled of copy.querySelectorAll('[style]')) styled.removeAttribute('style');
    const walker = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT | NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    for (const node of nodes) {
      if (node.nodeType === Node.COMMENT_NODE) node.remove();
      else if (!node.parentElement.closest('textarea')) node.data = node.data.replace(/\s+/g, ' ');
    }
    copy.normalize();
    return copy.innerHTML.trim().replace(/ ?(<(?:aside|div|header|li|main|nav|optgroup|option|section)\b)/g, '\n$1').trim();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ serviceWorkers: 'block' });
    writeFileSync(join(import.meta.dirname, 'first.html'), `${await firstScreen(page, server.address)}\n`);
  } finally {
    await browser.close();
    await server.stop();
  }
}
