import { type Culprit, type HostEvent, type Link, unnamedTable } from '../host/port.ts';
import { auditedChain, deniedChain, forgedChain, overLimitChain, ownTable, unassignedChain } from '../nft/names.ts';
import { tableKey } from '../nft/ruleset.ts';

/** What may wait is held back by `Loop.hold`; what comes in a moment holds itself back, and what may wait with it. */
export type Urgency = 'now' | 'may wait' | 'in a moment';

/** The event in a few words, as the cause of a pass. */
export function describeEvent(event: HostEvent): string {
  switch (event.kind) {
    case 'link':
      return `link ${event.link.name} ${event.deleted ? 'was deleted' : event.link.up ? 'is up' : 'is down'}`;
    case 'route':
      return `route ${event.destination} ${event.deleted ? 'was deleted' : 'was added'}`;
    case 'address':
      return 'an address on a zone link was deleted';
    case 'shaper':
      return 'the qdisc of a link changed';
    case 'netconf':
      return `settings of ${event.link} (${event.family}) changed`;
    case 'nft': {
      const author = event.culprit === undefined ? 'another program' : nameCulprit(event.culprit);
      const tables = [...event.tables].map((table) => (table === unnamedTable ? 'a table not named' : table));
      return `${author} changed ${tables.join(', ')}`;
    }
    case 'sysctl':
      return `${event.name} was written`;
    case 'traced':
      return `a packet was reported by ${event.table} ${event.chain}`;
    case 'lost':
      return event.reason;
  }
}

/** Births and deaths do not wait for repairs that are held back. `known`: the link as it was, where the event is about one. */
export function urgencyOf(event: HostEvent, known: Link | undefined): Urgency {
  if (event.kind !== 'link') return 'may wait';
  if (event.deleted || known === undefined) return 'now';
  // Taken, freed, or with something on top.
  if (event.link.ifindex !== known.ifindex || event.link.master !== known.master) return 'now';
  return known.up && !event.link.up ? 'in a moment' : 'may wait';
}

/** `nft (812)`, or `iptables-restor (830) of ufw (812)`. */
export function nameCulprit({ process, pid, parent }: Culprit): string {
  const own = `${process} (${pid})`;
  return parent === undefined ? own : `${own} of ${parent.process} (${parent.pid})`;
}

/** An event of `lo`, on which the gateways' routes stand. */
export function isLoopback(event: HostEvent): boolean {
  return event.kind === 'link' && event.link.name === 'lo';
}

/** The host's own switches changed: those of all links together. */
export function isForwarding(event: HostEvent): boolean {
  return event.kind === 'netconf' && event.link === 'all';
}

/** Which kind of packet our guard chose to be told of; undefined for what others trace. */
export function toldKind({
  table,
  chain,
}: Extract<HostEvent, { kind: 'traced' }>): 'forgery' | 'unassigned-address' | 'denial' | 'limit' | undefined {
  if (table !== tableKey(ownTable.family, ownTable.name)) return undefined;
  if (chain === deniedChain || chain === auditedChain) return 'denial';
  if (chain === overLimitChain) return 'limit';
  return chain === forgedChain ? 'forgery' : chain === unassignedChain ? 'unassigned-address' : undefined;
}
