/** Reads measurements of one's own device: whole models, a name and a latency a line, and single kernels. Pure. */

import { kMilliseconds, kNoLatencyYet, quantityOf, readMeasurements } from '../../api/measurements.js';
import { withUnit } from '../format.js';
import { kToMeasure } from '../reading.js';
import type { Mark } from '../state.js';
import { checkKernels, separated } from './kernel-reading.js';
import { kNetworkIds, kNetworks, type ModelCheck, type ModelName, type ModelReading } from './state.js';

/** files: those that were opened, by name. */
export function checkModels(text: string, files: readonly string[]): ModelCheck {
  const parts = separated(text);
  const { marks: ofKernels, kernels } = checkKernels(parts.kernels);
  const readings: ModelReading[] = [];
  const ofModels = readMeasurements(parts.models).lines.map((line): Mark => {
    const bad = (message: string): Mark => ({ line: line.line, kind: 'bad', reading: '!', message, fixes: [] });
    if (line.status === 'error') return bad((line.reason ?? '').replaceAll('an architecture', 'a model').replaceAll('architecture', 'model'));
    const name = line.architecture_text ?? '';
    if (line.status === 'skipped') {
      return { line: line.line, kind: 'skipped', reading: line.reason === kNoLatencyYet ? kToMeasure : 'skipped', fixes: [] };
    }
    const { unit = 'ms' } = line;
    if (quantityOf(unit) === 'energy') return bad(`${unit} is an energy; expected a latency such as 12.4 ms`);
    const model = named(name, files);
    if (!model) return bad(`"${name}" is neither a file that was opened here nor a known network such as ${nearest(name)}; open its file first`);
    const latency_ms = (line.latency ?? Number.NaN) * kMilliseconds[unit];
    readings.push({ line: line.line, text: name, model, latency_ms });
    return { line: line.line, kind: 'good', reading: withUnit(latency_ms, 'ms'), fixes: [] };
  });
  return { text, marks: [...ofKernels, ...ofModels].sort((a, b) => a.line - b.line), readings, kernels };
}

/** What a name means: a file as it is called, with or without its ending, or a network however it is spelt. */
export function named(name: string, files: readonly string[]): ModelName | undefined {
  const file = files.find((each) => each === name) ?? files.find((each) => plain(each) === plain(name));
  if (file !== undefined) return { file };
  const network = kNetworkIds.find((id) => plain(id) === plain(name) || plain(kNetworks[id]) === plain(name));
  return network && { network };
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.(onnx|param|json)$/, '')
    .replace(/[^a-z0-9]/g, '');
}

/** The known network whose name begins most like another. */
function nearest(name: string): string {
  const alike = (id: string): number => {
    const [a, b] = [plain(id), plain(name)];
    let same = 0;
    while (same < a.length && a[same] === b[same]) ++same;
    return same;
  };
  return kNetworkIds.reduce((best, id) => (alike(id) > alike(best) ? id : best));
}
