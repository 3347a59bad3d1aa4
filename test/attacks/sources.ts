/** Forged sources, by a zone's link and by the uplink. */
import { type Family, families } from '../../src/model/address.ts';
import { ethernet, icmp, icmpv6 } from '../lab/frames/packets.ts';
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

const sources: Readonly<Record<Family, Readonly<Record<string, (cast: Cast) => string>>>> = {
  ipv4: {
    'nobody’s, of the subnet': () => free.ipv4,
    'a sibling’s': ({ sibling }) => sibling.ipv4,
    'the gateway’s': ({ gateway }) => gateway.ipv4,
    'dom0’s on the uplink': ({ host }) => host.ipv4,
    'dom0’s next hop’s': ({ nextHop }) => nextHop.ipv4,
    'anybody’s outside': () => anybody.ipv4,
    loopback: () => '127.0.0.1',
    multicast: () => '224.0.0.5',
    broadcast: () => '255.255.255.255',
    'the subnet’s broadcast': () => '10.75.255.255',
    unspecified: () => '0.0.0.0',
    'link-local': () => '169.254.7.7',
    reserved: () => '240.0.0.1',
  },
  ipv6: {
    'nobody’s, of the subnet': () => free.ipv6,
    'a sibling’s': ({ sibling }) => sibling.ipv6,
    'the gateway’s': ({ gateway }) => gateway.ipv6,
    'dom0’s on the uplink': ({ host }) => host.ipv6,
    'dom0’s next hop’s': ({ nextHop }) => nextHop.ipv6,
    'anybody’s outside': () => anybody.ipv6,
    loopback: () => '::1',
    multicast: () => 'ff02::1',
    unspecified: () => '::',
    'its own link-local': ({ zone }) => zone.linkLocal,
    'a sibling’s link-local': ({ sibling }) => sibling.linkLocal,
    'IPv4-mapped, its own': ({ zone }) => `::ffff:${zone.ipv4}`,
    'IPv4-mapped, a sibling’s': ({ sibling }) => `::ffff:${sibling.ipv4}`,
    'IPv4-compatible': ({ zone }) => `::${zone.ipv4}`,
    '6to4 of its own': () => '2002:a4b:107::1',
    NAT64: () => '64:ff9b::808:808',
    'ULA of somebody else': () => 'fd12:3456:789a::1',
    'site-local': () => 'fec0::7',
  },
};

export const forgedSources: readonly Attack[] = families.flatMap((family) =>
  Object.entries(sources[family]).map(
    ([whose, source]): Attack => ({
      name: whose,
      family,
      group: 'forged source',
      steps: (cast, mark) => {
        const others = targets(cast, family).filter((to) => to !== source(cast));
        return byZone(others.map((to) => fromZone(cast, taggedPacket(family, source(cast), to, mark))));
      },
    }),
  ),
);

/** The zone's own source, which is free's when it has left defragmentation. */
export const changedSources: readonly Attack[] = families.map((family) => ({
  name: 'its own, and another one behind defragmentation',
  family,
  group: 'source changed in dom0',
  ownSource: true,
  changedSource: true,
  steps: (cast, mark) =>
    byZone(targets(cast, family).map((to) => fromZone(cast, taggedPacket(family, cast.zone[family], to, mark)))),
}));

/** Under the zone's own source, which connection tracking takes for no connection and so does not translate (RFC 792, RFC 4443 4.2). */
export const untranslated: readonly Attack[] = families.map((family) => ({
  name: 'an echo reply that nobody asked for',
  family,
  group: 'not translated',
  ownSource: true,
  steps: (cast, mark) => {
    const ends = [cast.zone[family], cast.far[family]] as const;
    const data = mark();
    const reply = family === 'ipv4' ? icmp(0, 0, 1, data) : icmpv6(ends, 129, 0, 1, data);
    return byZone([fromZone(cast, packet(family, ...ends, reply))]);
  },
}));

/** Zones' addresses where they cannot come from. */
export const strayAddresses: readonly Attack[] = families.flatMap((family): Attack[] => [
  {
    name: 'a zone’s, by the uplink',
    family,
    group: 'zone address elsewhere',
    steps: (cast, mark) => [
      {
        from: 'internet',
        frames: [cast.sibling[family], cast.host[family]].map((to) =>
          fromInternet(cast, taggedPacket(family, cast.zone[family], to, mark)),
        ),
      },
    ],
  },
  {
    name: 'a zone’s, by another zone’s link',
    family,
    group: 'zone address elsewhere',
    steps: (cast, mark) => [
      {
        from: 'sibling',
        frames: [cast.far[family], cast.host[family]].map((to) => {
          const content = taggedPacket(family, cast.zone[family], to, mark);
          return ethernet(cast.linkMac, cast.sibling.mac, typeOf(content), content);
        }),
      },
    ],
  },
]);

function fromInternet({ host, nextHop }: Cast, content: Buffer): Buffer {
  return ethernet(host.mac, nextHop.mac, typeOf(content), content);
}
