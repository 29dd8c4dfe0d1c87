/** With what networks are run, and how long. */

import type { Limits } from './schedule.js';

export interface Setting {
  readonly provider: 'wasm' | 'webgpu' | 'webnn';
  /** Of the WebAssembly provider. */
  readonly threads: number;
  readonly effort: Effort;
}

export type Effort = 'quick' | 'thorough';

export const kLimits: Readonly<Record<Effort, Limits>> = {
  quick: { fewestRounds: 3, mostRounds: 8, error: 0.05, seconds: 20 },
  thorough: { fewestRounds: 5, mostRounds: 40, error: 0.02, seconds: 90 },
};

export const kEffortTitles: Readonly<Record<Effort, string>> = {
  quick: 'Quick: readings within 5 %, or 20 s',
  thorough: 'Thorough: readings within 2 %, or 90 s',
};

export type Provider = Pick<Setting, 'provider' | 'threads'>;

/** What this browser can run networks with. Threads share memory, which browsers allow on isolated pages only. */
export function providers(): readonly Provider[] {
  const threads = crossOriginIsolated ? navigator.hardwareConcurrency : 1;
  return [
    { provider: 'wasm', threads: 1 },
    ...(threads > 1 ? [{ provider: 'wasm', threads } as const] : []),
    ...('gpu' in navigator ? [{ provider: 'webgpu', threads: 1 } as const] : []),
    ...('ml' in navigator ? [{ provider: 'webnn', threads: 1 } as const] : []),
  ];
}

export function titleOf({ provider, threads }: Provider): string {
  switch (provider) {
    case 'wasm':
      return threads > 1 ? `WebAssembly, ${threads} threads` : 'WebAssembly, one thread';
    case 'webgpu':
      return 'WebGPU';
    case 'webnn':
      return 'WebNN';
  }
}
