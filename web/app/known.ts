/** Devices that the shipped weights have learned from: 20 of their published latencies each, so that nothing has to be measured. */

import type { Measurement } from '../api/index.js';
import type { PageSpace } from './spaces/kind.js';
import { writeMeasurements } from '../api/measurements.js';
import stored from './known.json';

interface KnownSpace {
  readonly architectures: readonly string[];
  /** Milliseconds by device, one for each of the architectures. */
  readonly devices: Readonly<Record<string, readonly number[]>>;
}

// As make-known.mjs writes it; a union of all shapes that the file's devices have would say less.
const kKnown = stored as unknown as Readonly<Partial<Record<PageSpace, KnownSpace>>>;

/** Names of the devices of a space, as the weights call them. */
export function knownDevices(space: PageSpace): readonly string[] {
  return Object.keys(kKnown[space]?.devices ?? {});
}

/** Their published latencies; none of any other device. */
export function knownMeasurements(space: PageSpace, device: string): readonly Measurement[] {
  const { architectures = [], devices } = kKnown[space] ?? {};
  return (devices?.[device] ?? []).map((latency_ms, i) => ({ architecture: architectures[i]!, latency_ms }));
}

/** The same as a notebook holds them; undefined of any other device. */
export function knownText(space: PageSpace, device: string): string | undefined {
  const measurements = knownMeasurements(space, device);
  return measurements.length === 0 ? undefined : writeMeasurements(measurements);
}

const kHelp = 'HayeonLee/HELP (MIT)';
const kOneProxy = 'EAGLE by way of Ren-Research/OneProxy (MIT)';

/** Where they were published. */
export function knownOrigin(space: PageSpace, device: string): string {
  const source =
    device === 'desktop_cpu_core_i7_7820x_fp32'
      ? 'EAGLE by way of zheng-ningxin/brp-nas (Apache-2.0)'
      : /_(fp32|fp16|int8)$/.test(device)
        ? kOneProxy
        : space === 'nb201' && ['fpga', 'pixel3'].includes(device)
          ? `HW-NAS-Bench (MIT) by way of ${kHelp}`
          : kHelp;
  return `20 published latencies, of ${source}. The weights have learned from this device.`;
}

const kTitles: Readonly<Record<string, string>> = {
  '1080ti': 'GTX 1080 Ti',
  '2080ti': 'RTX 2080 Ti',
  titan_rtx: 'TITAN RTX',
  titanx: 'TITAN X',
  titanxp: 'TITAN Xp',
  titan_xp: 'TITAN Xp',
  essential_ph_1: 'Essential PH-1',
  eyeriss: 'Eyeriss accelerator',
  fpga: 'FPGA (ZC706)',
  gold_6226: 'Xeon Gold 6226',
  gold_6240: 'Xeon Gold 6240',
  pixel2: 'Pixel 2',
  pixel3: 'Pixel 3',
  raspi4: 'Raspberry Pi 4',
  samsung_a50: 'Galaxy A50',
  samsung_s7: 'Galaxy S7',
  silver_4114: 'Xeon Silver 4114',
  silver_4210r: 'Xeon Silver 4210R',
  desktop_cpu_core_i7_7820x_fp32: 'Core i7-7820X',
  mobile_cpu_snapdragon_855_kryo_485_int8: 'Snapdragon 855 CPU, int8',
  mobile_dsp_snapdragon_855_hexagon_690_int8: 'Snapdragon 855 DSP, int8',
  mobile_gpu_snapdragon_855_adreno_640_int8: 'Snapdragon 855 GPU, int8',
  desktop_gpu_gtx_1080ti_fp32: 'GTX 1080 Ti (EAGLE)',
  embedded_gpu_jetson_nano_fp32: 'Jetson Nano, fp32',
  embedded_gpu_jetson_nano_fp16: 'Jetson Nano, fp16',
  embedded_tpu_edgetpu_int8: 'Edge TPU, int8',
};

/** What people call it: `GTX 1080 Ti, batch 32`; the name itself where it has no title. */
export function knownTitle(device: string): string {
  const [, chip = '', batch = ''] = /^(.*)_(\d+)$/.exec(device) ?? [];
  return kTitles[device] ?? (kTitles[chip] === undefined ? device : `${kTitles[chip]}, batch ${batch}`);
}

/** What a device is, for the charts. */
export type Kind = 'gpu' | 'cpu' | 'phone' | 'accelerator';

/** Undefined of a device whose name says nothing. */
export function kindOf(device: string): Kind | undefined {
  if (/1080ti|2080ti|titan|jetson/.test(device)) return 'gpu';
  if (/^(gold|silver|raspi)|core_i7/.test(device)) return 'cpu';
  if (/^(pixel|samsung|essential)|mobile_(cpu|gpu)/.test(device)) return 'phone';
  return /eyeriss|fpga|tpu|dsp/.test(device) ? 'accelerator' : undefined;
}
