// Writes what the native engine of this checkout makes of tests/golden/models/*.onnx: NAME.txt, every kernel as ONNX
// Runtime executes it, and families.txt, how many kernels of each type every family of runtimes executes. Run from the
// repository root after a change of the rules, and look at what changed.
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';

const folder = 'tests/golden/models';
const families = ['none', 'onnxruntime', 'tflite', 'ncnn', 'openvino', 'tensorrt'];

const kernels = (file, runtime) =>
  JSON.parse(
    execFileSync('build/latencast', ['kernels', '--model', file, '--runtime', runtime, '--json'], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }),
  ).kernels;

let counts = '';
for (const file of readdirSync(folder).filter((name) => name.endsWith('.onnx'))) {
  const name = file.slice(0, -'.onnx'.length);
  const lines = kernels(`${folder}/${file}`, 'onnxruntime').map((one) => `${one.key} ${one.macs} ${one.params}`);
  writeFileSync(`${folder}/${name}.txt`, lines.join('\n') + '\n');
  for (const family of families) {
    const types = new Map();
    for (const one of kernels(`${folder}/${file}`, family)) types.set(one.kernel, (types.get(one.kernel) ?? 0) + 1);
    const sorted = [...types].sort(([a], [b]) => (a < b ? -1 : 1));
    counts += `${name} ${family} ${sorted.map(([type, count]) => `${type} ${count}`).join(' ')}\n`;
  }
}
writeFileSync(`${folder}/families.txt`, counts);
