/** What estimates are made from, alike for a table and for the weights of a built-in space. */

import type { Intervals, OwnTable, Predictor, PredictorInfo, TablePredictor, TransferOptions } from '../../api/index.js';

/** Estimates of a device. Of a table they are neither saved as a file nor searched beyond its rows. */
export interface Adapted
  extends Pick<Predictor, 'predict' | 'intervals' | 'review' | 'next' | 'dispose'>, Partial<Pick<Predictor, 'save' | 'search'>> {
  readonly info: Pick<PredictorInfo, 'method' | 'quantity' | 'nearest' | 'target'>;
}

/** What can be adapted to measurements in closed form. */
export interface Base extends Pick<Predictor, 'next' | 'dispose'> {
  transfer(...args: Parameters<Predictor['transfer']>): Promise<Adapted>;
}

/** Of a table. */
export function tableBase(table: OwnTable): Base {
  return {
    transfer: async (measurements, { device, quantity, trusted }: TransferOptions = {}) => {
      const options = { ...(device !== undefined && { device }), ...(quantity && { quantity }), ...(trusted && { trusted }) };
      return adapted(await table.transfer(measurements, options));
    },
    next: async (options) => {
      const none = await table.transfer([]);
      try {
        return await none.next(options);
      } finally {
        none.dispose();
      }
    },
    dispose: () => table.dispose(),
  };
}

function adapted(predictor: TablePredictor): Adapted {
  const intervals = (names: readonly string[], coverage?: number): Promise<Intervals> => predictor.intervals(names, coverage);
  return {
    info: predictor.info,
    predict: async (names) => (await intervals(names)).latency_ms,
    intervals,
    review: () => predictor.review(),
    // All rows are the pool.
    next: ({ count } = {}) => predictor.next(count === undefined ? {} : { count }),
    dispose: () => predictor.dispose(),
  };
}
