// Checks that links within a built site lead somewhere, down to the heading; VitePress itself checks pages only.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** `folder` is served at `base`, e.g. `/docs/`. Throws an Error that names every link that leads nowhere. */
export function checkLinks(folder, base) {
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => join(folder, name));
  const texts = new Map(pages.map((page) => [page, readFileSync(page, 'utf8')]));
  const anchors = new Map([...texts].map(([page, text]) => [page, new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => unescaped(id)))]));
  const dead = [];
  for (const [page, text] of texts) {
    const address = new URL(relative(folder, page), `http://site${base}`);
    for (const [, written] of text.matchAll(/<a\s[^>]*?href="([^"]*)"/g)) {
      const target = new URL(unescaped(written), address);
      // Other hosts are not asked.
      if (target.host !== 'site') continue;
      const file = fileOf(folder, base, decodeURIComponent(target.pathname));
      const heading = decodeURIComponent(target.hash.slice(1));
      if (!file || (heading !== '' && anchors.has(file) && !anchors.get(file).has(heading))) {
        dead.push(`${relative(folder, page)}: ${unescaped(written)}`);
      }
    }
  }
  if (dead.length > 0) throw new Error(`links that lead nowhere:\n${[...new Set(dead)].join('\n')}`);
}

/** The file behind a path; undefined where there is none. */
function fileOf(folder, base, path) {
  // The page beside the documentation is built elsewhere.
  if (!path.startsWith(base)) return path === '/' ? folder : undefined;
  const file = join(folder, path.slice(base.length));
  const candidates = [file, join(file, 'index.html'), `${file}.html`];
  return candidates.find((each) => existsSync(each) && statSync(each).isFile());
}

const unescaped = (text) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
