/** <latency-predictor>: what a device is expected to take for an architecture, with an interval, and the best below a limit. */

import { html, LitElement, nothing, type PropertyDeclarations, type PropertyValues, type TemplateResult } from 'lit';
import { LatencastError } from '../api/errors.js';
import type { Measurement, Method, Predictor, Quantity, SpaceId } from '../api/types.js';
import { kBaseUnits } from '../api/units.js';
import { between, count, correlation, plural, significant, withUnit } from '../app/format.js';
import { paretoFront } from '../app/front.js';
import { kSpaceIds, kSpaces } from '../app/spaces/index.js';
import { cellGlyph } from '../app/views/cell.js';
import { stripGlyph } from '../app/views/strip.js';
import { styles } from './look.js';
import { accuracyAxis, histogram, latencyAxis, nearest, paint, plotView, type Plot } from './plot.js';
import { measurementsOf, Station, type Ground } from './station.js';
import type { AccuracySet, Estimate, Estimates, LatencyPredictorElement, Limit, Phase } from './types.js';

const kCoverage = 0.9;
const kHeight = 176; // of the chart, CSS pixels, as in element.css
const kBars = 48;
const kMostProblems = 3; // lines named
const kDefaults = { space: 'nb201', accuracy: 'cifar10', method: 'closed-form', engine: 'worker' } as const;
const kMethods = ['closed-form', 'combined'] as const;
/** Estimates rest on these. */
const kInputs = ['space', 'device', 'measurements', 'method', 'weights', 'engine'] as const;

const kAccuracySets: Readonly<Record<AccuracySet, string>> = {
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  imagenet16: 'ImageNet16-120',
};

/** Read and understood. */
interface Sheet {
  readonly measurements: readonly Measurement[];
  readonly quantity: Quantity;
  readonly problems: readonly string[];
}

/** What the engine made of a device. */
interface Result extends Estimates {
  readonly ground: Ground;
  readonly predictor: Predictor;
  readonly space: SpaceId;
  readonly remarks: readonly string[];
  readonly median_ms: number;
  readonly greatest_ms: number;
}

/** What the element shows of the architecture that was asked for. */
type Answer = { readonly ok: true; readonly estimate: Estimate } | { readonly ok: false; readonly message: string };

export class LatencyPredictor extends LitElement implements LatencyPredictorElement {
  static override styles = styles;
  static override properties: PropertyDeclarations = {
    space: { reflect: true },
    device: {},
    measurements: {},
    architecture: {},
    limit: { type: Number },
    accuracy: {},
    method: {},
    engine: {},
    weights: {},
    phase: { state: true },
    share: { state: true },
    result: { state: true },
    answer: { state: true },
    problems: { state: true },
    failure: { state: true },
    hovered: { state: true },
    width: { state: true },
  };

  declare space: SpaceId;
  declare device: string;
  declare measurements: string | readonly Measurement[];
  declare architecture: string;
  declare limit: number;
  declare accuracy: AccuracySet;
  declare method: (typeof kMethods)[number];
  declare engine: 'worker' | 'local';
  declare weights: string;
  declare phase: Phase;

  /** Of the predictor's file that has arrived; NaN where nobody knows. */
  private declare share: number;
  private declare result: Result | undefined;
  private declare answer: Answer | undefined;
  private declare problems: readonly string[];
  private declare failure: string | undefined;
  private declare hovered: number;
  private declare width: number;

  private station: Station | undefined;
  /** Ends what is under way for inputs that no longer hold. */
  private running: AbortController | undefined;
  private asking = 0;
  private readonly sized = new ResizeObserver(([entry]) => (this.width = Math.round(entry?.contentRect.width ?? 0)));
  private readonly children_ = new MutationObserver(() => this.requestUpdate('measurements'));
  /** As last told, so that nothing is told twice. */
  private told: { estimate?: Estimate; limit?: Limit } = {};

