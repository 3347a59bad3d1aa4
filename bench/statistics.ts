/** What a series of measurements comes to. */

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
}

/** By nearest rank: every figure is one that was measured. Throws for an empty series. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    if (value === undefined) throw new Error('nothing was measured');
    return value;
  };
  return { count: sorted.length, median: at(0.5), p99: at(0.99) };
}
