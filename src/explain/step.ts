/** One step of the story that `explain` tells. Values only. */
import type { RuleRef } from '../rules/ruleset.ts';

/**
 * - `good`: the packet comes past it. `bad`: it ends here.
 * - `unknown`: whether it comes past cannot be seen from this host.
 * - `note`: does not decide, but explains, or will matter soon.
 */
export type StepState = 'good' | 'bad' | 'unknown' | 'note';

export interface Step {
  /** A short stable word for programs: `directory`, `link`, `gateway`, `chain`, `route` … */
  readonly what: string;
  readonly state: StepState;
  /** One line. */
  readonly text: string;
  readonly details?: readonly string[];
  /** The rule that decides. */
  readonly rule?: { readonly ref: RuleRef; readonly where: string; readonly text: string };
  /** Commands or settings that would fix it; text to add to a file has lines. */
  readonly fix?: readonly string[];
}

export type Verdict = 'passes' | 'blocked' | 'undecided';

export function step(
  what: string,
  state: StepState,
  text: string,
  more: Omit<Step, 'what' | 'state' | 'text'> = {},
): Step {
  return { what, state, text, ...more };
}
