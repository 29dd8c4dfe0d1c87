declare module '*/web/app/make-first.mjs' {
  import type { Page } from 'playwright-core';
  /** The markup of the first thing that the page renders. */
  export function firstScreen(page: Page, address: string): Promise<string>;
}
