import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConfig, type MarkdownRenderer } from 'vitepress';

const docs = resolve(import.meta.dirname, '..');
const root = resolve(docs, '../..');

/** What the live element and the figures fetch, beside the pages under the same names as in the project. */
const kFetched: readonly { readonly from: string; readonly to: string; readonly names: readonly string[] }[] = [
  { from: 'weights', to: 'weights', names: ['nb201.latencast', 'nb201.accuracy.bin', 'fbnet.latencast', 'ofa.latencast'] },
  { from: 'web/app/public/examples/nb201', to: 'examples', names: ['raspi4.json', 'raspi4.truth.bin'] },
];

const kIcon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 14V2M2 14H14' stroke='%236b7280' fill='none'/%3E%3Cpath d='M4 12L13 4' stroke='%230072b2' stroke-width='2' fill='none'/%3E%3Cpath d='M8 5.5l2.5 2.5L8 10.5 5.5 8z' fill='%23d55e00'/%3E%3C/svg%3E";

/** The empty corner of a table is no header of anything. */
function emptyCorners(md: MarkdownRenderer): void {
  md.core.ruler.push('empty-corners', ({ tokens }) => {
    tokens.forEach((token, i) => {
      if (token.type !== 'th_open' || tokens[i + 1]?.content.trim() !== '') return;
      token.tag = 'td';
      tokens[i + 2]!.tag = 'td';
    });
  });
}

export default defineConfig({
  title: 'latencast',
  description: 'How fast will this network run on your device? Measure 20, know all.',
  base: '/docs/',
  outDir: resolve(root, 'dist/docs'),
  cacheDir: resolve(root, '.cache/vitepress'),
  srcExclude: ['README.md'],
  cleanUrls: false,
  lastUpdated: false,
  // The only font is the system's; nothing is asked of another host.
  head: [
    ['meta', { name: 'color-scheme', content: 'light dark' }],
    ['link', { rel: 'icon', href: kIcon }],
  ],
  markdown: { headers: { level: [2, 3] }, config: emptyCorners },
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag.includes('-') } } },
  vite: { worker: { format: 'es' }, build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 } },
  themeConfig: {
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Guide', link: '/guide/quick-start' },
      { text: 'Method', link: '/method/transfer' },
      { text: 'Accuracy', link: '/reference/accuracy' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      {
        text: 'Guide',
        items: [
          { text: 'Quick start', link: '/guide/quick-start' },
          { text: 'Measuring', link: '/guide/measuring' },
          { text: 'Embedding', link: '/guide/embedding' },
          { text: 'Questions', link: '/guide/questions' },
          { text: 'What it is not', link: '/guide/non-goals' },
        ],
      },
      {
        text: 'Method',
        items: [
          { text: 'Both transfers', link: '/method/transfer' },
          { text: 'From a string to milliseconds', link: '/reference/walkthrough' },
          { text: 'Any model', link: '/reference/whole-models' },
        ],
      },
      {
        text: 'Accuracy',
        items: [
          { text: 'In short', link: '/reference/accuracy' },
          { text: 'The closed form', link: '/reference/closed-form' },
          { text: 'The network', link: '/reference/results' },
          { text: 'Single kernels', link: '/reference/kernels' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'latencast', link: '/api/latencast' },
          { text: 'latencast/element', link: '/api/latencast/element' },
          { text: 'Files', link: '/reference/format' },
          { text: 'Adding a space, a platform, a device', link: '/guide/extending' },
          { text: 'Design', link: '/reference/design' },
        ],
      },
    ],
  },
  buildEnd({ outDir }) {
    for (const { from, to, names } of kFetched) {
      mkdirSync(join(outDir, to), { recursive: true });
      for (const name of names) copyFileSync(join(root, from, name), join(outDir, to, name));
    }
  },
});
