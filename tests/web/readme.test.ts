import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { runNode } from './helpers.js';

test('the example of web/api/README.md runs as it stands', async () => {
  const readme = readFileSync(new URL('../../web/api/README.md', import.meta.url), 'utf8');
  const example = /```js\n(.*?)```/s.exec(readme)?.[1];
  expect(example).toContain("from 'latencast'");
  // By its own name, as a user of the package would import it.
  const printed = await runNode([], example!);
  expect(printed).toMatch(/^15625 estimates, the first \d+\.\d ms$/);
});
