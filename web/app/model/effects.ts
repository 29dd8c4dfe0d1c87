/** What of the mode "Any model" takes time: reading files in the engine. Answers come as actions. */

import { LatencastError, type Engine, type Model, type ModelOptions, type StatedInput } from '../../api/index.js';
import { saveFile } from '../save.js';
import { kernelsCsv } from './derive.js';
import {
  assumedShape,
  kExampleNetwork,
  kNetworks,
  readShape,
  shapeText,
  type ModelAction,
  type ModelState,
  type NetworkId,
  type Opened,
} from './state.js';

const kTypingPause = 300; // ms after the last key before a model is read with other shapes

/** A model's file, kept so that it can be read again with other shapes. */
interface Source extends Pick<Opened, 'name' | 'network' | 'bytes'> {
  readonly file: Blob;
  /** Shapes that the file leaves open, where they are known. */
  readonly inputs: NonNullable<ModelOptions['inputs']>;
}

export class ModelEffects {
  private started = false;
  private source: Source | undefined;
  private model: Model | undefined;
  /** Counts what was asked for; answers to anything but the last are dropped. */
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly send: (action: ModelAction) => void,
    private readonly state: () => ModelState,
    private readonly engine: Promise<Engine>,
  ) {}

  /** When the mode is shown: the example at once, then what the address asks for. */
  async show(): Promise<void> {
    if (this.started) return;
    this.started = true;
    if (this.state().network === kExampleNetwork && this.turn === 0) {
      const { example } = await import('./example.js');
      this.send({ type: 'example', ...example });
    }
    void this.listFamilies();
    const { network } = this.state();
    // A file that was dropped came first.
    if (network !== undefined && this.turn === 0) void this.openNetwork(network);
  }

  /** Called after every action of the mode, with the state it led to. */
  react(action: ModelAction): void {
    switch (action.type) {
      case 'network':
        void this.openNetwork(action.network);
        break;
      case 'address':
        // What is shown already is not read again.
        if (this.started && this.state().network !== this.source?.network) {
          const { network } = this.state();
          if (network !== undefined) void this.openNetwork(network);
        } else {
          void this.readAgain();
        }
        break;
      case 'open': {
        const { file } = action;
        void this.open({ name: file.name, file, bytes: file.size, inputs: {} });
        break;
      }
      case 'shape':
        clearTimeout(this.timer);
        this.timer = setTimeout(() => void this.readAgain(), kTypingPause);
        break;
      case 'family':
        void this.readAgain();
        break;
      case 'save-kernels': {
        const { opened } = this.state();
        if (opened?.kernels) saveFile(`${stem(opened.name)}-kernels.csv`, kernelsCsv(opened.kernels), 'text/csv');
        break;
      }
      default:
        break;
    }
  }

  private async listFamilies(): Promise<void> {
    try {
      this.send({ type: 'families', families: await (await this.engine).runtimeFamilies() });
    } catch {
      // The same module reads the model, and says there what is wrong.
    }
  }

  private async openNetwork(network: NetworkId): Promise<void> {
    const turn = ++this.turn;
    try {
      const { networkFile, networkInputs } = await import('./networks.js');
      if (turn !== this.turn) return;
      await this.open({ name: kNetworks[network], network, file: networkFile(network), inputs: networkInputs(network) });
    } catch (caught) {
      if (turn === this.turn) this.fail(kNetworks[network], caught);
    }
  }

  private async open(source: Source): Promise<void> {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    const { name, network, bytes, file, inputs } = source;
    this.send({ type: 'reading', name });
    try {
      const engine = await this.engine;
      const stated = await engine.modelInputs(file);
      if (turn !== this.turn) return;
      const shapes = Object.fromEntries(stated.map((input) => [input.name, shapeText(inputs[input.name] ?? assumedShape(input))]));
      const opened: Opened = {
        name,
        ...(network === undefined ? {} : { network }),
        ...(bytes === undefined ? {} : { bytes }),
        stated,
        shapes,
      };
      this.source = source;
      try {
        const { model, kernels } = await this.read(engine, file, stated, shapes);
        if (!this.keep(turn, model)) return;
        this.send({ type: 'stated', opened: { ...opened, info: model.info, kernels } });
      } catch (caught) {
        if (turn !== this.turn) return;
        // Its inputs are known, and perhaps other shapes are all it needs.
        this.send({ type: 'stated', opened });
        this.fail(name, caught);
      }
    } catch (caught) {
      if (turn === this.turn) this.fail(name, caught);
    }
  }

  /** With other shapes, or for another family. */
  private async readAgain(): Promise<void> {
    const { source } = this;
    const { opened } = this.state();
    if (!source || !opened) return;
    const turn = ++this.turn;
    try {
      const { model, kernels } = await this.read(await this.engine, source.file, opened.stated, opened.shapes);
      if (this.keep(turn, model)) this.send({ type: 'read', info: model.info, kernels });
    } catch (caught) {
      if (turn === this.turn) this.fail(source.name, caught);
    }
  }

  private async read(engine: Engine, file: Blob, stated: readonly StatedInput[], shapes: Opened['shapes']) {
    const inputs = Object.fromEntries(
      stated.map(({ name }): [string, readonly number[]] => {
        const text = shapes[name] ?? '';
        const shape = readShape(text);
        if (!shape) throw new Error(`input ${name}: "${text}" is no list of lengths; expected one such as 1x3x224x224`);
        return [name, shape];
      }),
    );
    const model = await engine.openModel(file, { inputs });
    return { model, kernels: await model.decompose(this.state().family) };
  }

  /** Whether the answer is still wanted; the model before it is freed. */
  private keep(turn: number, model: Model): boolean {
    if (turn !== this.turn) {
      model.dispose();
      return false;
    }
    this.model?.dispose();
    this.model = model;
    return true;
  }

  private fail(name: string, caught: unknown): void {
    const message = caught instanceof LatencastError || caught instanceof Error ? caught.message : String(caught);
    this.send({ type: 'failed', name, message: message.replace(/^model: /, '') });
  }
}

/** A file's name without its ending, for the files made from it. */
function stem(name: string): string {
  return name.replace(/\.(onnx|param|json)$/i, '').replace(/[^\w.-]+/g, '-') || 'model';
}
