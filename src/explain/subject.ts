/** Which packets a request means: the zone, its addresses, and who is at the other end. Pure. */
import type { DistantZone } from '../config/fleet.ts';
import { type Address, type Family, families, familyNames, familyOf, parseAddress } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { Fault } from '../model/fault.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import { devicesOf, route } from '../rules/routing.ts';
import type { Facts } from './facts.ts';
import { bearerOf } from './host-address.ts';
import type { Party, Request } from './request.ts';
import type { Snapshot, ZoneFacts } from './snapshot.ts';

/** A well-known address on the internet, where nothing else is named. Nothing is sent to it. */
const somewhere: Readonly<Record<Family, Address>> = {
  ipv4: '1.1.1.1' as Address,
  ipv6: '2606:4700:4700::1111' as Address,
};

export interface Subject {
  readonly zone: ZoneFacts;
  readonly addresses: readonly Address[];
  /** None where no address is known: there is no packet to look at. */
  readonly packets: readonly Packet[];
}

/** Throws `usage` for what cannot be a packet, and `refused` for an address that is nobody's. */
export function subjectOf(request: Request, facts: Facts): Subject {
  const { snapshot } = facts;
  const zone = findZone(request.subject, snapshot);
  const own = addressesOf(zone, snapshot);
  refuseAmbiguous(request, facts);
  if (own.length === 0) return { zone, addresses: own, packets: [] };
  const { to, from } = request;
  const packets = familiesOf(request).flatMap((family) => {
    const address = addressIn(request.subject, own, family);
    const destination = to === undefined ? undefined : addressOf(to, '--to', family, snapshot);
    const sender = from === undefined || from === 'outside' ? from : addressOf(from, '--from', family, snapshot);
    const lacks = address === undefined || (to && !destination) || (from && !sender);
    return lacks ? [] : [packetOf(request, facts, zone, { family, address, destination, sender })];
  });
  if (packets.length > 0) return { zone, addresses: own, packets };
  throw new ProtectNetworkError('usage', whyNone(request, zone, own));
}

interface Ends {
  readonly family: Family;
  readonly address: Address;
  readonly destination: Address | undefined;
  readonly sender: 'outside' | Address | undefined;
}

function packetOf(
  { port, transport }: Request,
  facts: Facts,
  zone: ZoneFacts,
  { family, address, destination, sender }: Ends,
): Packet {
  const isIncoming = sender !== undefined;
  const source = isIncoming ? (sender === 'outside' ? somewhere[family] : sender) : address;
  return {
    family,
    source,
    destination: destination ?? (isIncoming ? address : somewhere[family]),
    transport,
    sourcePort: undefined,
    destinationPort: port,
    input: isIncoming ? wayIn(facts, zone, address, source) : zone.link,
    output: undefined,
    mark: 0,
    reply: false,
  };
}

/** The link by which the sender's packets come: a zone's own, none for the host itself, else the one that leads there. */
function wayIn(facts: Facts, { link }: ZoneFacts, address: Address, sender: Address): string | undefined {
  const sibling = holderOf(sender, facts.snapshot);
  if (sibling !== undefined) {
    if (sibling.link === link) throw new ProtectNetworkError('usage', `--from ${sender} is ${link} itself`);
    return sibling.link;
  }
  if (bearerOf(facts.links.values(), sender) !== undefined) return undefined;
  const family = familyOf(sender);
  const back = route(facts.routing[family], { family, source: address, destination: sender, input: link, mark: 0 });
  const devices = back.kind === 'route' && back.route.type === 'unicast' ? devicesOf(back.route) : [];
  return devices.find((device) => device !== link) ?? facts.snapshot.uplinkInterfaces[0] ?? 'uplink';
}

function refuseAmbiguous({ ambiguous, to }: Request, { snapshot, links }: Facts): void {
  if (ambiguous === undefined || to === undefined || !('address' in to)) return;
  const isKnown = holderOf(to.address, snapshot) !== undefined || bearerOf(links.values(), to.address) !== undefined;
  if (!isKnown) throw new ProtectNetworkError('usage', ambiguous);
}

