// A `.gz` beside every file that is smaller so; static hosts and serve.mjs send it in its place.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const kWorthIt = /\.(html|m?js|css|wasm|json|webmanifest|csv|svg|latencast|bin)$/;

export function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) => kWorthIt.test(each))) {
    const path = join(folder, name);
    const bytes = readFileSync(path);
    const packed = gzipSync(bytes, { level: 9 });
    if (packed.length < bytes.length) writeFileSync(`${path}.gz`, packed);
  }
}
