/** TensorFlow.js: the steps of a network, as graph.py has them, by its operators. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export async function open({ require, folder, settings, values }) {
  const tf = require('@tensorflow/tfjs-core');
  if (settings.backend === 'wasm') {
    const wasm = require('@tensorflow/tfjs-backend-wasm');
    const dist = join(folder, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/');
    // Without SIMD the plain module takes every name's place.
    const plain = `${dist}tfjs-backend-wasm.wasm`;
    const simd = settings.simd ? `${dist}tfjs-backend-wasm-simd.wasm` : plain;
    wasm.setWasmPaths({ 'tfjs-backend-wasm.wasm': plain, 'tfjs-backend-wasm-simd.wasm': simd, 'tfjs-backend-wasm-threaded-simd.wasm': simd });
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    tf.env().set('WASM_HAS_SIMD_SUPPORT', settings.simd);
  } else {
    require('@tensorflow/tfjs-backend-cpu');
  }
  if (!(await tf.setBackend(settings.backend))) throw new Error(`no backend ${settings.backend}`);
  await tf.ready();
  return { version: tf.version_core, load: (asked) => loadSteps(tf, asked, values) };
}

const activation = (given) => (given.relu ? 'relu' : 'linear');

function explicit(given) {
  const [top, left, bottom, right] = given.pads;
  return [[0, 0], [top, bottom], [left, right], [0, 0]];
}

/** `tensor(name)`: a weight of the step. */
const kSteps = {
  conv(tf, [x], given, tensor) {
    const pad = explicit(given);
    const { strides, dilations } = given;
    const filter = tensor('weight');
    // Fused operators take one number or a name for the padding.
    const padded = pad.flat().some((one) => one > 0) ? tf.pad(x, pad) : x;
    const options = { x: padded, filter, strides, pad: 'valid', dilations, bias: tensor('bias'), activation: activation(given) };
    if (given.depthwise) return tf.fused.depthwiseConv2d(options);
    if (given.group === 1) return tf.fused.conv2d(options);
    // By groups, which TensorFlow.js has not: as converters write it.
    const parts = (whole, axis) => tf.split(whole, given.group, axis);
    const [filters, biases] = [parts(filter, 3), parts(options.bias, 0)];
    return tf.concat(
      parts(padded, 3).map((part, i) => tf.fused.conv2d({ ...options, x: part, filter: filters[i], bias: biases[i] })),
      3,
    );
  },
  fc: (tf, [x], given, tensor) => tf.fused.matMul({ a: x, b: tensor('weight'), bias: tensor('bias'), activation: activation(given) }),
  maxpool(tf, [x], given) {
    const [top, left, bottom, right] = given.pads;
    return tf.maxPool(top + left + bottom + right > 0 ? tf.pad(x, explicit(given), -3e38) : x, given.size, given.strides, 'valid');
  },
  avgpool(tf, [x], given, tensor) {
    const [top, left, bottom, right] = given.pads;
    if (top + left + bottom + right === 0) return tf.avgPool(x, given.size, given.strides, 'valid');
    // Padding does not count in an average, so what it took away is given back.
    return tf.mul(tf.avgPool(tf.pad(x, explicit(given)), given.size, given.strides, 'valid'), tensor('counted'));
  },
  gap: (tf, [x]) => tf.mean(x, [1, 2], true),
  add(tf, [x, y], given) {
    const sum = tf.add(x, y);
    return given.relu ? tf.relu(sum) : sum;
  },
  mul: (tf, [x, y]) => tf.mul(x, y),
  scale: (tf, [x], given) => tf.mul(x, given.factor),
  norm: (tf, [x], given, tensor) => tf.add(tf.mul(x, tensor('factor')), tensor('shift')),
  relu: (tf, [x]) => tf.relu(x),
  sigmoid: (tf, [x]) => tf.sigmoid(x),
  hardsigmoid: (tf, [x]) => tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6),
  swish: (tf, [x]) => tf.mul(x, tf.sigmoid(x)),
  hswish: (tf, [x]) => tf.mul(x, tf.mul(tf.relu6(tf.add(x, 3)), 1 / 6)),
  matmul: (tf, [x, y]) => tf.matMul(x, y),
  layernorm(tf, [x], given, tensor) {
    const { mean, variance } = tf.moments(x, -1, true);
    const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, given.epsilon)));
    return tf.add(tf.mul(normal, tensor('scale')), tensor('shift'));
  },
  softmax: (tf, [x]) => tf.softmax(x),
  flatten: (tf, [x]) => tf.reshape(x, [x.shape[0], -1]),
  shuffle(tf, [x], given) {
    const [batch, height, width, channels] = x.shape;
    const apart = tf.reshape(x, [batch, height, width, given.groups, channels / given.groups]);
    return tf.reshape(tf.transpose(apart, [0, 1, 2, 4, 3]), x.shape);
  },
};

/** Inputs, which networks share. */
const held = new Map();

async function loadSteps(tf, { steps, weights, inputs, output }, values) {
  const bytes = readFileSync(weights);
  const numbers = (at, count) => new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * count));
  for (const step of steps) {
    if (!(step.op in kSteps)) throw new Error(step.op);
    step.tensors = {};
    for (const { name, shape, at } of step.weights) {
      step.tensors[name] = tf.tensor(numbers(at, shape.reduce((product, length) => product * length, 1)), shape);
    }
  }
  const given = {};
  for (const input of inputs) {
    const key = `${input.file} ${input.shape}`;
    if (!held.has(key)) {
      const x = tf.tensor(values(input), input.shape);
      held.set(key, input.shape.length === 4 ? tf.transpose(x, [0, 2, 3, 1]) : x);
    }
    given[input.name] = held.get(key);
  }
  const compute = () => {
    const results = { ...given };
    for (const step of steps) {
      const read = step.inputs.map((name) => results[name]);
      results[step.output] = kSteps[step.op](tf, read, step.given, (name) => step.tensors[name]);
    }
    return results[output];
  };
  return {
    // The result is there when the operators have run: these backends do not wait for it to be read.
    run: () => tf.tidy(() => void compute()),
    answer: () => tf.tidy(() => {
      const result = compute();
      return (result.rank === 4 ? tf.transpose(result, [0, 3, 1, 2]) : result).dataSync();
    }),
  };
}