/** Those that the command line leaves open. */
function familiesOf({ family, to, from, subject }: Request): readonly Family[] {
  const named = [to, from].find((party) => typeof party === 'object' && 'address' in party);
  if (family !== undefined) return [family];
  if (typeof named === 'object' && 'address' in named) return [familyOf(named.address)];
  return 'address' in subject ? [familyOf(subject.address)] : families;
}

function whyNone(request: Request, { link }: ZoneFacts, own: readonly Address[]): string {
  const [family] = familiesOf(request);
  if (family !== undefined && own.every((address) => familyOf(address) !== family))
    return `${link} has no ${familyNames[family]} address; it has ${own.join(' and ')}`;
  return `${link} and the other end have no address of the same family`;
}

/** The one that was named where it fits, else the zone's of that family. */
function addressIn(party: Party, own: readonly Address[], family: Family): Address | undefined {
  if ('address' in party && familyOf(party.address) === family) return party.address;
  return own.find((address) => familyOf(address) === family);
}

function addressOf(party: Party, option: string, family: Family, snapshot: Snapshot): Address | undefined {
  if ('address' in party) return familyOf(party.address) === family ? party.address : undefined;
  const distant = 'name' in party ? distantCalled(party.name, snapshot) : undefined;
  if (distant !== undefined) return addressIn(party, distant.addresses, family);
  const zone = 'link' in party ? zoneAt(party.link, snapshot) : zoneCalled(party.name, option, snapshot);
  const own = addressesOf(zone, snapshot);
  if (own.length > 0) return addressIn(party, own, family);
  throw new ProtectNetworkError('refused', `${option} is ${zone.link}, which has no network: ${zone.refused ?? '?'}`);
}

function findZone(subject: Party, snapshot: Snapshot): ZoneFacts {
  if ('link' in subject) return zoneAt(subject.link, snapshot);
  if ('name' in subject) return zoneCalled(subject.name, undefined, snapshot);
  const { address } = subject;
  const known = holderOf(address, snapshot);
  if (known !== undefined) return known;
  const routed = snapshot.routes[familyOf(address)].find(
    ({ dst, dev }) => dst === address && dev !== undefined && parseLinkName(dev) !== undefined,
  );
  if (routed?.dev !== undefined) return zoneAt(routed.dev, snapshot);
  throw new ProtectNetworkError(
    'refused',
    `no zone directory gives ${address} to a link, and no link has a route for it: no zone to explain`,
  );
}

function holderOf(address: Address, { zones }: Snapshot): ZoneFacts | undefined {
  return (
    zones.find(({ addresses }) => addresses.includes(address)) ?? zones.find(({ claimed }) => claimed.includes(address))
  );
}

function zoneAt(link: string, { zones }: Snapshot): ZoneFacts {
  return zones.find((each) => each.link === link) ?? stranger(link);
}

/** A zone of another host, where none of this one is called so. */
function distantCalled(name: string, { zones, fleet }: Snapshot): DistantZone | undefined {
  return zones.some((zone) => zone.name === name) ? undefined : fleet.zones.find((zone) => zone.name === name);
}

/** `option`: where it stands, for the error. */
function zoneCalled(name: string, option: string | undefined, snapshot: Snapshot): ZoneFacts {
  const { zones } = snapshot;
  const [zone, ...others] = zones.filter((each) => each.name === name);
  const renamed = renamedCalled(name, snapshot);
  if (zone === undefined && renamed !== undefined) return zoneAt(renamed.links?.[1] ?? name, snapshot);
  if (zone === undefined) {
    const what = option === undefined ? `'${name}'` : `${option} is '${name}', which`;
    const words = `${what} is neither a zone link such as vif7.0 nor an address, nor the name of a zone`;
    const hint = option === undefined ? '' : '; names of hosts are not resolved: give the address';
    throw new ProtectNetworkError('usage', `${words}${hint}`);
  }
  if (others.length === 0) return zone;
  const links = [zone, ...others].map(({ link }) => link).join(', ');
  throw new ProtectNetworkError('usage', `several zones are named '${name}': ${links}; name the link`);
}

/** The guest's link that is called `name`, or would be by Xen. */
export function renamedCalled(name: string, { renamed }: Pick<Snapshot, 'renamed'>): Fault | undefined {
  return renamed.find(({ links }) => links?.includes(name));
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
