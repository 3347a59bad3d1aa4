/** ICMP errors under a zone's own address whose quoted packet was never its own, and such errors under forged sources. */
import { addressBytes, icmp, icmpv6, ipv4, ipv6, type Payload } from '../lab/frames/packets.ts';
import { type Attack, byZone, type Cast, fromZone, type Mark, packet } from './attack.ts';

type Family = 'ipv4' | 'ipv6';

/** What dom0 would have sent to `destination`: an echo request, whose errors need no socket to be believed. */
function quoted(cast: Cast, family: Family, mark: Mark, destination: string): Buffer {
  const source = cast.host[family];
  const data = Buffer.concat([mark(), Buffer.alloc(4)]);
  return family === 'ipv4'
    ? ipv4(source, destination, icmp(8, 0, 0x00010001, data))
    : ipv6(source, destination, icmpv6([source, destination], 128, 0, 0x00010001, data));
}

const kinds: Readonly<Record<Family, Readonly<Record<string, readonly [type: number, code: number, rest: number]>>>> = {
  ipv4: {
    'fragmentation needed': [3, 4, 552],
    'host unreachable': [3, 1, 0],
    'port unreachable': [3, 3, 0],
    'source quench': [4, 0, 0],
    'time exceeded': [11, 0, 0],
    'parameter problem': [12, 0, 0],
  },
  ipv6: {
    'packet too big': [2, 0, 1280],
    'no route': [1, 0, 0],
    'port unreachable': [1, 4, 0],
    'time exceeded': [3, 0, 0],
    'parameter problem': [4, 1, 0],
    'an error that nobody knows': [99, 0, 0],
  },
};

const destinations = {
  'dom0’s path to the outside': ({ far }: Cast, family: Family) => far[family],
  'dom0’s path to a sibling': ({ sibling }: Cast, family: Family) => sibling[family],
};

export const errors: readonly Attack[] = (['ipv4', 'ipv6'] as const).flatMap((family) => [
  ...Object.entries(kinds[family]).flatMap(([kind, [type, code, rest]]) =>
    Object.entries(destinations).map(
      ([what, destinationOf]): Attack => ({
        name: `${kind}, of ${what}`,
        family,
        group: 'ICMP errors about others',
        ownSource: true,
        steps: (cast, mark) => {
          const ends = [cast.zone[family], cast.host[family]] as const;
          const inner = quoted(cast, family, mark, destinationOf(cast, family));
          const error = family === 'ipv4' ? icmp(type, code, rest, inner) : icmpv6(ends, type, code, rest, inner);
          return byZone([fromZone(cast, packet(family, ...ends, error))]);
        },
      }),
    ),
  ),
  {
    name: 'redirect, own source',
    family,
    group: 'ICMP errors about others',
    ownSource: true,
    steps: (cast, mark) => byZone([fromZone(cast, redirect(cast, family, cast.zone[family], mark))]),
  } satisfies Attack,
  {
    name: 'redirect, as dom0’s next hop',
    family,
    group: 'ICMP errors about others',
    steps: (cast, mark) => {
      const source = family === 'ipv4' ? cast.nextHop.ipv4 : cast.nextHop.linkLocal;
      return byZone([fromZone(cast, redirect(cast, family, source, mark))]);
    },
  } satisfies Attack,
]);

/** To another neighbour on dom0's uplink, for the far host. */
function redirect(cast: Cast, family: Family, source: string, mark: Mark): Buffer {
  const inner = quoted(cast, family, mark, cast.far[family]);
  if (family === 'ipv4') return ipv4(source, cast.host.ipv4, icmp(5, 1, addressBytes(otherNeighbour.ipv4), inner));
  const ends = [source, cast.host.ipv6] as const;
  const bodies = [addressBytes(otherNeighbour.ipv6), addressBytes(cast.far.ipv6)];
  const message: Payload = icmpv6(ends, 137, 0, 0, Buffer.concat([...bodies, redirectedHeader(inner)]));
  return ipv6(...ends, message, { hopLimit: 255 });
}

/** RFC 4861 4.6.3. */
function redirectedHeader(inner: Buffer): Buffer {
  const padded = Buffer.concat([inner, Buffer.alloc((8 - (inner.length % 8)) % 8)]);
  return Buffer.concat([Buffer.from([4, 1 + padded.length / 8, 0, 0, 0, 0, 0, 0]), padded]);
}

/** A second address of the internet's on dom0's uplink, which dom0 has as a neighbour. */
export const otherNeighbour = { ipv4: '192.0.2.3', ipv6: 'fe80::3' };
