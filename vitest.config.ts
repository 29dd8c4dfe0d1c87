import { defineConfig } from 'vitest/config';

/** What times the browser, or the page in it. */
const kTimed = ['browser', 'model'].map((name) => `tests/page/${name}.test.ts`);

const page = {
  environment: 'node',
  // What follows a key or a word from another tab takes its time where other programs run.
  expect: { poll: { timeout: 15_000 } },
  testTimeout: 120_000,
  hookTimeout: 120_000,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'api',
          environment: 'node',
          include: ['tests/web/**/*.test.ts', 'tests/fuzz/**/*.test.ts'],
          globalSetup: 'tests/web/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'package',
          environment: 'node',
          include: ['tests/package/**/*.test.ts'],
          globalSetup: 'tests/package/setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...page,
          name: 'looks',
          include: ['tests/page/**/*.test.ts'],
          exclude: kTimed,
          // Nothing here measures time, so two browsers share two cores.
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...page,
          name: 'page',
          include: kTimed,
          // One browser at a time: these tests measure on two cores.
          fileParallelism: false,
        },
      },
    ],
  },
});
