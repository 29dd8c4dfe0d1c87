/** What `import ... from 'latencast'` gives.
 *
 * @module latencast
 */

export { createEngine } from './engine.js';
export { LatencastError } from './errors.js';
export { fetchBytes, type FetchOptions } from './fetch.js';
export {
  checkMeasurements,
  checkTableMeasurements,
  kNoLatencyYet,
  readMeasurements,
  writeMeasurements,
  type CheckedLine,
  type CheckedMeasurements,
  type Fix,
  type LatencyUnit,
  type MeasurementLine,
  type Note,
  type ReadMeasurements,
  type ReadOptions,
} from './measurements.js';
export type * from './types.js';
