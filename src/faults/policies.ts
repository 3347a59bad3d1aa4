/** What is wrong with policies on this host as it is, in words. Pure. */
import type { DistantZone } from '../config/fleet.ts';
import type { Fault } from '../model/fault.ts';
import { notice } from '../model/fault.ts';
import type { PolicyBook } from '../policy/book.ts';
import type { PolicedZone, ZoneEgress } from '../policy/model.ts';
import { aboutNoZone, contradictions } from '../policy/notes.ts';
import { fault } from '../words/faults.ts';
import { findings } from '../words/findings.ts';

/** The forwarder's restart takes less, and so does its start beside the daemon's. */
const awayMs = 10_000;

/** `since`: Unix milliseconds from which it is, or is not, connected. */
export interface ForwarderState {
  readonly connected: boolean;
  readonly since: number;
  readonly resolversAnswer: boolean;
}

/** `zones`: all that there are. `now`: Unix milliseconds. */
export function policyFaults(
  book: PolicyBook,
  zones: readonly PolicedZone[],
  { connected, since, resolversAnswer }: ForwarderState,
  now: number,
  distant: readonly DistantZone[],
): Fault[] {
  const isAway = !connected && now - since >= awayMs;
  const isAlone = connected && !resolversAnswer;
  const cut = isAway || isAlone ? zones.filter((zone) => asksNames(book.egressOf(zone))).length : 0;
  const missing = isAway ? findings.reported.noForwarder : findings.reported.noResolver;
  return [
    ...(cut === 0 ? [] : [fault(missing, { n: cut })]),
    ...[...aboutNoZone(book, zones, distant), ...contradictions(book, zones)].map(notice),
  ];
}

/** Some name would be answered: one that a rule allows, and in audit mode any. */
function asksNames(egress: ZoneEgress | undefined): boolean {
  if (egress?.mode === 'audit') return true;
  return egress?.allow.some((rule) => rule.kind === 'ports' && rule.target.kind === 'name') ?? false;
}
