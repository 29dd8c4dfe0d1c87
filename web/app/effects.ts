/** Everything that takes time or leaves the page's memory: the engine, files, the clipboard. Answers come as actions. */

import {
  createEngine,
  fetchBytes,
  LatencastError,
  type Engine,
  type Predictor,
  type TransferProgress,
} from '../api/index.js';
import { writeMeasurements } from '../api/measurements.js';
import { measured, othersThan, rows } from './derive.js';
import { loadExample, loadSpace } from './examples.js';
import { checkLookup, checkSheet, withIndex } from './reading.js';
import { saveFile, toCsv } from './save.js';
import type { SpaceTable } from './space.js';
import {
  currentCheck,
  deviceTitle,
  isExample,
  kExamples,
  kFewestToCheck,
  type Action,
  type DeviceId,
  type ExampleId,
  type Notice,
  type Reading,
  type Result,
  type State,
} from './state.js';

const kTypingPause = 120; // ms after the last key before the text is read again
const kConfirmation = 6000; // ms that a confirmation stays
const kMostText = 4e6; // characters; the whole space with arch strings is a third of it
const kMagic = 'LATCAST\n';

export class Effects {
  private engine: Engine | undefined;
  private base: Predictor | undefined;
  private readonly adapted = new Map<DeviceId, Predictor>();
  private running: AbortController | undefined;
  private sheetTimer: ReturnType<typeof setTimeout> | undefined;
  private lookupTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly send: (action: Action) => void,
    private readonly state: () => State,
  ) {}

  /** Shows the chosen example first, then fetches what everything else needs, so that nothing is fetched later. */
  async start(): Promise<void> {
    const { device } = this.state();
    const first = isExample(device) ? device : kExamples[0].id;
    const others = kExamples.map(({ id }) => id).filter((id) => id !== first);
    const space = loadSpace();
    await this.loadExamples(space, [first]);
    await Promise.all([this.startEngine(), this.loadExamples(space, others)]);
  }

  /** Called after every action, with the state it led to. */
  react(action: Action): void {
    switch (action.type) {
      case 'text':
        this.checkSoon(kTypingPause);
        break;
      case 'unit':
      case 'fix':
      case 'replace-text':
      case 'undo-replace':
      case 'restore-example':
      case 'device':
      case 'example':
      case 'opened':
        this.checkSoon(0);
        break;
      case 'engine':
        if (action.engine.status === 'ready') {
          this.checkSoon(0);
          this.lookUpSoon(0);
        }
        break;
      case 'lookup':
        this.lookUpSoon(kTypingPause);
        break;
      case 'transfer':
        void this.transfer(this.state().device);
        break;
      case 'cancel':
        this.running?.abort();
        break;
      case 'open-file':
        void this.open(action.file);
        break;
      case 'save-predictor':
        void this.savePredictor(this.state().device);
        break;
      case 'save-estimates':
        this.saveEstimates(rows(this.state()), 'estimates');
        break;
      case 'save-lookup': {
        const found = this.state().lookup.check?.marks.flatMap((mark) => mark.index ?? []) ?? [];
        this.saveEstimates(Int32Array.from(found), 'lookup');
        break;
      }
      case 'copy':
        void this.copy(action.text, action.what);
        break;
      case 'notice':
        if (action.notice?.kind === 'info') this.clearLater(action.notice);
        break;
      default:
        break;
    }
  }

  private async loadExamples(space: Promise<SpaceTable>, ids: readonly ExampleId[]): Promise<void> {
    try {
      const examples = await Promise.all(ids.map((id) => loadExample(id, space)));
      this.send({ type: 'space', space: await space });
      ids.forEach((id, i) => {
        const example = examples[i];
        if (example) this.send({ type: 'example', id, example });
      });
    } catch (caught) {
      this.fail('The examples could not be loaded', caught);
    }
  }

  private async startEngine(): Promise<void> {
    const loading = (done: number): void => this.send({ type: 'engine', engine: { status: 'loading', done } });
    try {
      const [engine, weights] = await Promise.all([
        createEngine({ kind: 'worker' }),
        fetchBytes(new URL('weights/nb201.latencast', document.baseURI), {
          onProgress: (received, total) => {
            if (total > 0) loading(received / total);
          },
        }),
      ]);
      this.base = await engine.load(weights);
      this.engine = engine;
      this.send({ type: 'engine', engine: { status: 'ready' } });
    } catch (caught) {
      this.send({ type: 'engine', engine: { status: 'failed', message: reason(caught) } });
    }
  }

  private checkSoon(pause: number): void {
    clearTimeout(this.sheetTimer);
    const { device } = this.state();
    this.sheetTimer = setTimeout(() => void this.check(device), pause);
  }

  private async check(device: DeviceId): Promise<void> {
    const { space, sheets } = this.state();
    const sheet = sheets[device];
    if (!this.engine || !space || currentCheck(sheet)) return;
    try {
      const check = await checkSheet(this.engine, space, sheet);
      this.send({ type: 'checked', device, check });
    } catch (caught) {
      this.fail('The measurements could not be read', caught);
    }
  }

  private lookUpSoon(pause: number): void {
    clearTimeout(this.lookupTimer);
    this.lookupTimer = setTimeout(() => void this.lookUp(), pause);
  }

  private async lookUp(): Promise<void> {
    const { text } = this.state().lookup;
    if (!this.engine) return;
    try {
      this.send({ type: 'lookup-checked', check: await checkLookup(this.engine, text) });
    } catch (caught) {
      this.fail('The architectures could not be read', caught);
    }
  }

  /** Fine-tunes, estimates everything, then checks by leaving each measurement out; each part shows when it is done. */
  private async transfer(device: DeviceId): Promise<void> {
    const { engine, base } = this;
    const readings = currentCheck(this.state().sheets[device])?.readings;
    if (!engine || !base || !readings) return;
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const { signal } = running;
    const onProgress = (progress: TransferProgress): void => {
      if (!signal.aborted) this.send({ type: 'job', job: { device, ...progress } });
    };
    const options = { device: isExample(device) ? device : deviceTitle(this.state(), device), signal, onProgress };
    onProgress({ phase: 'transfer', done: 0, epoch: 0, epochs: 0, loss: 0, seconds_left: Number.NaN });
    try {
      const predictor = await base.transfer(readings, options);
      const result = await this.resultOf(device, predictor, readings, 'transfer', { signal, onProgress });
      this.keep(device, predictor);
      this.send({ type: 'result', device, result });
    } catch (caught) {
      if (!signal.aborted) this.fail('The transfer stopped', caught);
      running.abort();
    }
    try {
      if (signal.aborted || readings.length < kFewestToCheck) return;
      const { latency_ms, spearman, mdape } = await base.leaveOneOut(readings, options);
      this.send({ type: 'leave-one-out', device, leaveOneOut: { latency_ms: [...latency_ms], spearman, mdape } });
    } catch (caught) {
      if (!signal.aborted) this.fail('The estimates are ready, but their quality could not be checked', caught);
    } finally {
      if (this.running === running) {
        this.running = undefined;
        this.send({ type: 'job-ended' });
      }
    }
  }

  private async resultOf(
    device: DeviceId,
    predictor: Predictor,
    readings: readonly Reading[],
    source: Result['source'],
    options: { signal?: AbortSignal; onProgress?: (progress: TransferProgress) => void } = {},
  ): Promise<Result> {
    const latency_ms = await predictor.predictAll(options);
    const truth = isExample(device) ? this.state().examples[device]?.truth_ms : undefined;
    const others = othersThan(readings, latency_ms.length);
    const pick = (values: Float64Array): Float64Array =>
      Float64Array.from(others, (index) => values[index] ?? Number.NaN);
    const accuracy = truth && (await this.engine?.accuracy(pick(latency_ms), pick(truth)));
    const { nearest } = predictor.info;
    return { source, latency_ms, readings, ...(nearest ? { nearest } : {}), ...(accuracy ? { accuracy } : {}) };
  }

  private keep(device: DeviceId, predictor: Predictor): void {
    this.adapted.get(device)?.dispose();
    this.adapted.set(device, predictor);
  }

  private async open(file: File): Promise<void> {
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const isPredictor = latin(bytes.subarray(0, kMagic.length)) === kMagic || file.name.endsWith('.latencast');
      if (isPredictor) await this.openPredictor(file.name, bytes);
      else this.openMeasurements(file.name, bytes);
    } catch (caught) {
      this.fail(`${file.name} could not be opened`, caught);
    }
  }

  private openMeasurements(filename: string, bytes: Uint8Array): void {
    if (bytes.length > kMostText || bytes.includes(0)) {
      const found = bytes.includes(0) ? 'bytes that are no text' : `${Math.round(bytes.length / 1e6)} MB of text`;
      throw new Error(`it holds ${found}; expected a CSV, TSV or JSON list of measurements, or a .latencast file`);
    }
    this.send({ type: 'replace-text', text: new TextDecoder().decode(bytes).replace(/\r\n?/g, '\n'), filename });
  }

  private async openPredictor(filename: string, bytes: Uint8Array): Promise<void> {
    const { engine } = this;
    const { space } = this.state();
    if (!engine || !space) throw new Error('the engine is not ready yet; open it again in a moment');
    const predictor = await engine.load(bytes);
    const { target, measurements } = predictor.info;
    if (target === undefined) {
      predictor.dispose();
      throw new Error('it is a pre-trained predictor without a device; expected one saved after a transfer');
    }
    const readings = measurements.map((each) => withIndex(space, each));
    const result = await this.resultOf('mine', predictor, readings, 'file');
    this.keep('mine', predictor);
    this.send({ type: 'opened', name: target, text: writeMeasurements(measurements), result });
    this.send({ type: 'notice', notice: { kind: 'info', text: `${filename}: predictor of ${target} opened.` } });
  }

  private async savePredictor(device: DeviceId): Promise<void> {
    const predictor = this.adapted.get(device);
    if (!predictor) return;
    try {
      saveFile(
        `${slug(deviceTitle(this.state(), device))}.latencast`,
        await predictor.save(),
        'application/octet-stream',
      );
    } catch (caught) {
      this.fail('The predictor could not be saved', caught);
    }
  }

  private saveEstimates(indices: Int32Array, what: string): void {
    const state = this.state();
    const result = state.results[state.device];
    const known = measured(state);
    if (!state.space || !result || !known) return;
    saveFile(
      `${slug(deviceTitle(state))}-${what}.csv`,
      toCsv(state.space, indices, result.latency_ms, known),
      'text/csv',
    );
  }

  private async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.send({ type: 'notice', notice: { kind: 'info', text: `${what} copied.` } });
    } catch {
      this.send({
        type: 'notice',
        notice: { kind: 'error', text: `This browser does not let the page copy: ${text}` },
      });
    }
  }

  /** What merely confirms goes away by itself; errors stay until they are closed. */
  private clearLater(notice: Notice): void {
    setTimeout(() => {
      if (this.state().notice === notice) this.send({ type: 'notice' });
    }, kConfirmation);
  }

  private fail(what: string, caught: unknown): void {
    this.send({ type: 'notice', notice: { kind: 'error', text: `${what}: ${reason(caught)}` } });
  }
}

function reason(caught: unknown): string {
  if (caught instanceof LatencastError || caught instanceof Error) return caught.message;
  return String(caught);
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function slug(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'device'
  );
}
