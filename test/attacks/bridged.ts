/** What a zone whose link has become a port of a bridge sends to who else is there: the sibling, whose link is one too. */
import { type Family, families } from '../../src/model/address.ts';
import { addressBytes, arp, ethernet, etherTypes, icmpv6, ipv6, macBytes } from '../lab/frames/packets.ts';
import { type Attack, anybody, type Cast, free, type Mark, taggedPacket, typeOf } from './attack.ts';

const { vlan } = etherTypes;
const allNodes = 'ff02::1';

type Frames = (cast: Cast, mark: Mark) => readonly Buffer[];

const claimsByArp = (['request', 'reply'] as const).flatMap((operation) => [
  bridged('ipv4', `gratuitous ARP ${operation}, as the gateway`, (cast, mark) => [
    arpFrame(cast, mark, operation, cast.gateway.ipv4, cast.gateway.ipv4),
  ]),
  bridged('ipv4', `ARP ${operation} from nobody’s address`, (cast, mark) => [
    arpFrame(cast, mark, operation, free.ipv4, cast.sibling.ipv4),
  ]),
  bridged('ipv4', `ARP ${operation}, a probe for a sibling’s address`, (cast, mark) => [
    arpFrame(cast, mark, operation, '0.0.0.0', cast.sibling.ipv4),
  ]),
]);

const claimsByDiscovery = [
  bridged('ipv6', 'advertisement for the gateway, from its own address', (cast, mark) => [
    discovery(cast, mark, cast.zone.ipv6, 136, cast.gateway.ipv6),
  ]),
  bridged('ipv6', 'advertisement for the gateway, from its link-local address', (cast, mark) => [
    discovery(cast, mark, cast.zone.linkLocal, 136, cast.gateway.ipv6),
  ]),
  bridged('ipv6', 'solicitation from nobody’s address', (cast, mark) => [
    discovery(cast, mark, free.ipv6, 135, cast.sibling.ipv6),
  ]),
  bridged('ipv6', 'probe for a sibling’s address', (cast, mark) => [
    discovery(cast, mark, '::', 135, cast.sibling.ipv6),
  ]),
  bridged('ipv6', 'advertisement of a router', (cast, mark) => [discovery(cast, mark, cast.zone.linkLocal, 134, '::')]),
  bridged('ipv6', 'redirect', (cast, mark) => [discovery(cast, mark, cast.zone.linkLocal, 137, anybody.ipv6)]),
];

export const bridgedAttacks: readonly Attack[] = families.flatMap((family): Attack[] => {
  const forged = (cast: Cast, mark: Mark, source: string) => taggedPacket(family, source, cast.sibling[family], mark);
  const sources: Readonly<Record<string, (cast: Cast) => string>> = {
    'nobody’s': () => free[family],
    'the gateway’s': ({ gateway }) => gateway[family],
    'dom0’s on the uplink': ({ host }) => host[family],
    'anybody’s outside': () => anybody[family],
  };
  return [
    ...Object.entries(sources).map(([whose, source]) =>
      bridged(family, `source ${whose}`, (cast, mark) => [toSibling(cast, forged(cast, mark, source(cast)))]),
    ),
    bridged(family, '802.1Q, VLAN 5', (cast, mark) => [toSibling(cast, forged(cast, mark, free[family]), [[vlan, 5]])]),
    bridged(family, 'two tags', (cast, mark) => {
      const own = taggedPacket(family, cast.zone[family], cast.sibling[family], mark);
      return [
        toSibling(cast, own, [
          [vlan, 5],
          [vlan, 6],
        ]),
      ];
    }),
    bridged(family, 'an experiment’s ethertype', (cast, mark) => [
      ethernet(cast.sibling.mac, cast.zone.mac, 0x88b5, forged(cast, mark, free[family])),
    ]),
    ...(family === 'ipv4' ? claimsByArp : claimsByDiscovery),
  ];
});

function bridged(family: Family, name: string, frames: Frames): Attack {
  return {
    name,
    family,
    group: 'a link in a bridge',
    bridged: true,
    steps: (cast, mark) => [{ from: 'zone', frames: frames(cast, mark) }],
  };
}

/** Past dom0, which is no router here. */
export function toSibling({ zone, sibling }: Cast, content: Buffer, tags: Parameters<typeof ethernet>[4] = []): Buffer {
  return ethernet(sibling.mac, zone.mac, typeOf(content), content, tags);
}

function arpFrame({ zone, sibling }: Cast, mark: Mark, operation: 'request' | 'reply', from: string, asked: string) {
  const claim = arp({ operation, sender: [zone.mac, from], target: ['00:00:00:00:00:00', asked] });
  return ethernet(sibling.mac, zone.mac, etherTypes.arp, Buffer.concat([claim, mark()]));
}

/** The tag is in an option of an experiment's (RFC 4727), 16 bytes of it. */
function discovery({ zone, sibling }: Cast, mark: Mark, source: string, type: number, target: string): Buffer {
  const own = Buffer.concat([Buffer.from([2, 1]), macBytes(zone.mac)]);
  const option = Buffer.concat([Buffer.from([253, 2, 0, 0]), mark()]);
  const message = icmpv6([source, allNodes], type, 0, 0, Buffer.concat([addressBytes(target), own, option]));
  return ethernet(sibling.mac, zone.mac, etherTypes.ipv6, ipv6(source, allNodes, message, { hopLimit: 255 }));
}
