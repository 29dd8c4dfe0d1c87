/** Packs the package and installs it beside a copy of `examples/`, as their README says, but with the bundlers of this project. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { TestProject } from 'vitest/node';

import { buildPackage } from '../../.ci/package.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The packed file. */
    readonly tarball: string;
    /** A copy of `examples/` with the packed file installed. */
    readonly examples: string;
  }
}

const kRoot = fileURLToPath(new URL('../..', import.meta.url));

export default async function setup(project: TestProject): Promise<() => void> {
  if (!process.env['LATENCAST_PACKAGE_BUILT']) await buildPackage();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'latencast-packed-')));
  const npm = (cwd: string, ...args: string[]) => execFileSync('npm', [...args, '--silent'], { cwd, encoding: 'utf8' });
  const tarball = join(folder, npm(kRoot, 'pack', '--ignore-scripts', '--pack-destination', folder).trim());

  const examples = join(folder, 'examples');
  cpSync(join(kRoot, 'examples'), examples, { recursive: true, filter: (path) => !/\/(node_modules|dist[\w-]*)$/.test(path) });
  const manifest = JSON.parse(readFileSync(join(examples, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  const tools = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] }).filter((name) => name !== 'latencast');
  writeFileSync(join(examples, 'package.json'), JSON.stringify({ ...manifest, dependencies: {}, devDependencies: {} }));
  npm(examples, 'install', tarball, '--offline', '--ignore-scripts', '--no-audit', '--no-fund');
  for (const name of tools) {
    const link = join(examples, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(kRoot, 'node_modules', name), link);
  }

  project.provide('tarball', tarball);
  project.provide('examples', examples);
  return () => rmSync(folder, { recursive: true, force: true });
}
