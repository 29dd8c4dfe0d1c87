// node tests/bench/lighthouse.mjs: Lighthouse's scores of the page and of the documentation, as they are built, in Chromium
// (CHROME_PATH, else /usr/bin/chromium), on its settings for phones and for desktops. Lighthouse is a hundred packages that nothing else
// needs, so it is fetched when it is first asked for, into .cache. Prints what cost points. Wants a quiet machine.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from '../../.ci/serve.mjs';
import { setup } from '../../.ci/setup.mjs';
import { buildDocs, buildModule, buildPage, root, runQuietly, script } from '../../.ci/steps.mjs';

const { values: options } = parseArgs({
  options: {
    /** Uses what is built. */
    built: { type: 'boolean', default: false },
    /** Times each, for the median. */
    runs: { type: 'string', default: '3' },
    /** Where each last report goes as HTML. */
    out: { type: 'string' },
  },
});

const kVersion = '13.5.0';
const kAsked = 95;
const kCategories = ['performance', 'accessibility', 'best-practices', 'seo'];
const kPages = { page: '', documentation: 'docs/', 'a guide': 'docs/guide/quick-start', 'the reference': 'docs/api/' };
const kPresets = ['phone', 'desktop'];

async function lighthouse() {
  const folder = join(root, '.cache', `lighthouse-${kVersion}`);
  const main = join(folder, 'node_modules/lighthouse/core/index.js');
  if (!existsSync(main)) {
    mkdirSync(folder, { recursive: true });
    runQuietly('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', `lighthouse@${kVersion}`]);
  }
  return import(pathToFileURL(main).href);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** What cost points, of a category that fell short. */
function shortcomings({ categories, audits }) {
  return kCategories.flatMap((category) =>
    categories[category].auditRefs.flatMap(({ id, weight }) => {
      const { score, title, displayValue = '', details } = audits[id];
      if (weight === 0 || score === null || score >= 0.9) return [];
      const where = (details?.items ?? []).slice(0, 4).map((item) => `\n      ${item.node?.snippet ?? item.url ?? item.description ?? item.source ?? ''}`);
      return [`    ${category}, ${id}: ${title} ${displayValue}${where.join('')}`];
    }),
  );
}

await script(async () => {
  if (!options.built) {
    setup('bench');
    buildModule();
    buildPage();
    buildDocs();
  }
  const { default: audit, desktopConfig } = await lighthouse();
  const { chromium } = await import('playwright-core');
  const server = await serve();
  const executablePath = process.env.CHROME_PATH ?? process.env.CHROMIUM ?? '/usr/bin/chromium';
  const rows = [];
  let least = 100;
  try {
    for (const [name, path] of Object.entries(kPages)) {
      for (const preset of kPresets) {
        const results = [];
        for (let i = 0; i < Number(options.runs); i++) {
          // A profile of its own each time: nothing is kept from the load before.
          const port = 9222 + Math.floor(Math.random() * 1000);
          const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', `--remote-debugging-port=${port}`] });
          try {
            const flags = { port, output: 'html', onlyCategories: kCategories, logLevel: 'error' };
            results.push(await audit(server.address + path, flags, preset === 'desktop' ? desktopConfig : undefined));
          } finally {
            await browser.close();
          }
        }
        const score = (category) => Math.round(100 * median(results.map(({ lhr }) => lhr.categories[category].score)));
        const scores = kCategories.map(score);
        least = Math.min(least, ...scores);
        const last = results.at(-1);
        const shown = (id) => last.lhr.audits[id].displayValue;
        rows.push(`| ${name}, ${preset} | ${scores.join(' | ')} | ${shown('first-contentful-paint')} | ${shown('largest-contentful-paint')} | ${shown('total-blocking-time')} | ${shown('cumulative-layout-shift')} |`);
        console.log([rows.at(-1), ...shortcomings(last.lhr)].join('\n'));
        if (options.out !== undefined) {
          mkdirSync(options.out, { recursive: true });
          writeFileSync(join(options.out, `${name.replaceAll(' ', '-')}-${preset}.html`), last.report);
        }
      }
    }
  } finally {
    await server.stop();
  }
  const columns = ['', ...kCategories, 'first paint', 'largest paint', 'blocked', 'shift'];
  console.log(`\nLighthouse ${kVersion}, median of ${options.runs}\n\n| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}\n${rows.join('\n')}`);
  console.log(`\nleast ${least}, asked for ${kAsked}`);
});
