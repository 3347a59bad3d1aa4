/** Forged packets inside something else: VLAN tags, odd ethertypes, and tunnels that end at dom0. */
import { type Family, families } from '../../src/model/address.ts';
import { ethernet, etherTypes, type Payload, protocols, udp } from '../lab/frames/packets.ts';
import {
  type Attack,
  anybody,
  byZone,
  type Cast,
  free,
  fromZone,
  packet,
  taggedPacket,
  targets,
  typeOf,
} from './attack.ts';

const { vlan, qinq } = etherTypes;
const priorityTag = 0;

export const tagsAndTypes: readonly Attack[] = families.flatMap((family) =>
  Object.entries({
    '802.1Q, priority tag': (cast: Cast, content: Buffer) => tags(cast, content, [[vlan, priorityTag]]),
    '802.1Q, VLAN 5': (cast: Cast, content: Buffer) => tags(cast, content, [[vlan, 5]]),
    '802.1ad, priority tag': (cast: Cast, content: Buffer) => tags(cast, content, [[qinq, priorityTag]]),
    'QinQ, two priority tags': (cast: Cast, content: Buffer) =>
      tags(cast, content, [
        [qinq, priorityTag],
        [vlan, priorityTag],
      ]),
    'QinQ, VLANs 5 and 6': (cast: Cast, content: Buffer) =>
      tags(cast, content, [
        [qinq, 5],
        [vlan, 6],
      ]),
    'an experiment’s ethertype': (cast: Cast, content: Buffer) => fromZone(cast, content, 0x88b5),
    'the other family’s ethertype': (cast: Cast, content: Buffer) =>
      fromZone(cast, content, family === 'ipv4' ? etherTypes.ipv6 : etherTypes.ipv4),
    MPLS: (cast: Cast, content: Buffer) =>
      fromZone(cast, after([0, 0, family === 'ipv4' ? 1 : 33, 64], content), 0x8847),
    PPPoE: (cast: Cast, content: Buffer) =>
      fromZone(
        cast,
        after([0x11, 0, 0, 1, 0, content.length + 2, 0, family === 'ipv4' ? 0x21 : 0x57], content),
        0x8864,
      ),
    '802.3 with SNAP': (cast: Cast, content: Buffer) =>
      fromZone(
        cast,
        after([0xaa, 0xaa, 3, 0, 0, 0, typeOf(content) >> 8, typeOf(content) & 0xff], content),
        content.length + 8,
      ),
  }).map(
    ([name, wrap]): Attack => ({
      name,
      family,
      group: 'tags and ethertypes',
      steps: (cast, mark) =>
        byZone(targets(cast, family).map((to) => wrap(cast, taggedPacket(family, free[family], to, mark)))),
    }),
  ),
);

export const tunnels: readonly Attack[] = families.flatMap((outer) => [
  ...families.flatMap((inner) => [
    tunnel(outer, inner, `IPv${inner.slice(-1)} in IPv${outer.slice(-1)}`, (content) => ({
      protocol: inner === 'ipv4' ? protocols.ipv4 : protocols.ipv6,
      bytes: content,
    })),
    tunnel(outer, inner, `GRE, IPv${inner.slice(-1)} inside`, (content) => ({
      protocol: protocols.gre,
      bytes: after([0, 0, typeOf(content) >> 8, typeOf(content) & 0xff], content),
    })),
  ]),
  tunnel(outer, outer, 'VXLAN, no device', vxlan(outer)),
  { ...tunnel(outer, outer, 'VXLAN, dom0 has a device', vxlan(outer)), tunnelDevice: true as const },
]);

/** An honest outer packet for dom0, and sources inside that are nobody's, a sibling's and anybody's. */
function tunnel(outer: Family, inner: Family, name: string, wrap: (content: Buffer, cast: Cast) => Payload): Attack {
  return {
    name,
    family: outer,
    group: 'tunnels to dom0',
    ownSource: true,
    steps: (cast, mark) =>
      byZone(
        [free[inner], cast.sibling[inner], anybody[inner]].flatMap((source) =>
          targets(cast, inner)
            .filter((to) => to !== source)
            .map((to) => {
              const content = taggedPacket(inner, source, to, mark);
              return fromZone(cast, packet(outer, cast.zone[outer], cast.host[outer], wrap(content, cast)));
            }),
        ),
      ),
  };
}

/** RFC 7348: network 42. The device's hardware address is `vxlanMac`. */
export const vxlanMac = '02:00:00:00:00:42';

function vxlan(family: Family): (content: Buffer, cast: Cast) => Payload {
  return (content, { zone, host }) => {
    const frame = ethernet(vxlanMac, zone.mac, typeOf(content), content);
    return udp(4789, 4789, after([8, 0, 0, 0, 0, 0, 42, 0], frame), [zone[family], host[family]]);
  };
}

function tags(cast: Cast, content: Buffer, list: readonly (readonly [type: number, vlan: number])[]): Buffer {
  return ethernet(cast.linkMac, cast.zone.mac, typeOf(content), content, list);
}

function after(head: readonly number[], content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(head), content]);
}
