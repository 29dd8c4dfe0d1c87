// Fuzzes the engine's readers with libFuzzer: node tests/fuzz/run.mjs [--target NAME] [--inputs N] [--seconds S] [--plain] [--json]
//
// Builds the preset `fuzz` (clang, its fuzzer library), then gives each target inputs until it has had N of
// them in all (10 million unless told), at most S seconds a call. Goes on where it was stopped: corpora and
// counts are kept in .cache/fuzz. --plain: without sanitizers, several times as fast; what it adds to the corpora is then read with them. A find is printed, kept in .cache/fuzz/NAME/found, and makes the exit code 1;
// put it into tests/fuzz/found/NAME, where npm test reads it, and mend what it shows.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cmakeBuild, root, run, script } from '../../.ci/steps.mjs';

const kTargets = ['checkpoint', 'header', 'predictor', 'encoder', 'fleet', 'pool', 'pool-index', 'architecture', 'table', 'options', 'csv', 'onnx', 'network', 'param', 'json'];
// Longer ones only cost time: what is read twice is read a thousand times.
const kLongest = { predictor: 6144, encoder: 8192, fleet: 6144, network: 65536 };
const kSecondsAtOnce = 600;

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: kTargets },
    inputs: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: String(kSecondsAtOnce) },
    plain: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function stateOf(target) {
  const folder = join(root, '.cache/fuzz', target);
  for (const part of ['corpus', 'found']) mkdirSync(join(folder, part), { recursive: true });
  const file = join(folder, 'state.json');
  const state = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { inputs: 0, plain: 0, seconds: 0 };
  return { folder, file, state };
}

/** How many inputs it has read, and its status: 0, or what ended it. `left`: of new ones, beside the corpus. */
function read(binary, target, left, seconds) {
  const { folder } = stateOf(target);
  const { stderr, status } = spawnSync(
    binary,
    [
      join(folder, 'corpus'),
      `--target=${target}`,
      `-runs=${left}`,
      `-max_total_time=${seconds}`,
      `-max_len=${kLongest[target] ?? 4096}`,
      // What hangs; what takes more than a second of the processor is found by the target itself.
      '-timeout=60',
      '-rss_limit_mb=1024',
      '-print_final_stats=1',
      `-artifact_prefix=${join(folder, 'found')}/`,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status !== 0) console.error(`${target}: ended with ${status}\n${stderr.slice(-3000)}`);
  return Number(/stat::number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? /#(\d+)\t(?!.*#\d+\t)/s.exec(stderr)?.[1] ?? '0');
}

function fuzz({ sanitized, plain }, target, wanted, seconds) {
  const { folder, file, state } = stateOf(target);
  const corpus = join(folder, 'corpus');
  if (readdirSync(corpus).length === 0) run(sanitized, [`--target=${target}`, `--seeds=${corpus}`]);
  const left = wanted - state.inputs;
  if (left > 0) {
    const since = performance.now();
    const done = read(plain ?? sanitized, target, left, seconds);
    state.inputs += done;
    if (plain) {
      state.plain = (state.plain ?? 0) + done;
      read(sanitized, target, 0, 0);
    }
    state.seconds += (performance.now() - since) / 1000;
    writeFileSync(file, JSON.stringify(state));
  }
  const found = readdirSync(join(folder, 'found')).length;
  return { target, ...state, inputs_per_second: Math.round(state.inputs / state.seconds), corpus: readdirSync(corpus).length, found };
}

await script(() => {
  process.env.CXX ??= existsSync('/usr/bin/clang++') ? 'clang++' : 'clang++-14';
  const built = (preset) => {
    cmakeBuild(preset, 'latencast_fuzz');
    return join(root, `build-${preset}/latencast_fuzz`);
  };
  const binaries = { sanitized: built('fuzz'), plain: values.plain ? built('fuzz-plain') : undefined };
  const rows = values.target.map((target) => {
    const row = fuzz(binaries, target, Number(values.inputs), Number(values.seconds));
    if (!values.json) console.log(`${target}: ${row.inputs} inputs (${row.plain ?? 0} of them plain), ${row.inputs_per_second} a second, corpus ${row.corpus}, ${row.found} found`);
    return row;
  });
  if (values.json) console.log(JSON.stringify(rows, null, 1));
  if (rows.some(({ found }) => found > 0)) process.exitCode = 1;
});
