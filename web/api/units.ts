/** The unit that everything is computed in. Apart from what reads measurements, which is large. */
export const kBaseUnits = { latency: 'ms', energy: 'mJ' } as const;
