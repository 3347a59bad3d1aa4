/** A tracked connection as a zone's: from its side, with whom it talks, and what lets it. Pure. */
import { transportOf } from '../host/route-numbers.ts';
import type { TrackedFlow } from '../host/traffic.ts';
import { type Address, contains, type Family, familyOf, type Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import type { Counter } from '../nft/counters.ts';
import type { PolicedZone } from '../policy/model.ts';
import type { Verdict, ZoneBook } from './zone-book.ts';

export interface Flow {
  readonly id: number;
  readonly zone: PolicedZone;
  /** `out`: the zone began it. */
  readonly direction: 'out' | 'in';
  readonly peer: Peer;
  /** `tcp`, `udp`, `icmp`, or the number of another one. */
  readonly protocol: string;
  /** That was asked by whoever began it; undefined where the protocol has none. */
  readonly port: number | undefined;
  /** Who answers, where that is somebody else than was asked. */
  readonly answeredBy: Endpoint | undefined;
  /** TCP's, or whether there was an answer. */
  readonly state: string;
  /** From and to the zone; undefined where the kernel does not count. */
  readonly sent: Counter | undefined;
  readonly received: Counter | undefined;
  /** Unix milliseconds, as far as the kernel knows. */
  readonly beganAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly verdict: Verdict;
}

export interface Endpoint {
  readonly address: Address;
  readonly port: number | undefined;
}

export interface Peer extends Endpoint {
  readonly zone: PolicedZone | undefined;
  readonly isHost: boolean;
  /** By which the zone asked for it, or of a zone of another host. */
  readonly name: string | undefined;
}

/** Each that is there has to fit. */
export interface FlowFilter {
  /** Seen from these; undefined: whatever zones. */
  readonly links: ReadonlySet<LinkName> | undefined;
  readonly peer: Prefix | string | undefined;
  readonly port: number | undefined;
  readonly protocol: string | undefined;
  readonly direction: Flow['direction'] | undefined;
  readonly family: Family | undefined;
}

export function protocolName(number: number): string {
  return transportOf(number) ?? String(number);
}

/** Undefined where no zone has part in it, or the filter does not want it. Between two zones it is the one's that began it. */
export function flowOf(tracked: TrackedFlow, book: ZoneBook, filter: FlowFilter): Flow | undefined {
  const { original, reply } = tracked;
  const [beginner, answerer] = [book.zoneAt(original.source), book.zoneAt(reply.source)];
  const isWanted = (zone: PolicedZone | undefined) =>
    zone !== undefined && (filter.links === undefined || filter.links.has(zone.link));
  const zone = isWanted(beginner) ? beginner : isWanted(answerer) ? answerer : undefined;
  if (zone === undefined) return undefined;
  const direction = zone === beginner ? 'out' : 'in';
  const protocol = protocolName(tracked.protocol);
  const port = protocol === 'icmp' ? undefined : original.destinationPort;
  if (!fits(filter, { family: tracked.family, direction, protocol, port })) return undefined;
  const peer = peerOf(tracked, { zone, direction, protocol, beginner, answerer }, book);
  if (filter.peer !== undefined && !isPeer(filter.peer, peer)) return undefined;
  return {
    id: tracked.id,
    zone,
    direction,
    peer,
    protocol,
    port,
    answeredBy: isTranslated(tracked)
      ? { address: reply.source as Address, port: portOf(protocol, reply.sourcePort) }
      : undefined,
    state: stateOf(tracked),
    ...countersOf(tracked, direction),
    beganAt: tracked.beganAt,
    endedAt: tracked.endedAt,
    verdict: book.verdictOf(beginner, answerer, {
      address: reply.source as Address,
      transport: protocol as 'tcp',
      port: reply.sourcePort ?? 0,
      askedPort: original.destinationPort ?? 0,
      isTranslated: isTranslated(tracked),
    }),
  };
}

function fits(
  { port, protocol, direction, family }: FlowFilter,
  flow: Pick<Flow, 'direction' | 'protocol' | 'port'> & { readonly family: Family },
): boolean {
  return (
    (port === undefined || port === flow.port) &&
    (protocol === undefined || protocol === flow.protocol) &&
    (direction === undefined || direction === flow.direction) &&
    (family === undefined || family === flow.family)
  );
}

function isPeer(wanted: Prefix | string, { address, zone, name, isHost }: Peer): boolean {
  if (typeof wanted !== 'string') return familyOf(address) === wanted.family && contains(wanted, address);
  return name === wanted || zone?.name === wanted || zone?.link === wanted || (isHost && wanted === 'host');
}

interface Sides extends Pick<Flow, 'zone' | 'direction' | 'protocol'> {
  readonly beginner: PolicedZone | undefined;
  readonly answerer: PolicedZone | undefined;
}

/** Whom the zone asked, or who asked it. A published port's zone answers for the host that was asked. */
function peerOf(
  { original, reply }: TrackedFlow,
  { zone, direction, protocol, beginner, answerer }: Sides,
  book: ZoneBook,
): Peer {
  if (direction === 'in') return end(original.source, portOf(protocol, original.sourcePort), beginner, undefined, book);
  const lease = book.leaseOf(zone.link, {
    address: reply.source as Address,
    transport: protocol as 'tcp',
    port: reply.sourcePort ?? 0,
  });
  return end(original.destination, portOf(protocol, original.destinationPort), answerer, lease?.name, book);
}

function end(
  address: string,
  port: number | undefined,
  zone: PolicedZone | undefined,
  name: string | undefined,
  book: ZoneBook,
): Peer {
  return {
    address: address as Address,
    port,
    zone,
    isHost: book.isHost(address),
    name: name ?? book.distantNameAt(address),
  };
}

function portOf(protocol: string, port: number | undefined): number | undefined {
  return protocol === 'icmp' ? undefined : port;
}

function isTranslated({ original, reply }: TrackedFlow): boolean {
  return original.destination !== reply.source || original.destinationPort !== reply.sourcePort;
}

/** UDP and ICMP have no state but whether somebody answered. */
function stateOf({ tcpState, isAnswered }: TrackedFlow): string {
  return tcpState ?? (isAnswered ? 'answered' : 'unanswered');
}

function countersOf({ counters }: TrackedFlow, direction: Flow['direction']): Pick<Flow, 'sent' | 'received'> {
  if (counters === undefined) return { sent: undefined, received: undefined };
  const { original, reply } = counters;
  return direction === 'out' ? { sent: original, received: reply } : { sent: reply, received: original };
}
