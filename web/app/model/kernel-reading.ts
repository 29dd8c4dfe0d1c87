/** Reads timings of single kernels: kernel,n,h,w,cin,cout,kh,kw,stride,groups,latency_ms a line. Pure. */

import Papa from 'papaparse';
import { withUnit } from '../format.js';
import { kToMeasure } from '../reading.js';
import type { Mark } from '../state.js';

/** Columns of a kernel, in the order of its key. */
export const kKernelColumns = ['kernel', 'n', 'h', 'w', 'cin', 'cout', 'kh', 'kw', 'stride', 'groups'] as const;
const kLatency = 'latency_ms';
/** By their keys, as the project's own tools write them. */
const kKey = 'arch';

const kTypes = /^(conv|dwconv|fc|linear|maxpool|avgpool|gap|global-avgpool|add|se|squeeze-excite|swish|hswish|matmul|layernorm|softmax|attention)(-bn|-relu|,|$)/;

/** Types as LitePred and nn-Meter call them. */
const kOthers: Readonly<Record<string, string>> = { linear: 'fc', 'global-avgpool': 'gap', 'squeeze-excite': 'se' };

/** The type of a kernel by its key, as a decomposition calls it. */
export function kernelType(key: string): string {
  const [type = ''] = key.split(',');
  return kOthers[type] ?? type.replace(/-(bn|relu).*$/, '');
}

/** A timed kernel that was understood. */
export interface KernelReading {
  readonly line: number;
  readonly kernel: string;
  readonly latency_ms: number;
}

function fieldsOf(line: string): string[] {
  const [fields = []] = Papa.parse<string[]>(line, { delimiter: [',', ';', '\t'].find((each) => line.includes(each)) ?? ',' }).data;
  return fields.map((field) => field.trim());
}

const isEmpty = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/** Measurements of both kinds in one text: the lines of each, with empty ones where those of the other were, so that lines keep their numbers. */
export function separated(text: string): { readonly kernels: string; readonly models: string } {
  // Of JSON only whole models are read, which may well be called like kernels.
  if (/^\s*[[{]/.test(text)) return { kernels: '', models: text };
  let below = false;
  const lines = text.split('\n').map((line) => {
    const fields = fieldsOf(line);
    const [first = ''] = fields;
    if (isEmpty(line)) return { line, ofKernel: false };
    if (isHeader(fields)) below = true;
    else if (fields.includes(kLatency)) below = false;
    // Below the names of a kernel's columns, one of a type that does not exist is one too.
    const isLong = first.includes(',') || fields.length > 4;
    return { line, ofKernel: isHeader(fields) || (isLong && (below || kTypes.test(first))) };
  });
  const only = (ofKernel: boolean): string => lines.map((each) => (each.ofKernel === ofKernel ? each.line : '')).join('\n');
  return { kernels: only(true), models: only(false) };
}

function isHeader(fields: readonly string[]): boolean {
  return fields.includes('kernel') || (fields.includes(kKey) && fields.includes(kLatency));
}

export function checkKernels(text: string): { readonly marks: readonly Mark[]; readonly kernels: readonly KernelReading[] } {
  let columns: readonly string[] = [...kKernelColumns, kLatency];
  const kernels: KernelReading[] = [];
  const marks: Mark[] = [];
  text.split('\n').forEach((content, i) => {
    const line = i + 1;
    if (isEmpty(content)) return;
    const fields = fieldsOf(content);
    if (isHeader(fields)) {
      columns = fields;
      marks.push({ line, kind: 'skipped', reading: 'columns', fixes: [] });
      return;
    }
    // A key in quotes is one field, whatever the columns are called.
    const quoted = fields[0]?.includes(',') ?? false;
    const at = (name: string): string => fields[columns.indexOf(name)] ?? '';
    const kernel = quoted ? (fields[0] ?? '') : columns.includes('kernel') ? kKernelColumns.map(at).join(',').replace(/,+$/, '') : at(kKey);
    const latency = quoted && !columns.includes(kKey) ? (fields[1] ?? '') : at(kLatency);
    const wrong = faultOf(kernel, latency);
    if (wrong !== undefined) {
      marks.push({ line, kind: 'bad', reading: '!', message: wrong, fixes: [] });
    } else if (latency === '') {
      marks.push({ line, kind: 'skipped', reading: kToMeasure, fixes: [] });
    } else {
      kernels.push({ line, kernel, latency_ms: Number(latency) });
      marks.push({ line, kind: 'good', reading: withUnit(Number(latency), 'ms'), fixes: [] });
    }
  });
  return { marks, kernels };
}

function faultOf(kernel: string, latency: string): string | undefined {
  const [type = '', ...sizes] = kernel.split(',');
  if (!kTypes.test(type)) return `"${type}" is no type of kernel; expected one such as conv, dwconv, fc or maxpool`;
  const size = sizes.slice(0, kKernelColumns.length - 1).findIndex((text) => text !== '' && !/^[1-9]\d*(\.0+)?(x[1-9]\d*)?$/.test(text));
  if (size >= 0) return `${kKernelColumns[size + 1]} is "${sizes[size]}"; expected a whole number from 1`;
  if (latency !== '' && !(Number(latency) > 0 && Number(latency) < Infinity)) return `the latency is "${latency}"; expected milliseconds above 0`;
  return undefined;
}
