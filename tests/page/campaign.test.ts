import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carryOut, type Surroundings } from '../../web/app/measure/campaign.js';
import { measurementsOf, newRun, nextStep, progressOf, throttledRounds, unseenLatencies, withProof, type Run } from '../../web/app/measure/run.js';
import { kLimits } from '../../web/app/measure/setting.js';
import { isBusy, kInitialBrowser, reduceBrowser } from '../../web/app/measure/state.js';
import { browserOf, initialState, mine, reduce, sheetOf } from '../../web/app/state.js';

const kSetting = { provider: 'wasm', threads: 1, effort: 'quick' } as const;
const kNetworks = ['033030', '333033', '440012', '212202', '303100', '414014', '100001', '313111'];
const kMore = ['000102', '434343', '210012'];
const kUnseen = ['232334', '024120', '424222'];
const { fewestRounds: kRounds } = kLimits.quick;

/** Milliseconds of an imagined machine. */
const truth = (architecture: string): number => 1 + Number.parseInt(architecture, 5) / 1000;

interface World extends Surroundings {
  readonly visited: string[];
  readonly predicted: string[][];
  readonly steps: Run[];
}

function world(change: Partial<Surroundings> = {}): World {
  const visited: string[] = [];
  const predicted: string[][] = [];
  const steps: Run[] = [];
  return {
    visited,
    predicted,
    steps,
    visit: async (architecture) => {
      visited.push(architecture);
      return { latency_ms: truth(architecture), spent_ms: 10 };
    },
    choose: async (run) => kMore.slice(run.measured.architectures.length - kNetworks.length).slice(0, 1),
    inFront: async () => undefined,
    timesHidden: () => 0,
    predict: async (run) => {
      predicted.push(measurementsOf(run).map(({ architecture }) => architecture));
      const latency_ms = run.proof.architectures.slice(0, run.unseen).map((each) => 1.05 * truth(each));
      return { low: latency_ms.map((ms) => 0.9 * ms), latency_ms, high: latency_ms.map((ms) => 1.1 * ms) };
    },
    onStep: async (run) => void steps.push(run),
    ...change,
  };
}

const begin = (): Run => newRun('nb201', kSetting, kNetworks, kUnseen);
const beginGrowing = (): Run => newRun('nb201', kSetting, kNetworks, kUnseen, kNetworks.length + kMore.length);
const never = new AbortController().signal;

