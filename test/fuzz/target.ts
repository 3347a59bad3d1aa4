/** What is fuzzed: somewhere that outside bytes enter the program. */
import type { Random } from './random.ts';

/** `other` is another input of the same target, to take pieces from. */
export type Mutator = (random: Random, input: Buffer, other: Buffer) => Buffer;

/** What came of an input. Inputs whose `kind` is new are mutated further. */
export interface Outcome {
  readonly kind: string;
  /** How much it produced, in characters: bounded by what went in. */
  readonly size: number;
}

export interface Target {
  readonly name: string;
  readonly mutate: Mutator;
  /** Valid inputs besides those of `corpus/NAME`. */
  readonly seeds?: readonly (string | Buffer)[];
  /** Characters that an input of so many bytes may lead to; by default 64 for each byte and 64 Ki. */
  readonly outputBound?: (bytes: number) => number;
  /** Milliseconds of processor time that an input of so many bytes may take; by default 250 and 2 for each KiB. */
  readonly timeBound?: (bytes: number) => number;
  /** Default 64 KiB. */
  readonly maxBytes?: number;
  /**
   * Lets the program read the input. Whatever it throws that is not one of the program's own errors is a finding, and so
   * is what the target itself throws where an answer cannot be right.
   */
  feed(input: Buffer): Outcome | Promise<Outcome>;
  close?(): Promise<void>;
}

export type TargetMaker = () => Target | Promise<Target>;

/** An answer that breaks a promise; not one of the program's errors, so that it is a finding. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

export function promised(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromise(what);
}

/** The outcome of a value: its kind is the caller's, its size that of its JSON. */
export function outcomeOf(kind: string, value: unknown): Outcome {
  const text = JSON.stringify(value, (_key, part) => {
    if (typeof part === 'bigint' || typeof part === 'symbol') return String(part);
    return part instanceof Map || part instanceof Set ? [...part] : part;
  });
  return { kind, size: text?.length ?? 0 };
}
