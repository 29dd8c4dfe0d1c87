/** Measurement kits made in the page. Fetched with the first of them. */

import type { Engine, SpaceId } from '../api/index.js';
import { makeKit, type KitOptions } from '../kit/kit.js';
import { saveFile } from './save.js';

const kScripts = import.meta.glob<string>('../kit/scripts/*', { query: '?raw', import: 'default', eager: true });

export async function downloadKit(
  engine: Engine,
  space: SpaceId,
  architectures: readonly string[],
  options: Pick<KitOptions, 'sampler' | 'onProgress'>,
): Promise<void> {
  const scripts = Object.fromEntries(Object.entries(kScripts).map(([path, text]) => [path.slice(path.lastIndexOf('/') + 1), text]));
  const parts = await makeKit(engine, space, architectures, { ...options, scripts });
  saveFile(`latencast-kit-${space}.zip`, new Blob(parts), 'application/zip');
}