describe('a run', () => {
  test('chooses further networks one by one, and then measures all alike', async () => {
    const known: number[] = [];
    const around = world();
    const run = await carryOut(beginGrowing(), {
      ...around,
      choose: async (soFar) => {
        known.push(measurementsOf(soFar).length);
        expect(progressOf(soFar)).toMatchObject({ round: 1, network: measurementsOf(soFar).length + 1, networks: 11 });
        return around.choose(soFar);
      },
    }, never);
    expect(known).toEqual([8, 9, 10]);
    const all = [...kNetworks, ...kMore];
    expect(around.visited.slice(0, all.length).slice(-kMore.length)).toEqual(kMore);
    expect(measurementsOf(run)).toEqual(all.map((architecture) => ({ architecture, latency_ms: truth(architecture) })));
    expect(run.measured.rounds.every((round) => round.length === all.length)).toBe(true);
    expect(run.measured.rounds.length).toBeGreaterThanOrEqual(kRounds);
  });

  test('says of each network by how much its rounds differ', async () => {
    let visits = 0;
    const around = world();
    const shaky = kNetworks[2]!;
    const run = await carryOut(begin(), {
      ...around,
      visit: async (architecture) => {
        const { latency_ms, spent_ms } = await around.visit(architecture);
        return { latency_ms: architecture === shaky ? latency_ms * (1 + 0.1 * (++visits % 3)) : latency_ms, spent_ms };
      },
    }, never);
    const stated = measurementsOf(run).filter(({ relative_error = 0 }) => relative_error > 0);
    expect(stated.map(({ architecture }) => architecture)).toEqual([shaky]);
    expect(stated[0]!.relative_error).toBeLessThan(0.1);
  });

  test('where nothing is left to choose it goes on with what it has', async () => {
    const run = await carryOut(newRun('nb201', kSetting, kNetworks, kUnseen, 20), world(), never);
    expect(measurementsOf(run)).toHaveLength(kNetworks.length + kMore.length);
    expect(run.measured.finished).toBe(true);
  });

  test('measures, predicts what it has not seen, then measures that', async () => {
    const around = world();
    const run = await carryOut(begin(), around, never);
    expect(nextStep(run)).toBeUndefined();
    expect(measurementsOf(run)).toEqual(kNetworks.map((architecture) => ({ architecture, latency_ms: truth(architecture) })));
    unseenLatencies(run).forEach((ms, i) => expect(ms).toBeCloseTo(truth(kUnseen[i] ?? ''), 9));
    expect(around.predicted).toEqual([kNetworks]);
    const first = around.visited.findIndex((each) => kUnseen.includes(each) || around.visited.indexOf(each) < 0);
    expect(first).toBeGreaterThanOrEqual(kRounds * kNetworks.length);
    // Interleaved: a network is not visited again before all others have been.
    for (let round = 0; round < kRounds; ++round) {
      const visits = around.visited.slice(round * kNetworks.length, (round + 1) * kNetworks.length);
      expect([...visits].sort()).toEqual([...kNetworks].sort());
    }
  });

  test('a finished run is proved anew by others, without measuring again', async () => {
    const run = await carryOut(newRun('nb201', kSetting, kNetworks, []), world(), never);
    expect(nextStep(run)).toBeUndefined();
    const around = world();
    const proved = await carryOut(withProof(run, kUnseen.slice(0, 1)), around, never);
    expect(proved.measured).toEqual(run.measured);
    expect(around.predicted).toEqual([kNetworks]);
    expect(unseenLatencies(proved)).toHaveLength(1);
    expect(unseenLatencies(proved)[0]).toBeCloseTo(truth(kUnseen[0] ?? ''), 9);
    // Another proof takes its place, with a prediction of its own.
    expect(nextStep(withProof(proved, kUnseen.slice(1, 2)))).toEqual({ kind: 'predict' });
    expect(nextStep(withProof(proved, []))).toBeUndefined();
  });

  test('stopped anywhere and taken up again, it measures nothing twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }), fc.constantFrom(begin, beginGrowing), async (stops, start) => {
        const whole = world();
        const expected = await carryOut(start(), whole, never);
        const visited: string[] = [];
        let run = start();
        for (const after of [...stops, Infinity]) {
          const stop = new AbortController();
          let steps = 0;
          const around = world({
            onStep: async () => {
              if (++steps === after) stop.abort();
            },
          });
          // As it comes back from storage.
          run = structuredClone(await carryOut(run, around, stop.signal));
          visited.push(...around.visited);
        }
        expect(visited).toEqual(whole.visited);
        expect(run).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test('a reading taken while the tab was hidden is taken again', async () => {
    let hidden = 0;
    const visited: string[] = [];
    const around = world({
      timesHidden: () => hidden,
      visit: async (architecture) => {
        visited.push(architecture);
        // In the background everything takes ten times as long.
        if (visited.length === 5) {
          ++hidden;
          return { latency_ms: 10 * truth(architecture), spent_ms: 100 };
        }
        return { latency_ms: truth(architecture), spent_ms: 10 };
      },
    });
    const run = await carryOut(begin(), around, never);
    expect(run.repeated).toBe(1);
    expect(visited[5]).toBe(visited[4]);
    expect(run.measured.rounds.flat().every((ms) => ms < 20)).toBe(true);
    expect(measurementsOf(run).map(({ latency_ms }) => latency_ms)).toEqual(kNetworks.map(truth));
  });

  test('waits for the tab to be in front before every visit', async () => {
    const order: string[] = [];
    const around = world({
      inFront: async () => void order.push('front'),
      visit: async (architecture) => {
        order.push('visit');
        return { latency_ms: truth(architecture), spent_ms: 10 };
      },
    });
    await carryOut(begin(), around, never);
    expect(order.join(' ')).toMatch(/^(front visit ?)+$/);
  });

  test('a round on a throttled machine is repeated and does not count', async () => {
    let visits = 0;
    const around = world({
      visit: async (architecture) => ({
        latency_ms: truth(architecture) * (Math.floor(visits++ / kNetworks.length) === 1 ? 2 : 1),
        spent_ms: 10,
      }),
    });
    const run = await carryOut(begin(), around, never);
    expect(run.measured.rounds).toHaveLength(kRounds + 1);
    expect(throttledRounds(run)).toBe(1);
    expect(measurementsOf(run).map(({ latency_ms }) => latency_ms)).toEqual(kNetworks.map(truth));
  });

  test('a machine that has become slower by the time of the proof is told by networks measured before', async () => {
    let proving = false;
    const around = world({
      predict: async (run) => {
        proving = true;
        return world().predict(run);
      },
      visit: async (architecture) => ({ latency_ms: truth(architecture) * (proving ? 1.4 : 1), spent_ms: 10 }),
    });
    const run = await carryOut(begin(), around, never);
    unseenLatencies(run).forEach((ms, i) => expect(ms).toBeCloseTo(truth(kUnseen[i] ?? ''), 9));
  });

  test('without a proof it ends after the measurements', async () => {
    const around = world();
    const run = await carryOut(newRun('nb201', kSetting, kNetworks, []), around, never);
    expect(nextStep(run)).toBeUndefined();
    expect(around.predicted).toEqual([]);
    expect(new Set(around.visited)).toEqual(new Set(kNetworks));
  });

  test('says how far it has come', async () => {
    const around = world();
    await carryOut(begin(), around, never);
    expect(progressOf(begin())).toMatchObject({ phase: 'measured', round: 1, network: 1, networks: 8, done: 0 });
    expect(progressOf(around.steps[10]!)).toMatchObject({ phase: 'measured', round: 2, network: 4, networks: 8 });
    for (const step of around.steps) {
      const { done, seconds_left } = progressOf(step);
      expect(done).toBeGreaterThan(0);
      expect(done).toBeLessThanOrEqual(1);
      expect(seconds_left).toBeGreaterThanOrEqual(0);
    }
  });

  test('what fails is not swallowed, and what was measured is kept', async () => {
    const around = world();
    const failing: Surroundings = {
      ...around,
      visit: async (architecture) => {
        if (around.visited.length === 3) throw new Error('out of memory');
        return around.visit(architecture);
      },
    };
    await expect(carryOut(begin(), failing, never)).rejects.toThrow('out of memory');
    expect(measurementsOf(around.steps.at(-1)!)).toHaveLength(3);
  });
});

describe('on the page', () => {
  test('the plan becomes the text of a device of its own, and the readings stand beside it', () => {
    let state = reduce(initialState(), { type: 'device', device: mine('nb201') });
    state = reduce(state, { type: 'text', text: '421211, 10.5 ms\n' });
    state = reduce(state, { type: 'plan-browser', space: 'nb201', architectures: ['033030', '333033', '440012'] });
    expect(state.device).toBe(browserOf('nb201'));
    expect(sheetOf(state).text).toBe('arch,latency_ms\n033030,\n333033,\n440012,\n');
    expect(sheetOf(state, mine('nb201')).text).toBe('421211, 10.5 ms\n');
    // The user takes one out while it is being measured, and looks at something else.
    state = reduce(state, { type: 'text', text: 'arch,latency_ms\n033030,\n440012,\n' });
    state = reduce(state, { type: 'device', device: mine('nb201') });
    const readings = [
      { architecture: '033030', latency_ms: 6.798612 },
      { architecture: '333033', latency_ms: 12.24 },
    ];
    state = reduce(state, { type: 'readings', device: browserOf('nb201'), readings });
    expect(sheetOf(state, browserOf('nb201')).text).toBe('arch,latency_ms\n033030,6.7986\n440012,\n');
    state = reduce(state, { type: 'readings', device: browserOf('nb201'), readings: [{ architecture: '033030', latency_ms: 6.7, relative_error: 0.012345 }] });
    expect(sheetOf(state, browserOf('nb201')).text).toBe('arch,latency_ms\n033030,6.7 ± 1.2 %\n440012,\n');
    expect(sheetOf(state).text).toBe('421211, 10.5 ms\n');
  });

  test('what is chosen later follows in the text, whatever has become of it', () => {
    let state = reduce(initialState(), { type: 'plan-browser', space: 'nb201', architectures: ['033030'] });
    state = reduce(state, { type: 'text', text: 'arch,latency_ms\n033030,7' });
    state = reduce(state, { type: 'plan-more', device: browserOf('nb201'), architectures: ['333033'] });
    state = reduce(state, { type: 'readings', device: browserOf('nb201'), readings: [{ architecture: '333033', latency_ms: 12 }] });
    expect(sheetOf(state).text).toBe('arch,latency_ms\n033030,7\n333033,12\n');
  });

  test('measuring again keeps the earlier text for undo', () => {
    let state = reduce(initialState(), { type: 'plan-browser', space: 'nb201', architectures: ['033030'] });
    state = reduce(state, { type: 'readings', device: browserOf('nb201'), readings: [{ architecture: '033030', latency_ms: 7 }] });
    state = reduce(state, { type: 'plan-browser', space: 'nb201', architectures: ['333033'] });
    expect(sheetOf(reduce(state, { type: 'undo-replace' })).text).toBe('arch,latency_ms\n033030,7\n');
  });

  test('one thing at a time, and a failure can be tried again', () => {
    let browser = reduceBrowser(kInitialBrowser, { type: 'start' });
    expect(isBusy(browser)).toBe(true);
    expect(reduceBrowser(browser, { type: 'again' })).toBe(browser);
    browser = reduceBrowser(browser, { type: 'run', run: begin() });
    browser = reduceBrowser(browser, { type: 'failed', message: 'no memory' });
    expect(browser).toMatchObject({ status: 'stopped', failure: 'no memory' });
    browser = reduceBrowser(browser, { type: 'start' });
    expect(browser.failure).toBeUndefined();
    expect(browser.run).toBeDefined();
    browser = reduceBrowser(reduceBrowser(browser, { type: 'stop' }), { type: 'again' });
    expect(browser.run).toBeUndefined();
  });
});
