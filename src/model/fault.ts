/** What is wrong with a host, in words that status, doctor, explain and the log share. Pure. */

/** `bad`: zones are without network, or part of it. `warning`: may be meant; works, or works for now. */
export type FaultLevel = 'bad' | 'warning';

export interface Fault {
  readonly level: FaultLevel;
  readonly what: string;
  /** What follows from it; null where `what` says it all. */
  readonly why: string | null;
  /** A command for a shell, valid as it stands; null where none is sure to help. */
  readonly fix: string | null;
  /** The links that have no network for this reason, where it is known; nothing more has to be said of them. */
  readonly links?: readonly string[];
  /** Of others' firewalls: the daemon looks at them again some seconds after they change. */
  readonly isOfFirewalls?: boolean;
}

/** A warning that is one sentence. */
export function notice(what: string): Fault {
  return { level: 'warning', what, why: null, fix: null };
}

export function sentenceOf({ what, why, fix }: Pick<Fault, 'what' | 'why' | 'fix'>): string {
  return `${what}${why === null ? '' : `: ${why}`}${fix === null ? '' : `; fix: ${fix}`}`;
}
