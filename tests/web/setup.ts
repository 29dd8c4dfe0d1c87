import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** Compiles the API and the command line to `dist`: a worker of Node cannot run TypeScript, so the tests use what a package would hold. */
export default function setup(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'web/package.tsconfig.json'], { stdio: 'inherit' });
}
