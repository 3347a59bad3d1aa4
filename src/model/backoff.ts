/** Waiting times between attempts: doubling. Each user spreads them at random, so that many do not come in step. */
export interface Backoff {
  /** Milliseconds. */
  readonly first: number;
  readonly most: number;
}

/** Milliseconds before attempt `failures` + 1; of the doubled time, `share`. */
export function delayAfter(failures: number, { first, most }: Backoff, share = 1): number {
  return Math.round(Math.min(most, first * 2 ** (failures - 1)) * share);
}
