// Static analysis of the C++: node .ci/lint-cpp.mjs [FILE...]; all of cpp/ without files, which takes half an hour of one core.
// Needs Debian's cppcheck and clang-tidy, and a configured build (`cmake --preset native`).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cmakeBuild, root, run, script } from './steps.mjs';

function sources() {
  const { stdout } = spawnSync('git', ['ls-files', 'cpp/*.cpp'], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((file) => file !== '');
}

await script(() => {
  const files = process.argv.length > 2 ? process.argv.slice(2) : sources();
  run('cppcheck', [
    ...['--enable=warning,performance,portability', '--std=c++17', '--library=std', '--quiet', '--error-exitcode=1'],
    ...['-I', 'cpp/include', '-I', 'cpp/src', '--suppressions-list=.ci/cppcheck.txt'],
    ...files,
  ]);
  if (!existsSync(`${root}/build/compile_commands.json`)) cmakeBuild('native', 'latencast_core');
  const tidy = existsSync('/usr/bin/clang-tidy') ? 'clang-tidy' : 'clang-tidy-14';
  const failed = files.filter((file) => spawnSync(tidy, ['--quiet', '-p', 'build', '--extra-arg=-Wno-unknown-warning-option', file], { cwd: root, stdio: ['ignore', 'inherit', 'ignore'] }).status !== 0);
  if (failed.length > 0) throw new Error(`clang-tidy: ${failed.join(', ')}`);
  console.log(`${files.length} files, nothing found`);
});
