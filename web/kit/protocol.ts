/** How a kit measures, the same on every device; `scripts/protocol.py` reads these numbers from the manifest and does what they say. */
export const kProtocol = {
  version: 1,
  /** Of several readings, and of several rounds, the one that counts: a machine is only slowed down, never sped up. */
  low_quantile: 0.1,
  /** Runs before a reading counts: the caches hold another network still. */
  warm_up_runs: 1,
  /** What a visit to a network should take at least, within so many readings. */
  visit_ms: 40,
  fewest_readings: 5,
  most_readings: 50,
  /** Rounds over all networks: more of them until the error is small enough or the time is up. */
  fewest_rounds: 5,
  most_rounds: 40,
  /** Of the worst but a tenth of the networks. */
  relative_error: 0.02,
  seconds: 300,
  /** A round slower than the others by this factor does not count. */
  throttled: 1.25,
} as const;

export type Protocol = typeof kProtocol;
