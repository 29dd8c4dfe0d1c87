/** What the runtimes' own tools print, pasted. Lines are those of the tools; numbers and names are invented. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { api } from './helpers.js';

const { readMeasurements } = api;

/** `line architecture latency unit` of every measurement, `line reason` of every error; the rest must be skipped. */
function read(text: string): string[] {
  return readMeasurements(text).lines.flatMap((one) => {
    if (one.status === 'skipped') return [];
    return `${one.line} ${one.status === 'ok' ? `${one.architecture_text} ${one.latency} ${one.unit}` : one.reason}`;
  });
}

const kOfa = '75557757573753735353-64466343363336346436-22223-204';

describe('the output of', () => {
  test("LiteRT's benchmark_model", () => {
    const log = (path: string, avg: string, prefix = ''): string =>
      [
        'STARTING!',
        `Graph: [${path}]`,
        'Loaded model',
        'Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.',
        'count=37 first=14744 curr=15520 min=13164 max=18295 avg=13764.3 std=967',
        '',
        'count=74 first=14850 curr=13315 min=13105 max=15765 avg=13520.2 std=470',
        `Inference timings in us: Init: 12750, First inference: 14744, Warmup (avg): 13764.3, Inference (avg): ${avg}`,
        'Memory footprint delta from the start of the tool (MB): init=1.5 overall=3',
      ]
        .map((line) => (line === '' ? line : prefix + line))
        .join('\n');
    expect(read(`${log('/data/local/tmp/latencast/nb201-421211.tflite', '13520.2')}\n${log('nb201-000301.tflite', '1.2e+03', 'INFO: ')}`)).toEqual([
      '8 421211 13520.2 us',
      '17 000301 1200 us',
    ]);
  });

  test('trtexec', () => {
    const log = (file: string, median: string): string =>
      [
        `&&&& RUNNING TensorRT.trtexec [TensorRT v100300] # trtexec --onnx=${file} --useSpinWait`,
        '[08/21/2025-14:59:38] [I] === Performance summary ===',
        '[08/21/2025-14:59:38] [I] Throughput: 3716.81 qps',
        `[08/21/2025-14:59:38] [I] Latency: min = 0.17041 ms, max = 0.243042 ms, mean = 0.184305 ms, median = ${median} ms, percentile(90%) = 0.194153 ms`,
        '[08/21/2025-14:59:38] [I] Enqueue Time: min = 0.1 ms, max = 0.2 ms, mean = 0.15 ms, median = 0.15 ms',
        '[08/21/2025-14:59:38] [I] H2D Latency: min = 0.01 ms, max = 0.02 ms, mean = 0.015 ms, median = 0.015 ms',
        '[08/21/2025-14:59:38] [I] GPU Compute Time: min = 0.1 ms, max = 0.2 ms, mean = 0.15 ms, median = 0.15 ms',
        `&&&& PASSED TensorRT.trtexec [TensorRT v100300] # trtexec --onnx=${file} --useSpinWait`,
      ].join('\n');
    expect(read(`${log('fbnet-1311846603632677771552.onnx', '0.179932')}\n${log(`kit/ofa-${kOfa}.onnx`, '1.25')}`)).toEqual([
      '4 1311846603632677771552 0.179932 ms',
      `12 ${kOfa} 1.25 ms`,
    ]);
  });

  test('onnxruntime_perf_test, whose median counts where there is one', () => {
    const log = (file: string, ...percentiles: string[]): string =>
      [
        `$ onnxruntime_perf_test -m times -r 100 -I ${file}`,
        'Session creation time cost: 0.127918 s',
        'Total inference time cost: 1.44871 s',
        'Total inference requests: 10',
        'Average inference time cost: 144.871 ms',
        'Total inference run time: 1.44916 s',
        'Min Latency: 0.0559777 s',
        ...percentiles,
      ].join('\n');
    const text = [log('nb201-421211.onnx', 'P50 Latency: 0.0587108 s', 'P90 Latency: 0.06 s'), log('nb201-111111.onnx'), log('nb201-222222.onnx', 'P50 Latency is 0.05 sec')];
    expect(read(text.join('\n'))).toEqual(['8 421211 0.0587108 s', '14 111111 144.871 ms', '24 222222 0.05 s']);
  });

  test("OpenVINO's benchmark_app", () => {
    const log = (file: string, median: string): string =>
      [
        `$ benchmark_app -m ${file} -t 1 -hint latency`,
        '[Step 7/11] Loading the model to the device',
        '[ INFO ] Compile model took 567.38 ms',
        '[ INFO ] First inference took 27.87 ms',
        '[ INFO ] Duration:         1003.57 ms',
        '[ INFO ] Latency:',
        `[ INFO ]    Median:        ${median} ms`,
        '[ INFO ]    Average:       1.41 ms',
        '[ INFO ]    Min:           0.19 ms',
        '[ INFO ]    Max:           15.54 ms',
        '[ INFO ] Throughput:   680.57 FPS',
      ].join('\n');
    expect(read(`${log('nb201-440012.onnx', '0.30')}\n${log('.\\kit\\nb201-421211.onnx', '2.5')}`)).toEqual(['7 440012 0.3 ms', '18 421211 2.5 ms']);
  });

  test("ncnn's benchncnn", () => {
    const text = [
      'loop_count = 8',
      'num_threads = 1',
      '        nb201-421211  min =   10.35  max =   11.93  avg =   10.88',
      'nb201-111111.ncnn.param cpu min =    0.85  max =    0.93  avg =    0.88  user =    0.80  sys =    0.00',
    ].join('\n');
    expect(read(text)).toEqual(['3 421211 10.35 ms', '4 111111 0.85 ms']);
  });
});

