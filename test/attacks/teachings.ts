/** What a zone could teach dom0: routes, addresses, neighbours. Nothing here is meant to travel on; dom0's state is what counts. */
import type { Family } from '../../src/model/address.ts';
import {
  addressBytes,
  arp,
  ethernet,
  etherTypes,
  extension,
  icmpv6,
  ipv4,
  ipv6,
  macBytes,
  type Payload,
  protocols,
  udp,
} from '../lab/frames/packets.ts';
import { type Attack, byZone, type Cast, free, fromZone } from './attack.ts';

const broadcastMac = 'ff:ff:ff:ff:ff:ff';
const allNodes = 'ff02::1';

/** Addresses that are somebody else's, for whoever claims them. */
const claimed: Readonly<Record<string, (cast: Cast, family: Family) => string>> = {
  'dom0’s next hop': ({ nextHop }, family) => nextHop[family],
  'a sibling': ({ sibling }, family) => sibling[family],
  'dom0 itself': ({ host }, family) => host[family],
  'the gateway': ({ gateway }, family) => gateway[family],
  'nobody of the subnet': (_cast, family) => free[family],
};

const arpClaims = Object.entries(claimed).flatMap(([whose, addressOf]) =>
  Object.entries({
    'gratuitous ARP request': (cast: Cast, address: string) =>
      ethernet(
        broadcastMac,
        cast.zone.mac,
        etherTypes.arp,
        arp({ operation: 'request', ...from(cast, address, address) }),
      ),
    'gratuitous ARP reply': (cast: Cast, address: string) =>
      ethernet(
        broadcastMac,
        cast.zone.mac,
        etherTypes.arp,
        arp({ operation: 'reply', ...from(cast, address, address) }),
      ),
    'ARP reply to dom0': (cast: Cast, address: string) =>
      fromZone(cast, arp({ operation: 'reply', ...from(cast, address, cast.host.ipv4) }), etherTypes.arp),
    'ARP request for the gateway': (cast: Cast, address: string) =>
      ethernet(
        broadcastMac,
        cast.zone.mac,
        etherTypes.arp,
        arp({ operation: 'request', ...from(cast, address, cast.gateway.ipv4) }),
      ),
  }).map(([how, frame]) => teaching('ipv4', `${how}, as ${whose}`, (cast) => [frame(cast, addressOf(cast, 'ipv4'))])),
);

function from(cast: Cast, address: string, asked: string): { sender: [string, string]; target: [string, string] } {
  return { sender: [cast.zone.mac, address], target: ['00:00:00:00:00:00', asked] };
}

const discoveryClaims = Object.entries(claimed).flatMap(([whose, addressOf]) => [
  teaching('ipv6', `unsolicited advertisement, as ${whose}`, (cast) => [
    advertisement(cast, cast.zone.linkLocal, allNodes, addressOf(cast, 'ipv6')),
    advertisement(cast, addressOf(cast, 'ipv6'), allNodes, addressOf(cast, 'ipv6')),
    advertisement(cast, cast.zone.linkLocal, cast.host.ipv6, addressOf(cast, 'ipv6')),
  ]),
  ...(['gateway', 'sibling'] as const).map((asked) =>
    teaching('ipv6', `unicast solicitation for the ${asked}, as ${whose}`, (cast) => {
      const [source, target] = [addressOf(cast, 'ipv6'), cast[asked].ipv6];
      const body = Buffer.concat([addressBytes(target), linkLayer(1, cast)]);
      const solicitation = icmpv6([source, target], 135, 0, 0, body);
      return [fromZone(cast, ipv6(source, target, solicitation, { hopLimit: 255 }))];
    }),
  ),
]);

/** Solicited flag off, override on (RFC 4861 4.4). */
function advertisement(cast: Cast, source: string, destination: string, target: string): Buffer {
  const body = Buffer.concat([addressBytes(target), linkLayer(2, cast)]);
  return toGroup(cast, source, destination, icmpv6([source, destination], 136, 0, 0x20000000, body));
}

