/** What a check says. */
import type { Fault } from '../model/fault.ts';

/** `bad`: must be fixed. `warning`: may be meant; works, or works for now. */
export type Level = Fault['level'] | 'ok';

/** A fault, or that there is none. */
export interface Judgement extends Omit<Fault, 'level'> {
  readonly level: Level;
}

export interface Finding extends Judgement {
  /** The check's name, for scripts. */
  readonly check: string;
}

export function ok(what: string): Judgement {
  return { level: 'ok', what, why: null, fix: null };
}
