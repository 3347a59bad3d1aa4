/** Whether zones have their network: the one answer behind `status`, `/healthz`, the metrics and exit codes. Pure. */

import type { Fault } from '../model/fault.ts';
import { firstOf } from '../words/say.ts';
import type { Status, ZoneState, ZoneStatus } from './status.ts';

/** What the state is made of. */
export type Evidence = Pick<Status, 'zones' | 'faults' | 'failures'>;

export function isDegraded({ zones, faults, failures }: Evidence): boolean {
  return failures.length > 0 || faults.some(({ level }) => level === 'bad') || zones.some(lacksNetwork);
}

/** A zone that should have a network and has none. */
function lacksNetwork({ state, wanted }: Pick<ZoneStatus, 'state' | 'wanted'>): boolean {
  return wanted && (state === 'unserved' || state === 'failed' || state === 'taken');
}

export type Cause = Pick<Fault, 'what' | 'why' | 'fix'>;

/** Everything that keeps the state from `ready`, the gravest first. */
export function causesOf(status: Pick<Status, 'state'> & Evidence): Cause[] {
  const { state, faults, failures } = status;
  const only = (what: string): Cause => ({ what, why: null, fix: null });
  return [
    ...(state === 'starting' ? [only('the daemon has not looked at everything yet')] : []),
    ...faults.filter(({ level }) => level === 'bad'),
    ...failures.map(({ what, reason }) => only(`${what}: ${reason}`)),
    ...withoutNetwork(status)
      .filter(({ isWanted }) => isWanted)
      .map(causeOf),
  ];
}

/** Links without network for one reason. */
export interface NoNetwork {
  readonly links: readonly string[];
  readonly reason: string;
  readonly fix: string | null;
  readonly isWanted: boolean;
}

interface LinksEvidence extends Pick<Status, 'faults' | 'failures'> {
  readonly zones: readonly (Pick<ZoneStatus, 'link' | 'reason' | 'fix' | 'wanted'> & {
    readonly state: ZoneState | 'asked';
  })[];
}

/** Those that are told of with neither a fault nor a failure, the same reason once. */
export function withoutNetwork({ zones, faults, failures }: LinksEvidence): NoNetwork[] {
  const told = new Set([...faults.flatMap(({ links = [] }) => links), ...failures.map(({ what }) => what)]);
  const lacking = zones.filter(({ state, link }) => (state === 'unserved' || state === 'taken') && !told.has(link));
  const alike = Map.groupBy(lacking, ({ reason, fix }) => `${reason}\n${fix}`);
  return [...alike.values()].map((group) => ({
    links: group.map(({ link }) => link),
    reason: group[0]?.reason ?? 'no reason is known',
    fix: group[0]?.fix ?? null,
    isWanted: group.some(({ wanted }) => wanted),
  }));
}

const maxNamed = 5;

/** E.g. `vif7.0, vif8.0: REASON`, with the fix. */
export function causeOf(group: NoNetwork): Cause {
  const { links, reason, fix } = group;
  // Some reasons begin with the link's name.
  const what = reason.startsWith(`${links[0]} `) ? reason : `${namesIn(group)}: ${reason}`;
  return { what, why: null, fix };
}

export function namesIn({ links }: Pick<NoNetwork, 'links'>): string {
  return firstOf(links, maxNamed);
}
