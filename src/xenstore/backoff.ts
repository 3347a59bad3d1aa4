/** Waiting times between attempts: doubling, each shortened by up to half at random so that clients do not come in step. */
export interface Backoff {
  /** Milliseconds. */
  readonly first: number;
  readonly most: number;
}

/** Milliseconds before attempt `failures` + 1; `random` is in [0, 1). */
export function delayAfter(failures: number, backoff: Backoff, random: number): number {
  const full = Math.min(backoff.most, backoff.first * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - random / 2));
}