  constructor() {
    super();
    this.settle();
    this.phase = 'waiting';
    this.share = NaN;
    this.problems = [];
    this.hovered = -1;
    this.width = 0;
  }

  get estimate(): Estimate | undefined {
    return this.answer?.ok ? this.answer.estimate : undefined;
  }

  get estimates(): Estimates | undefined {
    return this.result;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.children_.observe(this, { childList: true, subtree: true, characterData: true });
    // Taken out and put back: what was made of the inputs is gone.
    if (this.hasUpdated) this.requestUpdate('space');
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.children_.disconnect();
    this.sized.disconnect();
    this.running?.abort();
    this.running = undefined;
    this.result?.predictor.dispose();
    this.result = undefined;
    this.answer = undefined;
    this.station?.leave();
    this.station = undefined;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.settle();
    if (!this.isConnected) return;
    if (kInputs.some((name) => changed.has(name))) void this.estimateAll();
    else if (changed.has('architecture') && this.result) void this.look(this.result);
  }

  protected override updated(): void {
    const plot = this.renderRoot.querySelector('.plot');
    this.sized.disconnect();
    if (plot) this.sized.observe(plot);
    this.repaint();
    this.tell();
  }

  /** Frameworks set properties to the texts of attributes, and to nothing where one is taken away. */
  private settle(): void {
    this.limit = Number(this.limit || NaN);
    this.device ??= '';
    this.measurements ??= '';
    this.architecture ??= '';
    this.weights ??= '';
    this.space ??= kDefaults.space;
    this.accuracy ??= kDefaults.accuracy;
    this.method ??= kDefaults.method;
    this.engine ??= kDefaults.engine;
  }

  // ---- work ----

  private async estimateAll(): Promise<void> {
    this.running?.abort();
    const running = (this.running = new AbortController());
    const { signal } = running;
    try {
      if (!kSpaceIds.includes(this.space)) {
        throw new LatencastError('argument', `space is ${JSON.stringify(this.space)}; expected ${kSpaceIds.join(', ')}`);
      }
      if (!kMethods.includes(this.method)) {
        throw new LatencastError('argument', `method is ${JSON.stringify(this.method)}; expected ${kMethods.join(' or ')}`);
      }
      if (this.device === '' && this.given().length === 0) {
        this.become('waiting');
        return;
      }
      this.become('loading');
      const { space } = this;
      if (this.station?.kind !== this.engine) {
        this.station?.leave();
        this.station = Station.enter(this.engine);
      }
      const ground = await this.station.ground(space, this.folder(), (share) => (this.share = share));
      if (signal.aborted) return;
      this.share = NaN;
      const sheet = await this.sheet(ground, space);
      if (signal.aborted) return;
      this.problems = sheet.problems;
      const { device, method } = this;
      await this.show(await transferred(ground, space, device, sheet, signal), signal);
      if (signal.aborted || method !== 'combined') return;
      const refined = await transferred(ground, space, device, sheet, signal, method);
      // On chains the network adds nothing, and the engine says so.
      if (refined.method === method) await this.show(refined, signal);
      else refined.predictor.dispose();
    } catch (caught) {
      if (signal.aborted) return;
      const message = caught instanceof Error ? caught.message : String(caught);
      const code = caught instanceof LatencastError ? caught.code : 'internal';
      this.become('failed', message);
      this.dispatchEvent(new CustomEvent('failure', { detail: { code, message } }));
    }
  }

