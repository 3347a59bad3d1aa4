/** What `top` knows at one moment: the last answer, fit for a terminal, and what came before it. Pure. */
import type { Status } from '../control/status.ts';
import { type History, type Rates, ratesBetween, type Snapshot, withRates } from './rates.ts';
import { allPrintable } from './terminal.ts';

export interface Watched {
  /** A text: why there is none. */
  readonly status: Status | string;
  readonly rates: Rates | undefined;
  readonly history: History;
  /** When it was read, Unix milliseconds. */
  readonly readAt: number;
}

/** `before`: what rates are compared with; undefined after a pause or a failure, which leaves a gap in the history. */
export function watchedAfter(
  was: Watched | undefined,
  before: Snapshot | undefined,
  current: Snapshot | string,
  readAt: number,
): Watched {
  const history = was?.history ?? new Map();
  if (typeof current === 'string') return { status: allPrintable(current), rates: undefined, history, readAt };
  const rates = ratesBetween(before ?? current, current);
  return { status: allPrintable(current.status), rates, history: withRates(history, rates), readAt };
}
