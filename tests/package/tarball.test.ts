/** What is packed: complete, small, with types that every resolver finds, and without what a page does not need. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { describe, expect, inject, test } from 'vitest';

const kInstalled = join(inject('examples'), 'node_modules/latencast');

interface Manifest {
  readonly private?: boolean;
  readonly exports: Record<string, string | { readonly types: string; readonly default?: string }>;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(kInstalled, 'package.json'), 'utf8')) as Manifest;

test('publint has nothing to say', async () => {
  const { messages } = await publint({ pkgDir: kInstalled, pack: false, strict: true });
  expect(messages).toEqual([]);
});

test('the types are right for every resolver of ES modules', async () => {
  const tarball = createPackageFromTarballData(new Uint8Array(readFileSync(inject('tarball'))));
  const scripts = Object.keys(manifest.exports).filter((name) => !name.includes('*') && typeof manifest.exports[name] === 'object');
  const found = await checkPackage(tarball, { entrypoints: scripts });
  expect(found.types).toMatchObject({ kind: 'included' });
  const problems = 'problems' in found ? found.problems : [];
  // The package is of ES modules alone: `require` of TypeScript's oldest resolvers is not for it.
  const esm = problems.filter((one) => !('resolutionKind' in one) || !['node10', 'node16-cjs'].includes(one.resolutionKind));
  expect(esm).toEqual([]);
});

test('TypeScript reads the types without help, strictly', () => {
  const folder = join(inject('examples'), 'types');
  mkdirSync(folder);
  const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true, types: [], target: 'ES2022', lib: ['ES2022', 'DOM'] };
  writeFileSync(
    join(folder, 'use.ts'),
    `import { createEngine, type Engine, type Predictor } from 'latencast';
export async function estimate(bytes: Uint8Array): Promise<Float64Array> {
  const engine: Engine = await createEngine({ kind: 'local' });
  const predictor: Predictor = await engine.load(bytes);
  // @ts-expect-error: a space that does not exist
  await engine.enumerate('nb101');
  return predictor.predictAll();
}\n`,
  );
  for (const [module, moduleResolution] of [
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ]) {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...compilerOptions, module, moduleResolution }, files: ['use.ts'] }));
    const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    expect(() => execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })).not.toThrow();
  }
});

test('everything that is exported is there, and nothing has to be installed or run for it', () => {
  expect(manifest.private, 'npm would refuse to publish it').toBe(undefined);
  expect(manifest.dependencies ?? {}).toEqual({});
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) expect(manifest.scripts).not.toHaveProperty(hook);
  for (const [name, target] of Object.entries(manifest.exports)) {
    if (name.includes('*')) continue;
    for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
      expect(statSync(join(kInstalled, path)).size, path).toBeGreaterThan(0);
    }
  }
  const index = JSON.parse(readFileSync(join(kInstalled, 'weights/index.json'), 'utf8')) as Record<string, { file: string; encoder?: string }>;
  for (const { file, encoder } of Object.values(index)) {
    for (const name of [file, encoder]) if (name) expect(statSync(join(kInstalled, 'weights', name)).size).toBeGreaterThan(0);
  }
  // What is imported by a bare name would be missing; the notices of what was bundled are not.
  const files = readdirSync(kInstalled, { recursive: true, encoding: 'utf8' });
  for (const name of files.filter((each) => each.endsWith('.js'))) {
    const bare = readFileSync(join(kInstalled, name), 'utf8').match(/^(?:import|export) .*from "(?!\.|node:).*"/gm);
    expect(bare, name).toBeNull();
  }
  const notices = readFileSync(join(kInstalled, 'dist/api/licences.md'), 'utf8');
  for (const library of ['comlink', 'papaparse', 'fflate', 'Eigen', 'nlohmann']) expect(notices).toContain(library);
});

describe('size', () => {
  test('the packed file', () => {
    const bytes = statSync(inject('tarball')).size;
    console.log(`${inject('tarball').split('/').at(-1)}: ${(bytes / 1e6).toFixed(2)} MB packed`);
    // Of it 3 MB are platforms of the pool, which a page or a program loads one by one.
    expect(bytes).toBeLessThan(7e6);
  });

  test('who imports little carries little', async () => {
    const size = async (code: string): Promise<number> => {
      const { outputFiles } = await build({
        stdin: { contents: code, resolveDir: inject('examples') },
        ...{ bundle: true, format: 'esm', minify: true, write: false, target: 'es2022', logLevel: 'error' },
      });
      return outputFiles[0]!.contents.length;
    };
    const nothing = await size("import 'latencast';");
    const error = await size("import { LatencastError } from 'latencast'; console.log(LatencastError);");
    const reading = await size("import { readMeasurements } from 'latencast'; console.log(readMeasurements);");
    const all = await size("import * as latencast from 'latencast'; console.log(latencast);");
    console.log(`minified: nothing ${nothing} B, LatencastError ${error} B, readMeasurements ${reading} B, all ${all} B`);
    expect(nothing).toBeLessThan(100);
    expect(error).toBeLessThan(1000);
    expect(reading).toBeLessThan(80_000);
    expect(all).toBeLessThan(250_000);
  });
});