test('several runs of one network are several readings', () => {
  const run = 'Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3, Inference (avg): ';
  expect(read(`Graph: [nb201-421211.tflite]\n${run}400\nGraph: [nb201-421211.tflite]\n${run}410`)).toEqual(['2 421211 400 us', '4 421211 410 us']);
});

test('a figure of nobody knows which network is an error, and not lost', () => {
  expect(read('Inference timings in us: Init: 1, First inference: 2, Warmup (avg): 3, Inference (avg): 4')).toEqual([
    '1 no line before says which network this is of; expected a file name of a kit, such as nb201-421211.onnx',
  ]);
});

test('the files of a kit stand for what they hold', () => {
  expect(read(`file,latency_ms\nnb201-421211.onnx,12.4\n`)).toEqual(['2 421211 12.4 ms']);
  expect(read(`12.4 ms\tkit/ofa-${kOfa}.tflite\nnb201-000000.onnx 3 ms`)).toEqual([`1 ${kOfa} 12.4 ms`, '2 000000 3 ms']);
  expect(read('{"nb201-421211.onnx": 12.4}')).toEqual(['1 421211 12.4 undefined']);
});

test('a kit writes what is read', () => {
  const text = '# latencast kit, protocol 1, 12 rounds\n# threads: 1\narch,latency_ms,relative_error,median_ms,rounds\n421211,12.4,0.002,12.6,12\n';
  expect(read(text)).toEqual(['4 421211 12.4 ms']);
  expect(read('# runtime: tensorrt\nround,arch,latency_ms\n1,421211,2.5\n2,421211,2.6\n')).toEqual(['3 421211 2.5 ms', '4 421211 2.6 ms']);
});

test("a kit's errors are kept", () => {
  const text = '# latencast kit\narch,latency_ms,relative_error,median_ms,rounds\n421211,12.4,0.002,12.6,12\n421212,12.5,nan,12.6,12\n';
  expect(readMeasurements(text).lines.map(({ relative_error }) => relative_error)).toEqual([undefined, undefined, 0.002, undefined]);
});

test('whatever stands between, every line is accounted for and every figure found', () => {
  const noise = fc.constantFrom('STARTING!', '[I] Throughput: 3716.81 qps', '', 'min=3 max=4', 'Average latency is good', '2025-01-01 12:00:00');
  const network = fc.record({ arch: fc.stringMatching(/^[0-4]{6}$/), micros: fc.integer({ min: 1, max: 1e7 }), noise: fc.array(noise, { maxLength: 4 }) });
  fc.assert(
    fc.property(fc.array(network, { minLength: 1, maxLength: 10 }), (networks) => {
      const text = networks.flatMap(({ arch, micros, noise }) => [
        `Graph: [/tmp/nb201-${arch}.tflite]`,
        ...noise,
        `Inference timings in us: Init: 855, First inference: 4, Warmup (avg): 5, Inference (avg): ${micros}`,
      ]);
      const { lines } = readMeasurements(text.join('\n'));
      expect(lines.map(({ line }) => line)).toEqual(text.flatMap((line, i) => (line === '' ? [] : i + 1)));
      const found = lines.filter(({ status }) => status === 'ok').map(({ architecture_text, latency }) => [architecture_text, latency]);
      expect(found).toEqual(networks.map(({ arch, micros }) => [arch, micros]));
    }),
  );
});
