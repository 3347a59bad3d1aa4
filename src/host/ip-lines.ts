/** Parses a line of `ip -oneline -rcvbuf SIZE monitor label link address route netconf` (iproute2 5.10 to 6.15 print it alike). */
import { type Family, parseAddress } from '../model/address.ts';
import type { HostEvent } from './port.ts';

/** No part of it may match what the next one does: a long line would cost its length squared. */
const linkLine = /^\[LINK\](Deleted )?(\d+): ([^:@\s]+)[@:][^\s<]*\s*<([^>]*)>/;
const routeLine =
  /^\[ROUTE\](Deleted )?(?:(local|broadcast|multicast|unreachable|blackhole|prohibit|anycast|none) )?(\S+)(.*)$/;
const addressLine = /^\[ADDR\](Deleted )?(\d+): /;
const netconfLine = /^\[NETCONF\](Deleted )?(inet6?) (\S+)/;

/** The event, or undefined for a line that says nothing to us. Words without a label are the tool's trouble: `lost`. */
export function parseIpLine(line: string): HostEvent | undefined {
  if (line.startsWith('[LINK]')) return parseLink(line);
  if (line.startsWith('[ROUTE]')) return parseRoute(line);
  if (line.startsWith('[ADDR]')) return parseAddressLine(line);
  if (line.startsWith('[NETCONF]')) return parseNetconf(line);
  // A line that continues another (multipath next hops) is indented.
  if (line.trim() === '' || /^[\s[\\]/.test(line)) return undefined;
  return { kind: 'lost', reason: `ip monitor: ${line.slice(0, 200)}` };
}

function parseLink(line: string): HostEvent | undefined {
  const match = linkLine.exec(line);
  if (match === null) return undefined;
  const [, deleted, ifindex, name = '', flags = ''] = match;
  return {
    kind: 'link',
    link: { ifindex: Number(ifindex), name, up: flags.split(',').includes('UP') },
    deleted: deleted !== undefined,
  };
}

function parseRoute(line: string): HostEvent | undefined {
  const match = routeLine.exec(line);
  if (match === null) return undefined;
  const [, deleted, , destination = '', rest = ''] = match;
  return {
    kind: 'route',
    family: familyOfDestination(destination, rest),
    destination,
    device: / dev (\S+)/.exec(rest)?.[1],
    protocol: / proto (\S+)/.exec(rest)?.[1],
    deleted: deleted !== undefined,
  };
}

/** A default route names no family; IPv6 ones carry a preference or an IPv6 next hop. */
function familyOfDestination(destination: string, rest: string): Family {
  const bare = parseAddress(destination.split('/')[0] ?? '');
  if (bare !== undefined) return bare.includes(':') ? 'ipv6' : 'ipv4';
  return / pref | via inet6 | via [0-9a-f]*:/.test(rest) ? 'ipv6' : 'ipv4';
}

function parseAddressLine(line: string): HostEvent | undefined {
  const match = addressLine.exec(line);
  if (match === null) return undefined;
  return { kind: 'address', ifindex: Number(match[2]), deleted: match[1] !== undefined };
}

function parseNetconf(line: string): HostEvent | undefined {
  const match = netconfLine.exec(line);
  if (match === null || match[1] !== undefined) return undefined;
  return {
    kind: 'netconf',
    family: match[2] === 'inet6' ? 'ipv6' : 'ipv4',
    link: match[3] ?? '',
    forwarding: fieldIs(line, 'forwarding', 'on'),
    strictReversePath: fieldIs(line, 'rp_filter', 'strict'),
    proxiesNeighbours: fieldIs(line, 'proxy_neigh', 'on'),
  };
}

function fieldIs(line: string, field: string, value: string): boolean | undefined {
  const found = new RegExp(` ${field} (\\S+)`).exec(line);
  return found === null ? undefined : found[1] === value;
}
