// node wasm/split.mjs MODULE.wasm REST.wasm FOLDER: takes out of MODULE what the first estimates do not need, into REST, which shares its
// memory and is fetched when first needed. FOLDER: where Binaryen's wasm-dis and wasm-split are. MODULE must have its functions' names and loses them.
//
// The rest is what can be reached through the entries below alone. Calls of it from what stays go through the table, where REST puts its functions; one
// that comes before throws (web/api/module.ts), so web/api/local.ts waits for the rest first.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the table holds for these entries of bindings.cpp and their classes. */
const kEntries = [
  /boundary::\(anonymous namespace\)::Raw(Transfer|Search|Encoder)\b/,
  /boundary::\(anonymous namespace\)::RawPredictor::(self_test|scores|save|transfer|refine|next|search)\(/,
  /boundary::\(anonymous namespace\)::(samplers|neighbours|choose_samples|accuracy|load_encoder|gemm_gflops|read_quality)\(/,
  /latencast::(Search|Encoder)::/,
  /::neighbours\(/,
];
/** What is called from what stays, but only once the rest is there: the network. */
const kCut = [/^latencast::\(anonymous namespace\)::scores_of\(/];

const [module, rest, binaryen] = process.argv.slice(2);

function run(program, ...args) {
  const { status, error, stderr, stdout } = spawnSync(join(binaryen, program), args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error ?? status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
  if (stderr) throw new Error(`${program}: ${stderr}`);
  return stdout;
}

/** What each function calls, which of them the table holds, and which are called from outside. Names as Binaryen writes them. */
function readCalls(text) {
  const calls = new Map();
  const table = [];
  const exported = [];
  let callees;
  for (const line of text.split('\n')) {
    const begins = /^ \(func (\$[^ )]+)/.exec(line);
    if (begins) calls.set(begins[1], (callees = new Set()));
    else if (line.startsWith(' (elem ')) table.push(...line.match(/\$[^ )]+/g));
    else if (line.startsWith(' (export ')) exported.push(...(/\(func (\$[^ )]+)/.exec(line)?.slice(1) ?? []));
    const callee = /\((?:call|ref\.func) (\$[^ )]+)/.exec(line);
    if (callee) callees?.add(callee[1]);
  }
  return { calls, table, exported };
}

const plain = (name) => name.slice(1).replaceAll(/\\([0-9a-f]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
const matches = (patterns, name) => patterns.some((pattern) => pattern.test(plain(name)));

const { calls, table, exported } = readCalls(run('wasm-dis', '--all-features', module));
for (const [patterns, among] of [[kEntries, table], [kCut, [...calls.keys()]]]) {
  const idle = patterns.find((pattern) => !among.some((name) => matches([pattern], name)));
  if (idle) throw new Error(`${module}: no function is called ${idle}`);
}
const staying = new Set();
const open = [...exported, ...table.filter((name) => !matches(kEntries, name))];
while (open.length > 0) {
  const name = open.pop();
  if (!calls.has(name) || staying.has(name) || matches(kCut, name)) continue;
  staying.add(name);
  open.push(...calls.get(name));
}

const list = `${rest}.list`;
writeFileSync(list, [...calls.keys()].filter((name) => !staying.has(name)).map((name) => name.slice(1)).join('\n'));
const first = `${module}.first`;
run('wasm-split', '--all-features', '--split-funcs', `@${list}`, module, '-o1', first, '-o2', rest, '--export-prefix=%');
renameSync(first, module);
rmSync(list);
// What a page fetches first and then; a build that suddenly keeps everything in one would not be seen elsewhere.
console.log(`${module}: ${staying.size} functions, ${readFileSync(module).length} bytes; ${rest}: ${calls.size - staying.size}, ${readFileSync(rest).length} bytes`);
