/** Conditions that nobody can decide from here are tried both ways: only where that changes the verdict is it undecided. Pure. */

import type { Packet } from '../rules/packet.ts';
import { type Conversation, converse } from './conversation.ts';
import type { Facts } from './facts.ts';
import type { Verdict } from './step.ts';
import type { Assumptions, Doubt } from './traveller.ts';

export interface Settled {
  readonly verdict: Verdict;
  readonly conversation: Conversation;
  /** The rule that makes it undecided, and what happens either way. */
  readonly doubt: (Doubt & { readonly ifItFits: Verdict; readonly otherwise: Verdict }) | undefined;
}

/** Doubts in one chain double the work each; six are tried out, more are left undecided. */
const maxDoubts = 6;

export function settle(facts: Facts, packet: Packet, assumptions: Assumptions = new Map()): Settled {
  const conversation = converse(facts, packet, assumptions);
  const [doubt] = conversation.doubts;
  if (doubt === undefined) return { verdict: conversation.verdict, conversation, doubt: undefined };
  if (assumptions.size >= maxDoubts) {
    return { verdict: 'undecided', conversation, doubt: { ...doubt, ifItFits: 'undecided', otherwise: 'undecided' } };
  }
  const otherwise = settle(facts, packet, new Map([...assumptions, [doubt.key, false]]));
  const ifItFits = settle(facts, packet, new Map([...assumptions, [doubt.key, true]]));
  if (otherwise.verdict === ifItFits.verdict) return otherwise;
  return {
    verdict: 'undecided',
    conversation: otherwise.conversation,
    doubt: otherwise.doubt ?? { ...doubt, ifItFits: ifItFits.verdict, otherwise: otherwise.verdict },
  };
}
