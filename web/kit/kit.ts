/**
 * A measurement kit: a zip of the networks to measure as ONNX models, a manifest that says what they are, and a script for each
 * runtime that measures them and writes a CSV that the page and the command line read. The same input gives the same bytes.
 */
import { strToU8, Zip, ZipDeflate } from 'fflate';

import { LatencastError } from '../api/errors.js';
import type { Cancellable, Engine, ExportOptions, SpaceId } from '../api/types.js';
import { kProtocol, type Protocol } from './protocol.js';
import { kRuntimes, type KitRuntime, type KitRuntimeId } from './runtimes.js';

export interface KitOptions extends ExportOptions, Cancellable {
  /** The files of `scripts/`, by name. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Default: all. */
  readonly runtimes?: readonly KitRuntimeId[];
  /** How the architectures were chosen, for the manifest. */
  readonly sampler?: string;
  readonly onProgress?: (done: number) => void;
}

/** `manifest.json` of a kit. */
export interface KitManifest {
  readonly format: 'latencast-kit';
  readonly version: 1;
  readonly space: SpaceId;
  readonly sampler?: string;
  readonly protocol: Protocol;
  readonly networks: readonly KitNetwork[];
}

export interface KitNetwork {
  /** Canonical. */
  readonly arch: string;
  readonly file: string;
  readonly input: KitTensor;
  readonly output: KitTensor;
  /** Multiply-adds. */
  readonly macs: number;
  readonly params: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Of 32-bit floats. */
export interface KitTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The folder that the zip unpacks to. */
const kFolder = 'latencast-kit';

/** A network's file says what it holds: `nb201-421211.onnx`. */
export function networkFile(space: SpaceId, architecture: string): string {
  return `${space}-${architecture}.onnx`;
}

/** Bytes packed at a time; a page stays usable between two of them. */
const kSlice = 1 << 20;

/** The parts of a kit's zip, in order: as many bytes as the networks have may not fit into one array. */
export async function makeKit(
  engine: Engine,
  space: SpaceId,
  architectures: readonly string[],
  options: KitOptions,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const { scripts, sampler, pixels, classes, seed, signal, onProgress } = options;
  const canonical = await parseAll(engine, space, architectures);
  const runtimes = kRuntimes.filter(({ id }) => !options.runtimes || options.runtimes.includes(id));
  const zip = new Packer();
  const networks: KitNetwork[] = [];
  for (const architecture of canonical) {
    if (signal?.aborted) throw new LatencastError('cancelled', 'kit: cancelled');
    const file = networkFile(space, architecture);
    const given = { ...(pixels && { pixels }), ...(classes && { classes }), ...(seed && { seed }) };
    const bytes = await engine.exportOnnx(space, architecture, given);
    networks.push({ arch: architecture, file, ...(await describe(engine, bytes)) });
    await zip.add(file, bytes);
    onProgress?.(networks.length / canonical.length);
  }
  const manifest: KitManifest = {
    ...{ format: 'latencast-kit', version: 1, space },
    ...(sampler !== undefined && { sampler }),
    ...{ protocol: kProtocol, networks },
  };
  await zip.add('manifest.json', strToU8(`${JSON.stringify(manifest, undefined, 1)}\n`));
  await zip.add('README.txt', strToU8(readme(manifest, runtimes)));
  for (const name of [...new Set(runtimes.flatMap(({ files }): readonly string[] => files))].sort()) {
    const text = scripts[name];
    if (text === undefined) throw new LatencastError('internal', `kit: the script ${name} is missing`);
    await zip.add(name, strToU8(text));
  }
  return zip.end();
}

/** Canonical and each once. */
async function parseAll(engine: Engine, space: SpaceId, architectures: readonly string[]): Promise<string[]> {
  const parsed = await engine.parse(space, architectures);
  const canonical = parsed.map((one, i) => {
    if (one.ok) return one.architecture;
    throw new LatencastError('architecture', `kit: architecture ${i + 1}: ${one.message}`);
  });
  if (canonical.length === 0) throw new LatencastError('argument', 'kit: found 0 architectures; expected at least 1');
  return [...new Set(canonical)];
}

/** Read back from the model itself. */
async function describe(engine: Engine, bytes: Uint8Array): Promise<Omit<KitNetwork, 'arch' | 'file'>> {
  const model = await engine.openModel(bytes);
  try {
    const { inputs, outputs, macs, params } = model.info;
    const [input, output] = [inputs[0], outputs[0]];
    if (!input || !output) throw new LatencastError('internal', 'kit: an exported model has no input or no output');
    const tensor = ({ name, shape }: KitTensor): KitTensor => ({ name, shape });
    return {
      ...{ input: tensor(input), output: tensor(output), macs, params },
      ...{ bytes: bytes.length, sha256: await sha256(bytes) },
    };
  } finally {
    model.dispose();
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  // Browsers have it on https and localhost alone.
  if (!globalThis.crypto?.subtle) {
    throw new LatencastError('load', 'kit: this page came over plain http, where browsers compute no checksums; open it over https');
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A zip in the making. */
class Packer {
  private readonly parts: Uint8Array<ArrayBuffer>[] = [];
  private failure: Error | undefined;
  private readonly zip = new Zip((error, part) => {
    if (error) this.failure = error;
    else this.parts.push(part);
  });

  async add(name: string, bytes: Uint8Array): Promise<void> {
    const file = new ZipDeflate(`${kFolder}/${name}`, { level: 6 });
    // One date for all, the first that a zip can say.
    file.mtime = new Date(1980, 0, 1);
    file.os = 3; // Unix, whose permissions follow
    file.attrs = (name.endsWith('.sh') ? 0o755 : 0o644) << 16;
    this.zip.add(file);
    for (let at = 0; ; at += kSlice) {
      const last = at + kSlice >= bytes.length;
      file.push(bytes.subarray(at, at + kSlice), last);
      if (this.failure) throw new LatencastError('internal', `kit: ${name} could not be packed (${this.failure.message})`);
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (last) return;
    }
  }

  end(): Uint8Array<ArrayBuffer>[] {
    this.zip.end();
    return this.parts;
  }
}

function readme({ space, networks, sampler, protocol }: KitManifest, runtimes: readonly KitRuntime[]): string {
  const percent = (share: number): string => `${100 * share} %`;
  const steps = runtimes.flatMap(({ title, needs, start, notes, untested }) => [
    `${title}`,
    `  needs   ${needs}`,
    `  start   ${start}`,
    ...notes.map((note) => `  note    ${note}`),
    ...(untested === undefined ? [] : [`  UNTESTED: ${untested}.`]),
    '',
  ]);
  return `${[
    `latencast measurement kit: ${networks.length} networks of the space ${space}${sampler === undefined ? '' : `, chosen by the sampler ${sampler}`}`,
    '',
    'Run one of the scripts below on the device to be known, in this folder. It writes measurements-RUNTIME.csv; paste that file into the',
    'latencast page, or run',
    '',
    `  npx latencast transfer --space ${space} --measurements measurements-RUNTIME.csv --out mine.latencast`,
    '',
    'The networks are ONNX models (opset 13, single precision, batch of one) with random weights: how long a network takes does not',
    'depend on what it has learnt. manifest.json says what each file is. An interrupted script goes on where it was when it is started',
    'again; --fresh begins anew. --help lists the options of each.',
    '',
    `The protocol, version ${protocol.version}`,
    '',
    `  - One run of one image is timed from a ready input in main memory to a ready output in main memory. Loading, converting and compiling`,
    `    come before and do not count. One thread unless you say otherwise; say so in the name of the device.`,
    `  - Networks are measured in rounds, in another order every round, because machines drift: a round visits every network once.`,
    `  - A visit: ${protocol.warm_up_runs} run to warm up, one to see how long a run takes, then ${protocol.fewest_readings} to ${protocol.most_readings} readings that together take some ${protocol.visit_ms} ms. A reading is as`,
    `    many runs as the clock needs to be right within a hundredth. What counts is the ${percent(protocol.low_quantile)} quantile of the readings.`,
    `  - One factor a round says how much slower everything was in it; it is divided out. Rounds slower than the others by ${protocol.throttled} do not count.`,
    `  - A network's latency is the ${percent(protocol.low_quantile)} quantile over rounds. There are at least ${protocol.fewest_rounds} rounds, and more until the error of all networks but the`,
    `    worst tenth is below ${percent(protocol.relative_error)}, until there are ${protocol.most_rounds}, or until ${protocol.seconds} s are over (--error, --seconds).`,
    `  - Close other programs, plug the device in, let it cool down before. Do not mix devices, runtimes, thread counts or precisions in`,
    `    one file.`,
    '',
    'The runtimes',
    '',
    ...steps.map((line) => (line === '' ? '' : `  ${line}`)),
  ]
    .join('\n')
    .trimEnd()}\n`;
}
