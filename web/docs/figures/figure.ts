/** What the figures share: the engine of the page's elements, the look of <latency-predictor>, and real measurements. */

import { LitElement, unsafeCSS, type PropertyDeclarations } from 'lit';
import { fetchBytes } from '../../api/fetch.js';
import type { Measurement } from '../../api/types.js';
import { styles } from '../../element/look.js';
import { paint, type Plot } from '../../element/plot.js';
import { Station, type Ground } from '../../element/station.js';
import own from './figure.css?inline';

/** A Raspberry Pi 4 of HW-NAS-Bench: 20 measurements, and all of them. */
export interface Pi {
  readonly measurements: readonly Measurement[];
  /** Of every cell, official order. */
  readonly truth_ms: Float64Array;
}

const fetched = new Map<string, Promise<Uint8Array>>();

function fetchOnce(url: URL): Promise<Uint8Array> {
  let bytes = fetched.get(url.href);
  if (!bytes) fetched.set(url.href, (bytes = fetchBytes(url)));
  return bytes;
}

export abstract class Figure extends LitElement {
  static override styles = [styles, unsafeCSS(own)];
  static override properties: PropertyDeclarations = { files: {}, width: { state: true }, message: { state: true } };

  /** Address of the folder that holds `weights/` and `examples/`. */
  declare files: string;
  protected declare width: number;
  /** Why there is nothing to see. */
  protected declare message: string;

  protected ground: Ground | undefined;
  private station: Station | undefined;
  private readonly sized = new ResizeObserver(([entry]) => (this.width = Math.round(entry?.contentRect.width ?? 0)));

  constructor() {
    super();
    this.files = '/';
    this.width = 0;
    this.message = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sized.disconnect();
    this.station?.leave();
    this.station = undefined;
    this.ground = undefined;
  }

  private async begin(): Promise<void> {
    const station = (this.station = Station.enter('worker'));
    try {
      // Attributes are set after the element is connected.
      await this.updateComplete;
      const ground = await station.ground('nb201', new URL('weights/', this.folder()), () => {});
      if (this.station !== station) return;
      this.ground = ground;
      await this.prepare(ground);
    } catch (caught) {
      if (this.station === station) this.message = caught instanceof Error ? caught.message : String(caught);
    }
  }

  /** Called once the engine is there. */
  protected abstract prepare(ground: Ground): Promise<void>;
  /** What is drawn; undefined until there is anything. */
  protected abstract plot(): Plot | undefined;

  protected async pi(): Promise<Pi> {
    const [json, bytes] = await Promise.all(['raspi4.json', 'raspi4.truth.bin'].map((name) => fetchOnce(new URL(`examples/${name}`, this.folder()))));
    const { measurements } = JSON.parse(new TextDecoder().decode(json)) as Pick<Pi, 'measurements'>;
    const view = new DataView(bytes!.buffer, bytes!.byteOffset, bytes!.byteLength);
    const truth_ms = Float64Array.from({ length: bytes!.byteLength / 4 }, (_, row) => view.getFloat32(4 * row, true));
    return { measurements, truth_ms };
  }

  private folder(): URL {
    return new URL(this.files, document.baseURI);
  }

  protected override updated(): void {
    const plot = this.renderRoot.querySelector('.plot');
    this.sized.disconnect();
    if (plot) this.sized.observe(plot);
    this.repaint();
  }

  protected readonly repaint = (): void => {
    const canvas = this.renderRoot.querySelector('canvas');
    const plot = this.plot();
    if (canvas && plot) paint(canvas, plot);
  };
}