const routerAdvertisements: readonly Attack[] = Object.entries({
  'router advertisement': () => [],
  'router advertisement, priority tag': () => [[etherTypes.vlan, 0] as const],
}).map(([name, tags]) => ({
  beforeForwarding: true,
  ...teaching('ipv6', name, (cast) => {
    const source = cast.zone.linkLocal;
    // Hop limit 64, lifetime 1800 s; a prefix that is on-link and autonomous, and a route to everywhere of high preference.
    const prefix = Buffer.concat([
      Buffer.from([3, 4, 64, 0xc0, 0, 0, 7, 8, 0, 0, 7, 8, 0, 0, 0, 0]),
      addressBytes('2001:db8:666::'),
    ]);
    const route = Buffer.from([24, 1, 0, 0x08, 0, 0, 7, 8]);
    const mtu = Buffer.from([5, 1, 0, 0, 0, 0, 5, 0]);
    const body = Buffer.concat([Buffer.alloc(8), linkLayer(1, cast), prefix, route, mtu]);
    const advert = icmpv6([source, allNodes], 134, 0, Buffer.from([64, 0, 7, 8]), body);
    const packet = ipv6(source, allNodes, advert, { hopLimit: 255 });
    return [ethernet('33:33:00:00:00:01', cast.zone.mac, etherTypes.ipv6, packet, tags())];
  }),
}));

const configuration: readonly Attack[] = [
  teaching('ipv4', 'DHCP offer and acknowledgement', (cast) => {
    const answer = (type: number): Payload =>
      udp(67, 68, Buffer.concat([bootReply(cast), Buffer.from([0x63, 0x82, 0x53, 0x63, 53, 1, type, 255])]));
    return [2, 5].flatMap((type) =>
      ['255.255.255.255', cast.host.ipv4].map((to) => fromZone(cast, ipv4(cast.zone.ipv4, to, answer(type)))),
    );
  }),
  teaching('ipv6', 'DHCPv6 advertise and reply', (cast) => {
    const ends = [cast.zone.linkLocal, allNodes] as const;
    return [2, 7].map((type) => toGroup(cast, ...ends, udp(547, 546, Buffer.from([type, 0, 0, 1]), ends)));
  }),
  teaching('ipv4', 'IGMP query, report and leave', (cast) =>
    [0x11, 0x16, 0x17].map((type) => {
      const report: Payload = {
        protocol: protocols.igmp,
        bytes: Buffer.from([type, 0, 0xff - type, 0xff, 0, 0, 0, 0]),
      };
      return ethernet(
        '01:00:5e:00:00:01',
        cast.zone.mac,
        etherTypes.ipv4,
        ipv4(cast.zone.ipv4, '224.0.0.1', report, { ttl: 1 }),
      );
    }),
  ),
  teaching('ipv6', 'MLD query, report and done', (cast) =>
    [130, 131, 132].map((type) => {
      const ends = [cast.zone.linkLocal, allNodes] as const;
      const message = icmpv6(ends, type, 0, 0, addressBytes('ff02::1:ff00:1'));
      return toGroup(cast, ...ends, extension(protocols.hopByHop, Buffer.from([5, 2, 0, 0, 1, 0]), message), 1);
    }),
  ),
];

export const teachings: readonly Attack[] = [
  ...arpClaims,
  ...discoveryClaims,
  ...routerAdvertisements,
  ...configuration,
];

function teaching(family: Family, name: string, frames: (cast: Cast) => Buffer[]): Attack {
  return { name, family, group: 'teaching dom0', steps: (cast) => byZone(frames(cast)) };
}

function toGroup(cast: Cast, source: string, destination: string, payload: Payload, hopLimit = 255): Buffer {
  const content = ipv6(source, destination, payload, { hopLimit });
  return destination === allNodes
    ? ethernet('33:33:00:00:00:01', cast.zone.mac, etherTypes.ipv6, content)
    : fromZone(cast, content);
}

/** Source (1) or target (2) link-layer address option. */
function linkLayer(type: 1 | 2, { zone }: Cast): Buffer {
  return Buffer.concat([Buffer.from([type, 1]), macBytes(zone.mac)]);
}

function bootReply(cast: Cast): Buffer {
  const message = Buffer.alloc(236);
  message.set([2, 1, 6, 0], 0);
  addressBytes(free.ipv4).copy(message, 16);
  macBytes(cast.host.mac).copy(message, 28);
  return message;
}
