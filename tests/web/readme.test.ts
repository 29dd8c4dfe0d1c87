import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { runNode } from './helpers.js';

const kExpected = [
  /^15625 estimates, the first \d+\.\d ms$/,
  // Both limits are met, and the second leaves room for more.
  /^[0-4]{6}, 1?\d\.\d ms; [0-4]{6}, [23]?\d\.\d ms$/,
  /^23 kernels, 0 unknown, conv,1,\S+: true$/,
  /^most like \S+: true$/,
  /^20 to measure; t600: true$/,
];

test('the examples of web/api/README.md run as they stand', async () => {
  const readme = readFileSync(new URL('../../web/api/README.md', import.meta.url), 'utf8');
  const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code ?? '');
  expect(examples).toHaveLength(kExpected.length);
  for (const [i, example] of examples.entries()) {
    // By its own name, as a user of the package would import it.
    expect(example).toContain("from 'latencast'");
    expect(await runNode([], example)).toMatch(kExpected[i]!);
  }
});
