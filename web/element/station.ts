/** What all elements of a page share: one engine, and each file fetched once. */

import { createEngine } from '../api/engine.js';
import { fetchBytes } from '../api/fetch.js';
import type { Engine, Measurement, Predictor, SpaceId } from '../api/types.js';
import workerScript from '../api/worker.js?worker&url';
import restWasm from '../../build-wasm/wasm/latencast-rest.wasm?url';
import wasm from '../../build-wasm/wasm/latencast.wasm?url';
import knownDevices from '../app/known.json?url';
import type { AccuracySet } from './types.js';

const kGrace = 3000; // ms that an engine without users is kept: elements are often taken out and put back elsewhere

/** Where the package has them; each written out, so that bundlers of other people's pages find them and take them along. */
const kShipped = {
  'nb201.latencast': new URL(/* @vite-ignore */ '../../weights/nb201.latencast', import.meta.url),
  'nb201.accuracy.bin': new URL(/* @vite-ignore */ '../../weights/nb201.accuracy.bin', import.meta.url),
  'fbnet.latencast': new URL(/* @vite-ignore */ '../../weights/fbnet.latencast', import.meta.url),
  'ofa.latencast': new URL(/* @vite-ignore */ '../../weights/ofa.latencast', import.meta.url),
};

/** What is needed of a space. */
export interface Ground {
  readonly engine: Engine;
  readonly base: Predictor;
  /** What stands for the space: all of it where it can be listed. */
  readonly pool: readonly string[];
  readonly rowOf: ReadonlyMap<string, number>;
  /** Percent by row, where known. */
  readonly accuracies?: Readonly<Record<AccuracySet, Float64Array>>;
}

type Kind = Engine['kind'];

/** Published measurements of the devices that the weights know. */
type Known = Readonly<
  Record<SpaceId, { readonly architectures: readonly string[]; readonly devices: Readonly<Record<string, readonly number[]>> }>
>;

const stations = new Map<Kind, Station>();

/** The engine of one kind, while anybody uses it. */
export class Station {
  readonly engine: Promise<Engine>;
  readonly #grounds = new Map<string, Promise<Ground>>();
  #users = 0;
  #closing: ReturnType<typeof setTimeout> | undefined;

  /** Every `enter` needs one `leave`. */
  static enter(kind: Kind): Station {
    let station = stations.get(kind);
    if (!station) stations.set(kind, (station = new Station(kind)));
    clearTimeout(station.#closing);
    ++station.#users;
    return station;
  }

  private constructor(readonly kind: Kind) {
    this.engine = start(kind);
    // An engine that did not start is tried again by the next who asks.
    this.engine.catch(() => this.#forget());
  }

  leave(): void {
    if (--this.#users === 0) this.#closing = setTimeout(() => this.#close(), kGrace);
  }

  /** `weights`: the folder's address; where undefined, the package's own. `onShare` hears how much of the predictor has arrived, in [0, 1]; only who asks first does. */
  ground(space: SpaceId, weights: URL | undefined, onShare: (share: number) => void): Promise<Ground> {
    const key = `${space} ${weights?.href ?? ''}`;
    let ground = this.#grounds.get(key);
    if (!ground) {
      ground = this.#make(space, weights, onShare);
      this.#grounds.set(key, ground);
      ground.catch(() => this.#grounds.delete(key));
    }
    return ground;
  }

  async #make(space: SpaceId, weights: URL | undefined, onShare: (share: number) => void): Promise<Ground> {
    const address = (name: keyof typeof kShipped) => (weights ? new URL(name, weights) : kShipped[name]);
    const predictor = fetchBytes(address(`${space}.latencast`), {
      onProgress: (received, total) => onShare(received / total),
    });
    const accuracies = space === 'nb201' ? fetchBytes(address('nb201.accuracy.bin')) : undefined;
    const [engine, bytes, known] = await Promise.all([this.engine, predictor, accuracies]);
    const [base, pool] = await Promise.all([engine.load(bytes), engine.pool(space)]);
    return {
      engine,
      base,
      pool,
      rowOf: new Map(pool.map((architecture, row) => [architecture, row])),
      ...(known ? { accuracies: readAccuracies(known, pool.length) } : {}),
    };
  }

  #forget(): void {
    if (stations.get(this.kind) === this) stations.delete(this.kind);
  }

  #close(): void {
    this.#forget();
    this.engine.then((engine) => engine.dispose()).catch(() => {});
  }
}

async function start(kind: Kind): Promise<Engine> {
  if (kind === 'local') return createEngine({ kind, wasm, restWasm });
  try {
    return await createEngine({ kind, wasm, restWasm, worker: workerScript });
  } catch {
    // A content security policy may forbid the worker. What else is wrong will be wrong here too, and said.
    return createEngine({ kind: 'local', wasm, restWasm });
  }
}

/** Hundredths of a percent (u16, little endian), one data set after the other (weights/README.md). */
function readAccuracies(bytes: Uint8Array, rows: number): Record<AccuracySet, Float64Array> {
  if (bytes.length !== 6 * rows) throw new Error(`nb201.accuracy.bin: ${bytes.length} bytes; expected ${6 * rows}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const set = (which: number): Float64Array =>
    Float64Array.from({ length: rows }, (_, row) => view.getUint16(2 * (which * rows + row), true) / 100);
  return { cifar10: set(0), cifar100: set(1), imagenet16: set(2) };
}

let known: Promise<Known> | undefined;

/** Measurements of a device that the weights know. Throws, naming those there are. */
export async function measurementsOf(space: SpaceId, device: string): Promise<Measurement[]> {
  known ??= fetchBytes(new URL(knownDevices, document.baseURI)).then(
    (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Known,
  );
  known.catch(() => (known = undefined));
  const { architectures, devices } = (await known)[space];
  const latencies = devices[device];
  if (!latencies) {
    throw new Error(`device ${JSON.stringify(device)} is not known, and there are no measurements; known: ${Object.keys(devices).join(', ')}`);
  }
  return architectures.map((architecture, i) => ({ architecture, latency_ms: latencies[i] ?? NaN }));
}
