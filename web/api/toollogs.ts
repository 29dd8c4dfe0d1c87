/**
 * What the runtimes' own tools print, read as measurements. Which network a figure is of is told by a file name that the output has
 * before it, such as `nb201-421211.onnx`: the names of a measurement kit say which architecture they hold.
 */
import type { LatencyUnit, MeasurementLine } from './measurements.js';

/** A kit's network, by any ending and in any folder. */
const kNetwork = /(?<![\w-])(?:nb201|fbnet|ofa)-(\d+(?:-\d+)*)(?![\d-])/;

/** The architecture that a file's name says; undefined where it says none. */
export function architectureInName(text: string): string | undefined {
  return kNetwork.exec(text)?.[1];
}

interface Figure {
  /** Its first group is the number. */
  readonly pattern: RegExp;
  readonly unit: LatencyUnit;
  /** Of several figures of one run the one of the lowest rank counts; others are beside it. */
  readonly rank: number;
}

const kNumber = String.raw`(\d[\d.]*(?:e[+-]?\d+)?)`;

const figure = (pattern: string, unit: LatencyUnit, rank = 0): Figure => ({ pattern: new RegExp(pattern, 'i'), unit, rank });

const kFigures: readonly Figure[] = [
  // LiteRT's benchmark_model, https://ai.google.dev/edge/litert/models/measurement
  figure(String.raw`Inference timings in us:.*Inference \(avg\): ${kNumber}`, 'us'),
  // trtexec, https://docs.nvidia.com/deeplearning/tensorrt: with the transfers, not one of them alone
  figure(String.raw`\] Latency: min = .*median = ${kNumber} ms`, 'ms'),
  // onnxruntime_perf_test, https://github.com/microsoft/onnxruntime/tree/main/onnxruntime/test/perftest
  figure(String.raw`^\s*P50 Latency(?: is|:) ${kNumber} s(?:ec)?\b`, 's'),
  figure(String.raw`^\s*Average (?:inference )?time cost: ${kNumber} ms`, 'ms', 1),
  // OpenVINO's benchmark_app, https://docs.openvino.ai
  figure(String.raw`^\s*(?:\[ INFO \])?\s*Median:\s+${kNumber} ms\s*$`, 'ms'),
  figure(String.raw`^\s*(?:\[ INFO \])?\s*Average:\s+${kNumber} ms\s*$`, 'ms', 1),
  // ncnn's benchncnn, https://github.com/Tencent/ncnn/tree/master/benchmark: few runs, of which the least is the steadiest
  figure(String.raw`\bmin = +${kNumber} +max = +[\d.]+ +avg = +[\d.]+`, 'ms'),
];

interface Found {
  readonly latency: number;
  readonly unit: LatencyUnit;
  readonly rank: number;
}

function figureIn(line: string): Found | undefined {
  for (const { pattern, unit, rank } of kFigures) {
    const latency = Number(pattern.exec(line)?.[1]);
    if (Number.isFinite(latency)) return { latency, unit, rank };
  }
  return undefined;
}

/** Lines of such an output; undefined where the text is none. */
export function readToolLog(source: string): MeasurementLine[] | undefined {
  const texts = source.split('\n');
  const figures = texts.map(figureIn);
  if (!figures.some((found) => found)) return undefined;

  // What was last named before each line, or on it, and the least rank of figures until another is named.
  const ranks: number[] = [];
  const runs: number[] = [];
  let architecture: string | undefined;
  const architectures = texts.map((text, i) => {
    const named = architectureInName(text);
    if (named !== undefined && named !== architecture) ranks.push(Infinity);
    architecture = named ?? architecture;
    if (ranks.length === 0) ranks.push(Infinity);
    const run = ranks.length - 1;
    ranks[run] = Math.min(ranks[run]!, figures[i]?.rank ?? Infinity);
    runs.push(run);
    return architecture;
  });

  return texts.flatMap((text, i): MeasurementLine[] => {
    if (text.trim() === '') return [];
    const line = { line: i + 1, text };
    const found = figures[i];
    const named = architectures[i];
    if (!found) return [{ ...line, status: 'skipped', reason: "part of a tool's output" }];
    const { latency, unit, rank } = found;
    if (rank > ranks[runs[i]!]!) return [{ ...line, status: 'skipped', reason: 'the median counts' }];
    if (named === undefined) {
      const reason = 'no line before says which network this is of; expected a file name of a kit, such as nb201-421211.onnx';
      return [{ ...line, status: 'error', reason }];
    }
    if (latency <= 0) return [{ ...line, status: 'error', reason: `the latency is ${latency}; expected a positive one` }];
    return [{ ...line, status: 'ok', architecture_text: named, latency, unit }];
  });
}