  /** In place of what was shown before. */
  private async show(result: Result, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      result.predictor.dispose();
      return;
    }
    this.result?.predictor.dispose();
    this.result = result;
    await this.look(result);
    if (signal.aborted) return;
    this.become('ready');
    this.dispatchEvent(new CustomEvent('estimates', { detail: result }));
  }

  /** Leaves the last result where it is while the next is made; its place is not to jump. */
  private become(phase: Phase, failure?: string): void {
    this.phase = phase;
    this.failure = failure;
    if (phase === 'loading') this.problems = [];
    if (phase === 'waiting' || phase === 'failed') {
      this.result?.predictor.dispose();
      this.result = undefined;
      this.answer = undefined;
    }
  }

  /** As an attribute, a property or a child gives them. */
  private given(): string | readonly Measurement[] {
    const { measurements } = this;
    if (typeof measurements !== 'string') return measurements;
    return (measurements || (this.querySelector('script[type="text/csv"]')?.textContent ?? '')).trim();
  }

  private async sheet({ engine }: Ground, space: SpaceId): Promise<Sheet> {
    const given = this.given();
    if (given.length === 0) return { measurements: await measurementsOf(space, this.device), quantity: 'latency', problems: [] };
    if (typeof given !== 'string') return { measurements: given, quantity: 'latency', problems: [] };
    // Half as large as all else together, and not always needed.
    const { checkMeasurements, readMeasurements } = await import('../api/measurements.js');
    const { measurements, quantity, lines } = await checkMeasurements(engine, space, readMeasurements(given));
    const problems = lines.flatMap(({ status, line, reason }) => (status === 'error' ? [`line ${line}: ${reason}`] : []));
    if (measurements.length === 0) {
      throw new LatencastError('measurement', problems[0] ?? 'no measurement is in the text; expected lines such as 421211, 10.5 ms');
    }
    return { measurements, quantity, problems };
  }

  /** The estimate of the architecture that is asked for. */
  private async look(result: Result): Promise<void> {
    const asked = ++this.asking;
    const text = this.architecture.trim();
    const answer = text === '' ? this.suggestion(result) : await answerTo(result, text);
    if (asked !== this.asking || this.result !== result) return;
    this.answer = answer && this.rated(result, answer);
  }

  /** What is shown before anything is asked for. */
  private suggestion(result: Result): Answer | undefined {
    const { best } = this.budget(result) ?? {};
    return best ? { ok: true, estimate: best } : undefined;
  }

  private rated({ ground }: Result, answer: Answer): Answer {
    const values = ground.accuracies?.[this.accuracy];
    const row = answer.ok ? ground.rowOf.get(answer.estimate.architecture) : undefined;
    if (!answer.ok || !values || row === undefined) return answer;
    return { ok: true, estimate: { ...answer.estimate, accuracy: values[row] ?? NaN } };
  }

  private limitOf({ median_ms }: Result): number {
    return this.limit > 0 ? this.limit : Number(median_ms.toPrecision(3));
  }

  /** The best under the limit; undefined where no accuracies are known. */
  private budget(result: Result): Limit | undefined {
    const values = result.ground.accuracies?.[this.accuracy];
    if (!values) return undefined;
    const limit_ms = this.limitOf(result);
    const row = this.front(result, values).filter((each) => result.latency_ms[each]! <= limit_ms).at(-1);
    return { limit_ms, best: row === undefined ? null : { ...estimateOf(result, row), accuracy: values[row]! } };
  }

  private fronts: { result: Result; values: Float64Array; rows: readonly number[] } | undefined;

  private front(result: Result, values: Float64Array): readonly number[] {
    if (this.fronts?.result !== result || this.fronts.values !== values) {
      this.fronts = { result, values, rows: paretoFront(result.latency_ms, values) };
    }
    return this.fronts.rows;
  }

  private folder(): URL | undefined {
    return this.weights === '' ? undefined : new URL(this.weights.replace(/\/?$/, '/'), document.baseURI);
  }

  private tell(): void {
    const { estimate, result } = this;
    if (this.phase !== 'ready' || !result) return;
    if (estimate && !same(estimate, this.told.estimate)) {
      this.told.estimate = estimate;
      this.dispatchEvent(new CustomEvent('estimate', { detail: estimate }));
    }
    const limit = this.budget(result);
    if (limit && (limit.limit_ms !== this.told.limit?.limit_ms || !same(limit.best, this.told.limit.best))) {
      this.told.limit = limit;
      this.dispatchEvent(new CustomEvent('limit', { detail: limit }));
    }
  }

  // ---- what is seen ----

  protected override render(): TemplateResult {
    const { phase, result } = this;
    return html`<section class="box" part="box" aria-label="Latency estimates" aria-busy=${phase === 'loading'}>
      ${this.head()} ${result ? this.body(result) : this.idle()}
    </section>`;
  }

  private head(): TemplateResult {
    const { result } = this;
    const title = this.device || (this.given().length > 0 ? 'my device' : 'Latency estimates');
    const space = kSpaces[this.space]?.title ?? this.space;
    return html`<div class="head" part="head">
      <strong part="device">${title}</strong>
      <span class="quiet" part="origin"
        >${space}${result ? html`, estimated here from ${plural(result.measurements.length, 'measurement')}${result.method === 'combined' ? ', refined by the network' : nothing}` : nothing}</span
      >
    </div>`;
  }

  /** Before there is anything to show. */
  private idle(): TemplateResult {
    const { phase, failure, share } = this;
    if (phase === 'failed') {
      return html`<p class="failure" part="failure" role="alert">${failure}</p>
        <slot></slot>`;
    }
    if (phase === 'waiting') {
      return html`<div class="idle" part="idle">
          <p>Nothing is measured yet. Give <b>measurements</b>, or the name of a known <b>device</b>.</p>
        </div>
        <slot></slot>`;
    }
    const known = Number.isFinite(share);
    return html`<div class="idle" part="idle" role="status"><p>${known && share < 1 ? `Fetching the predictor, ${Math.round(share * 100)} %` : 'Estimating…'}</p></div>
      <progress class="progress" part="progress" aria-label="Fetching" max="1" .value=${known ? share : 0}></progress>`;
  }

  private body(result: Result): TemplateResult {
    const plot = this.plot(result);
    const budget = this.budget(result);
    const stale = this.phase === 'loading' ? 'stale' : '';
    return html`<div class="${stale}">
        <div
          class="plot ${plot.points ? 'picks' : ''}"
          @pointermove=${this.hover}
          @pointerleave=${() => (this.hovered = -1)}
          @click=${this.pick}
          @transitionend=${this.repaint}
        >
          ${this.width > 0 ? plotView(plot) : nothing}
        </div>
        ${budget ? this.slider(result, budget) : nothing}
      </div>
      <div class="answers ${budget ? 'two' : ''}" part="answers">${this.asked(result)} ${budget ? this.bestOf(budget, result) : nothing}</div>
      ${this.notes(result)}`;
  }

  private slider({ greatest_ms, quantity }: Result, { limit_ms }: Limit): TemplateResult {
    const { max } = latencyAxis(greatest_ms, '');
    const unit = kBaseUnits[quantity];
    return html`<input
      class="slider"
      part="slider"
      type="range"
      min="0"
      max=${max}
      step=${max / 400}
      .value=${String(limit_ms)}
      aria-label="Limit"
      aria-valuetext=${withUnit(limit_ms, unit)}
      @input=${(event: Event) => {
        const value = Number((event.target as HTMLInputElement).value);
        this.limit = Math.max(Number(value.toPrecision(3)), max / 400);
        if (this.architecture.trim() === '' && this.result) void this.look(this.result);
      }}
    />`;
  }

  private asked({ space, quantity }: Result): TemplateResult {
    const { answer } = this;
    const unit = kBaseUnits[quantity];
    const bad = answer !== undefined && !answer.ok;
    return html`<div class="answer">
      <label for="architecture">Architecture</label>
      <input
        id="architecture"
        part="input"
        autocomplete="off"
        spellcheck="false"
        aria-invalid=${bad}
        aria-describedby="estimate"
        placeholder=${answer?.ok ? answer.estimate.architecture : kSpaces[space].lookupHint.split('\n')[0]!}
        .value=${this.architecture}
        @input=${(event: Event) => (this.architecture = (event.target as HTMLInputElement).value)}
      />
      <div id="estimate" part="estimate" aria-live="polite">
        ${bad ? html`<p class="bad">${answer.message}</p>` : nothing}
        ${answer?.ok
          ? html`<p class="number" part="latency">${significant(answer.estimate.latency_ms)} <small>${unit}</small></p>
              <p class="quiet">
                <span part="interval">${between(answer.estimate.low_ms, answer.estimate.high_ms)} ${unit}</span> in 9 of 10 cases${answer
                  .estimate.accuracy === undefined
                  ? nothing
                  : html`; ${significant(answer.estimate.accuracy)} % on ${kAccuracySets[this.accuracy]}`}
              </p>
              ${glyph(space, answer.estimate.architecture)}`
          : nothing}
        ${answer ? nothing : html`<p class="quiet">${kSpaces[space].forms}</p>`}
      </div>
    </div>`;
  }

  private bestOf({ limit_ms, best }: Limit, { quantity }: Result): TemplateResult {
    const unit = kBaseUnits[quantity];
    return html`<div class="answer">
      <p class="label">Best under ${withUnit(limit_ms, unit)}</p>
      <div part="best" aria-live="polite">
        ${best
          ? html`<p class="link"><button class="plain" part="best-architecture" type="button" @click=${() => (this.architecture = best.architecture)}>${best.architecture}</button></p>
              <p class="number">${significant(best.accuracy ?? NaN)} <small>% on ${kAccuracySets[this.accuracy]}</small></p>
              <p class="quiet">${withUnit(best.latency_ms, unit)}, ${between(best.low_ms, best.high_ms)} ${unit}</p>`
          : html`<p>Nothing is as fast as that.</p>`}
      </div>
    </div>`;
  }

  private notes({ expected_spearman, remarks }: Result): TemplateResult {
    const { problems } = this;
    const more = problems.length - kMostProblems;
    return html`<p class="quiet" part="quality">
        <abbr title="Spearman's rank correlation: 1 where estimates and measurements give the same order">Rank correlation</abbr> to expect:
        ${correlation(expected_spearman)}.
      </p>
      ${problems.length > 0 || remarks.length > 0
        ? html`<ul class="quiet" part="problems">
            ${problems.slice(0, kMostProblems).map((problem) => html`<li class="bad">${problem}</li>`)}
            ${more > 0 ? html`<li class="bad">and ${plural(more, 'line')} more</li>` : nothing}
            ${remarks.map((remark) => html`<li>${remark}</li>`)}
          </ul>`
        : nothing}
      <slot class="hidden" aria-hidden="true" hidden></slot>`;
  }

  // ---- chart ----

  private plot(result: Result): Plot {
    const { latency_ms, quantity, ground, greatest_ms, architectures } = result;
    const { estimate, width } = this;
    const unit = kBaseUnits[quantity];
    const x = latencyAxis(greatest_ms, quantity === 'energy' ? 'energy (mJ)' : 'latency (ms)');
    const values = ground.accuracies?.[this.accuracy];
    const said = estimate ? ` ${estimate.architecture}: ${withUnit(estimate.latency_ms, unit)}.` : '';
    const common = { x, width, height: kHeight };
    const chosen = estimate && { x: estimate.latency_ms, low: estimate.low_ms, high: estimate.high_ms };
    if (!values) {
      const bars = histogram(latency_ms, x, kBars);
      const most = Math.max(...bars);
      return {
        ...common,
        label: `How many of ${count(architectures.length)} architectures take how long.${said}`,
        y: { min: 0, max: most * 1.05, title: `of ${count(architectures.length)} architectures` },
        bars,
        ...(chosen ? { chosen } : {}),
      };
    }
    const rows = this.front(result, values);
    return {
      ...common,
      label: `Latency against accuracy of ${count(architectures.length)} architectures.${said}`,
      y: accuracyAxis(values, `% on ${kAccuracySets[this.accuracy]}`),
      points: { x: latency_ms, y: values },
      steps: rows.map((row) => [latency_ms[row]!, values[row]!] as const),
      limit: this.limitOf(result),
      ...(chosen && estimate?.accuracy !== undefined ? { chosen: { ...chosen, y: estimate.accuracy } } : {}),
      ...(this.hovered >= 0 ? { hovered: [latency_ms[this.hovered]!, values[this.hovered]!] as const } : {}),
    };
  }

  private painted: readonly unknown[] = [];

  /** Points, where they or their place or colour have changed. */
  private readonly repaint = (): void => {
    const canvas = this.renderRoot.querySelector('canvas');
    if (!canvas || !this.result) return;
    const look = [canvas, this.result, this.width, this.accuracy, devicePixelRatio, getComputedStyle(canvas).color];
    if (look.every((each, i) => each === this.painted[i])) return;
    this.painted = look;
    paint(canvas, this.plot(this.result));
  };

  private under(event: MouseEvent): number {
    const place = (event.currentTarget as Element).getBoundingClientRect();
    return this.result ? nearest(this.plot(this.result), event.clientX - place.left, event.clientY - place.top) : -1;
  }

  private hover(event: PointerEvent): void {
    this.hovered = this.under(event);
  }

  private pick(event: MouseEvent): void {
    const row = this.under(event);
    if (row >= 0) this.architecture = this.result?.architectures[row] ?? '';
  }
}

