/** Which packets a command line means: the zone by link or address, its families, and who is at the other end. Pure. */
import { type Address, type Family, families, familyOf, parseAddress } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { Packet, Transport } from '../rules/packet.ts';
import type { Snapshot, ZoneFacts } from './snapshot.ts';

/** What was asked on the command line, parsed. */
export interface Request {
  readonly subject: { readonly link: string } | { readonly address: Address } | { readonly name: string };
  readonly to: Address | undefined;
  readonly port: number | undefined;
  readonly transport: Transport;
  /** The packet comes to the zone instead of from it; an address names its sender. */
  readonly from: 'outside' | Address | undefined;
}

/** A well-known address on the internet, where nothing else is named. Nothing is sent to it. */
const somewhere: Readonly<Record<Family, Address>> = {
  ipv4: '1.1.1.1' as Address,
  ipv6: '2606:4700:4700::1111' as Address,
};

export interface Subject {
  readonly zone: ZoneFacts;
  /** None where no address is known: there is no packet to look at. */
  readonly packets: readonly Packet[];
}

/** `LINK|ADDRESS|NAME`, `ADDRESS[:PORT]` and `outside|ADDRESS`. Throws `usage`. */
export function parseRequest(subject: string, to: string | undefined, from: string | undefined, udp: boolean): Request {
  const address = parseAddress(subject);
  const link = parseLinkName(subject);
  const target = to === undefined ? undefined : parseTarget(to);
  const sender = from === undefined || from === 'outside' ? from : parseAddress(from);
  if (from !== undefined && sender === undefined) {
    throw new ProtectNetworkError('usage', `--from is '${from}'; expected outside or an address`);
  }
  const transport = udp ? 'udp' : target?.port === undefined ? 'icmp' : 'tcp';
  if (udp && target?.port === undefined) throw new ProtectNetworkError('usage', '--udp needs a port in --to');
  return {
    subject: address !== undefined ? { address } : link !== undefined ? { link } : { name: subject },
    to: target?.address,
    port: target?.port,
    transport,
    from: sender,
  };
}

/** `198.51.100.10`, `198.51.100.10:443`, `2001:db8::1`, `[2001:db8::1]:443`. */
function parseTarget(text: string): { address: Address; port: number | undefined } {
  const bare = parseAddress(text);
  if (bare !== undefined) return { address: bare, port: undefined };
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const address = parseAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (address === undefined || port < 1 || port > 65535) {
    throw new ProtectNetworkError('usage', `--to is '${text}'; expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT`);
  }
  return { address, port };
}

export function subjectOf(request: Request, snapshot: Snapshot): Subject {
  const zone = findZone(request, snapshot);
  const own = 'address' in request.subject ? [request.subject.address] : addressesOf(zone, snapshot);
  const family = request.to === undefined ? undefined : familyOf(request.to);
  const fitting = families.flatMap((each) => {
    const address = own.find((candidate) => familyOf(candidate) === each);
    return address !== undefined && (family === undefined || family === each) ? [{ each, address }] : [];
  });
  if (family !== undefined && fitting.length === 0 && own.length > 0) {
    throw new ProtectNetworkError('usage', `${zone.link} has no address of the same family as ${request.to ?? ''}`);
  }
  return { zone, packets: fitting.map(({ each, address }) => packetOf(request, snapshot, zone, each, address)) };
}

function packetOf(request: Request, snapshot: Snapshot, zone: ZoneFacts, family: Family, address: Address): Packet {
  const { from, to, port, transport } = request;
  const elsewhere = to ?? somewhere[family];
  const incoming = from !== undefined;
  return {
    family,
    source: incoming ? (from === 'outside' ? somewhere[family] : from) : address,
    destination: incoming ? (to ?? address) : elsewhere,
    transport,
    sourcePort: undefined,
    destinationPort: port,
    input: incoming ? uplinkOf(snapshot, family) : zone.link,
    output: undefined,
    mark: 0,
    reply: false,
  };
}

/** Where packets from outside come in: by the default route's link. */
function uplinkOf(snapshot: Snapshot, family: Family): string {
  const fallback = snapshot.uplinkInterfaces[0] ?? 'uplink';
  const byDefault = snapshot.routes[family].find(
    ({ dst, dev, type }) => dst === 'default' && type === 'unicast' && dev !== 'lo',
  );
  return byDefault?.dev ?? fallback;
}

function findZone({ subject }: Request, snapshot: Snapshot): ZoneFacts {
  if ('link' in subject) return snapshot.zones.find(({ link }) => link === subject.link) ?? stranger(subject.link);
  if ('name' in subject) return zoneCalled(subject.name, snapshot);
  const { address } = subject;
  const known =
    snapshot.zones.find(({ addresses }) => addresses.includes(address)) ??
    snapshot.zones.find(({ claimed }) => claimed.includes(address));
  if (known !== undefined) return known;
  const route = snapshot.routes[familyOf(address)].find(
    ({ dst, dev }) => dst === address && dev !== undefined && parseLinkName(dev) !== undefined,
  );
  if (route?.dev !== undefined) return snapshot.zones.find(({ link }) => link === route.dev) ?? stranger(route.dev);
  throw new ProtectNetworkError(
    'refused',
    `no zone directory gives ${address} to a link, and no link has a route for it: no zone to explain`,
  );
}

function zoneCalled(name: string, { zones }: Snapshot): ZoneFacts {
  const [zone, ...others] = zones.filter((each) => each.name === name);
  if (zone === undefined) {
    const words = `'${name}' is neither a zone link such as vif7.0 nor an address, nor the name of a zone`;
    throw new ProtectNetworkError('usage', words);
  }
  if (others.length === 0) return zone;
  const links = [zone, ...others].map(({ link }) => link).join(', ');
  throw new ProtectNetworkError('usage', `several zones are named '${name}': ${links}; name the link`);
}

function stranger(link: string): ZoneFacts {
  const refused = 'no zone directory knows this link';
  return { link, addresses: [], claimed: [], name: null, directory: null, origin: null, refused };
}

/** What counts, else what is claimed, else what somebody has routed there by hand. */
function addressesOf(zone: ZoneFacts, snapshot: Snapshot): Address[] {
  if (zone.addresses.length > 0) return [...zone.addresses];
  if (zone.claimed.length > 0) return [...zone.claimed];
  return families.flatMap((family) =>
    snapshot.routes[family]
      .filter(({ dev, type }) => dev === zone.link && type === 'unicast')
      .flatMap(({ dst }) => parseAddress(dst) ?? [])
      .filter((address) => !address.startsWith('fe80')),
  );
}
