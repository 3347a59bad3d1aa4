/** What is dear, however many ask for it. */

export interface Rest {
  /** At least so long between the end of one run and the beginning of the next, in milliseconds. */
  readonly restMs: number;
  /** And so many times as long as the run took. */
  readonly times: number;
}

/** `work` such that who asks during a run or a rest gets the last outcome, be it a failure. Nothing runs while nobody asks. */
export function rarely<T>(work: () => Promise<T>, { restMs, times }: Rest, now = () => performance.now()) {
  let last: Promise<T> | undefined;
  let restUntil = 0;
  return (): Promise<T> => {
    if (last !== undefined && now() < restUntil) return last;
    const begun = now();
    restUntil = Number.POSITIVE_INFINITY;
    last = work().finally(() => {
      const ended = now();
      restUntil = ended + Math.max(restMs, (ended - begun) * times);
    });
    return last;
  };
}