/** Transfers to the device, by the method that the weights are for unless told, and estimates everything. */
async function transferred(
  ground: Ground,
  space: SpaceId,
  device: string,
  { measurements, quantity }: Sheet,
  signal: AbortSignal,
  method?: Method,
): Promise<Result> {
  const { base, pool } = ground;
  const predictor = await base.transfer(measurements, { quantity, signal, ...(device ? { device } : {}), ...(method ? { method } : {}) });
  try {
    const [intervals, review] = await Promise.all([predictor.intervals(pool, kCoverage, { signal }), predictor.review()]);
    const sorted = intervals.latency_ms.slice().sort();
    return {
      ...intervals,
      architectures: pool,
      measurements: predictor.info.measurements,
      quantity,
      method: predictor.info.method!,
      expected_spearman: review.expected_spearman,
      ground,
      predictor,
      space,
      remarks: review.doubts.flatMap(({ message, set_aside }) => (set_aside ? [`${message} It counts for nothing.`] : [])),
      median_ms: sorted[Math.floor(sorted.length / 2)] ?? NaN,
      greatest_ms: sorted.at(-1) ?? NaN,
    };
  } catch (caught) {
    predictor.dispose();
    throw caught;
  }
}

async function answerTo(result: Result, text: string): Promise<Answer> {
  const { ground, space, predictor } = result;
  const [parsed] = await ground.engine.parse(space, [text]);
  if (!parsed?.ok) return { ok: false, message: parsed?.message ?? '' };
  const { architecture } = parsed;
  const row = ground.rowOf.get(architecture);
  if (row !== undefined) return { ok: true, estimate: estimateOf(result, row) };
  const { low, latency_ms, high } = await predictor.intervals([architecture], kCoverage);
  return { ok: true, estimate: { architecture, low_ms: low[0]!, latency_ms: latency_ms[0]!, high_ms: high[0]! } };
}

function estimateOf({ architectures, low, latency_ms, high }: Estimates, row: number): Estimate {
  return { architecture: architectures[row]!, low_ms: low[row]!, latency_ms: latency_ms[row]!, high_ms: high[row]! };
}

function same(a: Estimate | null | undefined, b: Estimate | null | undefined): boolean {
  return a === b || (a?.architecture === b?.architecture && a?.latency_ms === b?.latency_ms && a?.accuracy === b?.accuracy);
}

function glyph(space: SpaceId, architecture: string): TemplateResult {
  return space === 'nb201' ? cellGlyph(architecture) : stripGlyph(space, architecture);
}
