import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import ts from 'typescript-eslint';

/** Unused, but named: what a pattern leaves out, and parameters that others of its kind have. */
const kUnused = ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }];

export default defineConfig(
  { ignores: ['**/dist*/', 'build*/', '.cache/', 'web/docs/.vitepress/cache/'] },
  js.configs.recommended,
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: { ...globals.node, ...globals.browser } }, rules: { 'no-unused-vars': kUnused } },
  { files: ['web/app/sw.js'], languageOptions: { globals: globals.serviceworker } },
  { files: ['examples/react/**'], languageOptions: { parserOptions: { ecmaFeatures: { jsx: true } } } },
  {
    files: ['**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': kUnused,
      // The interface answers in promises, even where this thread knows at once.
      '@typescript-eslint/require-await': 'off',
      // Lit calls listeners with their element.
      '@typescript-eslint/unbound-method': 'off',
      // A generator has no `this` of its own to close over.
      '@typescript-eslint/no-this-alias': ['error', { allowedNames: ['engine'] }],
      '@typescript-eslint/no-base-to-string': 'off',
      // An assertion may say more than the compiler needs.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
    },
  },
  {
    // What a program printed, and what a page has: `expect` says what it has to be.
    files: ['tests/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
