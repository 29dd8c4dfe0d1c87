// npm test: set-up, then every check. Ends with 'N passed, N failed', the sum of what the runners counted.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
function vitestProject(project, env = {}) {
  const report = join(kReports, `${project}.json`);
  rmSync(report, { force: true });
  let problem;
  try {
    runTool('vitest', ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], env);
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

/** Known holes in what is installed, by the registry. Some registries do not answer that question: then nothing has passed. */
function audit() {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { cwd: root, encoding: 'utf8', timeout: 60_000 });
  let found;
  try {
    found = JSON.parse(stdout);
  } catch {
    found = { message: 'npm audit gave no answer' };
  }
  const counts = found.metadata?.vulnerabilities;
  if (!counts) {
    console.log(`NOT AUDITED, known holes are not known: ${found.message ?? found.error?.summary ?? 'the registry does not answer'}`);
    return { passed: 0, failed: 0 };
  }
  console.log(`npm audit: ${JSON.stringify(counts)}`);
  if (counts.high + counts.critical > 0) throw new Error('npm audit: holes of high severity; npm audit lists them');
  return { passed: 1, failed: 0 };
}

/** In a process of their own beside kFirst: a compiler fills all cores, but suites, linkers and linters one. */
const kBeside = [['engine, native with sanitizers', () => engineSuite('sanitize')]];
const kFirst = [
  ['C++ format', check(() => run('clang-format', ['--dry-run', '-Werror', ...cppFiles()]))],
  ['WebAssembly module', check(buildModule)],
  ['lint', check(() => runTool('eslint', ['.', '--max-warnings', '0']))],
  ['audit of dependencies', audit],
  ['command line build', check(() => cmakeBuild('native', 'latencast'))],
  ['API', () => vitestProject('api')],
  // Some tests import the package as it is built, which the API's have done.
  ['types', check(() => runTool('tsc', ['--noEmit']))],
  ['package', () => vitestProject('package', { LATENCAST_PACKAGE_BUILT: '1' })],
  ['page build', check(buildPage)],
  ['documentation build', check(buildDocs)],
  ['engine, WebAssembly', () => engineSuite('wasm')],
];
/** Once all that is over, the page: in two browsers, and where it is timed in one. */
const kThen = [
  ['page and documentation', () => vitestProject('looks')],
  ['page, timed', () => vitestProject('page')],
];

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs stages one after the other: what each counted, and how long it took. */
function runStages(stages) {
  return stages.map(([name, stage]) => {
    console.log(`\n== ${name}`);
    const since = performance.now();
    let counts;
    try {
      counts = stage();
    } catch (error) {
      console.error(error.message);
      counts = { passed: 0, failed: 1 };
    }
    const summary = `${name}: ${counts.passed} passed, ${counts.failed} failed, ${seconds(since)}`;
    console.log(`== ${summary}`);
    return { ...counts, summary };
  });
}

/** Starts this script for kBeside. Resolves, when that has ended, to what runStages gave there, its output shown. */
function startBeside() {
  const [log, report] = ['beside.log', 'beside.json'].map((name) => join(kReports, name));
  rmSync(report, { force: true });
  const output = openSync(log, 'w');
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), kAside, report], { cwd: root, stdio: ['ignore', output, output] });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => {
      console.log(readFileSync(log, 'utf8'));
      if (existsSync(report)) done(JSON.parse(readFileSync(report, 'utf8')));
      else fail(new Error(`what ran beside ended with ${code} and no report`));
    });
  });
}

const kAside = '--beside';

await script(async () => {
  if (process.argv[2] === kAside) return writeFileSync(process.argv[3], JSON.stringify(runStages(kBeside)));
  const begun = performance.now();
  setup('test');
  mkdirSync(kReports, { recursive: true });
  console.log(`set-up: ${seconds(begun)}`);

  const beside = startBeside();
  const results = runStages(kFirst);
  results.push(...(await beside), ...runStages(kThen));
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  console.log(`\n${results.map(({ summary }) => summary).join('\n')}\nall: ${seconds(begun)}\n`);
  console.log(`${total('passed')} passed, ${total('failed')} failed`);
  if (total('failed') > 0) process.exitCode = 1;
});
