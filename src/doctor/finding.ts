/** What a check says. */

/** `bad`: must be fixed. `warning`: may be meant; works, or works for now. */
export type Level = 'bad' | 'warning' | 'ok';

export interface Judgement {
  readonly level: Level;
  readonly what: string;
  /** Why it matters; null where all is well. */
  readonly why: string | null;
  /** What to do, as a command where there is one; null where all is well. */
  readonly fix: string | null;
}

export interface Finding extends Judgement {
  /** The check's name, for scripts. */
  readonly check: string;
}

export function ok(what: string): Judgement {
  return { level: 'ok', what, why: null, fix: null };
}

export function warning(what: string, why: string, fix: string): Judgement {
  return { level: 'warning', what, why, fix };
}

export function bad(what: string, why: string, fix: string): Judgement {
  return { level: 'bad', what, why, fix };
}
