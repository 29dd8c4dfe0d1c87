// npm test: set-up, then every check. Ends with 'N passed, N failed', the sum of what the runners counted.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { setup } from './setup.mjs';
import { buildDocs, buildModule, buildPage, cmakeBuild, root, run, runTool, script } from './steps.mjs';

const kReports = join(root, 'build-reports');

/** The project's C++ files, by git: what is committed or about to be. */
function cppFiles() {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.cpp', '*.h'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.error?.message ?? listed.stderr}`);
  return listed.stdout.split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
}

/** Cases passed and failed, from Catch2's closing summary (v2 and v3) in ctest's log. */
function catch2Counts(coloured) {
  const log = stripVTControlCharacters(coloured);
  const all = /All tests passed \(.* in (\d+) test cases?\)/.exec(log);
  if (all) return { passed: Number(all[1]), failed: 0 };
  const line = /test cases:(.*)/.exec(log)?.[1];
  if (line === undefined) throw new Error('the suite ended without a summary');
  const count = (what) => Number(new RegExp(`(\\d+) ${what}`).exec(line)?.[1] ?? 0);
  return { passed: count('passed'), failed: count('failed') };
}

/** Builds a preset and runs its Catch2 suite. */
function engineSuite(preset) {
  cmakeBuild(preset, 'latencast_tests');
  const result = spawnSync('ctest', ['--preset', preset, '--verbose'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.error) throw result.error;
  const counts = catch2Counts(result.stdout);
  if (counts.failed > 0 || result.status !== 0) console.log(result.stdout);
  if (counts.failed === 0 && result.status !== 0) throw new Error(`ctest ended with ${result.status}`);
  return counts;
}

/** Runs one project of vitest.config.ts. */
function vitestProject(project) {
  const report = join(kReports, `${project}.json`);
  rmSync(report, { force: true });
  let problem;
  try {
    runTool('vitest', ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  } catch (error) {
    problem = error;
  }
  if (!existsSync(report)) throw problem ?? new Error(`vitest left no report of ${project}`);
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  // A file that cannot even be loaded has no tests of its own to fail.
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  const counts = { passed: numPassedTests, failed: numFailedTests + broken };
  if (problem && counts.failed === 0) throw problem;
  if (counts.passed + counts.failed === 0) throw new Error(`vitest found no tests of ${project}`);
  return counts;
}

/** A check that passes or throws. */
const check = (work) => () => {
  work();
  return { passed: 1, failed: 0 };
};

/** Known holes in what is installed, by the registry; some registries do not answer that question. */
function audit() {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { cwd: root, encoding: 'utf8', timeout: 60_000 });
  let found;
  try {
    found = JSON.parse(stdout);
  } catch {
    found = { message: 'npm audit gave no answer' };
  }
  const counts = found.metadata?.vulnerabilities;
  if (!counts) return console.log(`not audited: ${found.message ?? found.error?.summary ?? 'the registry does not answer'}`);
  console.log(`npm audit: ${JSON.stringify(counts)}`);
  if (counts.high + counts.critical > 0) throw new Error('npm audit: holes of high severity; npm audit lists them');
}

const kStages = [
  ['C++ format', check(() => run('clang-format', ['--dry-run', '-Werror', ...cppFiles()]))],
  ['WebAssembly module', check(buildModule)],
  ['lint', check(() => runTool('eslint', ['.', '--max-warnings', '0']))],
  ['dependencies', check(audit)],
  ['engine, native with sanitizers', () => engineSuite('sanitize')],
  ['engine, WebAssembly', () => engineSuite('wasm')],
  ['command line build', check(() => cmakeBuild('native', 'latencast'))],
  ['API', () => vitestProject('api')],
  // Some tests import the package as it is built, which the API's have done.
  ['types', check(() => runTool('tsc', ['--noEmit']))],
  ['package', () => vitestProject('package')],
  ['page build', check(buildPage)],
  ['documentation build', check(buildDocs)],
  ['page in Chromium', () => vitestProject('page')],
];

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

await script(() => {
  const begun = performance.now();
  setup('test');
  mkdirSync(kReports, { recursive: true });
  console.log(`set-up: ${seconds(begun)}`);

  const total = { passed: 0, failed: 0 };
  const summary = [];
  for (const [name, stage] of kStages) {
    console.log(`\n== ${name}`);
    const since = performance.now();
    let counts;
    try {
      counts = stage();
    } catch (error) {
      console.error(error.message);
      counts = { passed: 0, failed: 1 };
    }
    total.passed += counts.passed;
    total.failed += counts.failed;
    summary.push(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${seconds(since)}`);
    console.log(`== ${summary.at(-1)}`);
  }
  console.log(`\n${summary.join('\n')}\nall: ${seconds(begun)}\n`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0) process.exitCode = 1;
});
