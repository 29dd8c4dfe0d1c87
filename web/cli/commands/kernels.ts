import type { Decomposition, ModelInfo } from '../../api/index.js';
import { kCommon, print, printJson, readBytes, withEngine } from '../files.js';
import { command, UsageError } from '../options.js';

export const kernels = command({
  name: 'kernels',
  summary: 'a model as a runtime executes it, kernel by kernel',
  options: {
    model: { type: 'text', required: true, help: 'ONNX, ncnn .param or JSON graph; -: standard input' },
    runtime: { type: 'text', fallback: 'none', help: 'whose fusions apply: none, onnxruntime, tflite, ncnn, openvino or tensorrt' },
    batch: { type: 'number', whole: true, least: 1, fallback: 1, help: 'for a first dimension that the file leaves open' },
    input: { type: 'texts', help: 'shape of an input, NAME=1x3x224x224' },
    json: kCommon.json,
  },
  run: ({ model: path, runtime, batch, input, json }) =>
    withEngine(async (engine) => {
      const model = await engine.openModel(readBytes(path), { batch, inputs: Object.fromEntries(input.map(shapeOf)) });
      const found = await model.decompose(runtime);
      if (json) printJson({ ...model.info, ...found });
      else print(table(model.info, found));
    }),
});

/** NAME=1x3x224x224 */
function shapeOf(text: string): [string, number[]] {
  const match = /^(.+)=(\d+(?:x\d+)*)$/.exec(text);
  if (!match?.[1] || !match[2]) throw new UsageError(`--input: ${JSON.stringify(text)} found; expected NAME=1x3x224x224`);
  return [match[1], match[2].split('x').map(Number)];
}

const kMostOperators = 60;

function table(info: ModelInfo, { runtime, kernels, unknown }: Decomposition): string {
  const moved = (one: Decomposition['kernels'][number]): number => one.bytes_in + one.bytes_weights + one.bytes_out;
  const row = (left: string, key: string, ...rest: readonly string[]): string =>
    `${left.padStart(4)}  ${key.padEnd(44)}${rest.slice(0, -1).map((text) => text.padStart(11)).join('')}  ${rest.at(-1)}`;
  const lines = kernels.map((one, i) => {
    const operators = one.nodes.map(({ op }) => op).join('+');
    const shown = operators.length > kMostOperators ? `${operators.slice(0, kMostOperators)}...` : operators;
    return row(`${i + 1}`, one.key, (one.macs / 1e3).toFixed(1), `${one.params}`, (moved(one) / 1e3).toFixed(1), shown);
  });
  const total = kernels.reduce((sum, one) => sum + moved(one), 0);
  return `${[
    `${info.name === '' ? '' : `${info.name}, `}${info.format}, runtime family ${runtime}`,
    ...info.inputs.map(({ name, shape }) => `input ${name}: ${shape.join('x')}`),
    '',
    row('', 'kernel,n,h,w,cin,cout,kh,kw,stride,groups', 'k MACs', 'params', 'kB moved', 'operators'),
    ...lines,
    '',
    `${kernels.length} kernels of ${info.operators} operators: ${(info.macs / 1e6).toFixed(3)} M multiply-adds, ${(info.params / 1e6).toFixed(3)} M parameters, ${(total / 1e6).toFixed(3)} MB moved`,
    ...unknown.map(
      ({ op, count, traffic_share, macs_beside_share }) =>
        `unknown: ${op}, ${count} times: ${(100 * traffic_share).toFixed(1)} % of the bytes moved; kernels beside it have ${(100 * macs_beside_share).toFixed(1)} % of the multiply-adds`,
    ),
  ].join('\n')}\n`;
}
