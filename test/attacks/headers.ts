/** IP options, IPv6 extension headers and source routing, under a forged source and under the zone's own. */
import { addressBytes, extension, ipv4, ipv6, type Payload, protocols } from '../lab/frames/packets.ts';
import { type Attack, byZone, type Cast, free, fromZone, tagged, targets } from './attack.ts';

export const ipv4Options: readonly Attack[] = [
  ...Object.entries({
    'record route': () => Buffer.from([7, 7, 4, 0, 0, 0, 0]),
    timestamp: () => Buffer.from([68, 8, 5, 0, 0, 0, 0, 0]),
    'router alert': () => Buffer.from([148, 4, 0, 0]),
    'loose source route': (via: string) => sourceRoute(131, via),
    'strict source route': (via: string) => sourceRoute(137, via),
  }).map(
    ([name, options]): Attack => ({
      name: `forged source, ${name}`,
      family: 'ipv4',
      group: 'IP options',
      steps: (cast, mark) =>
        byZone(
          targets(cast, 'ipv4').map((to) =>
            fromZone(cast, ipv4(free.ipv4, to, tagged(mark, free.ipv4, to), { options: options(cast.far.ipv4) })),
          ),
        ),
    }),
  ),
  ...Object.entries({ loose: 131, strict: 137 }).map(
    ([name, type]): Attack => ({
      name: `own source, ${name} source route through dom0`,
      family: 'ipv4',
      group: 'IP options',
      ownSource: true,
      steps: (cast, mark) =>
        byZone(
          [cast.far.ipv4, cast.sibling.ipv4].map((to) =>
            fromZone(
              cast,
              ipv4(cast.zone.ipv4, cast.host.ipv4, tagged(mark, cast.zone.ipv4, to), {
                options: sourceRoute(type, to),
              }),
            ),
          ),
        ),
    }),
  ),
];

/** RFC 791 3.1: the pointer stands at the only address, where the packet is to go after its destination. */
function sourceRoute(type: number, to: string): Buffer {
  return Buffer.concat([Buffer.from([type, 7, 4]), addressBytes(to)]);
}

const padding = Buffer.from([1, 4, 0, 0, 0, 0]);

export const ipv6Extensions: readonly Attack[] = [
  ...Object.entries({
    'hop-by-hop options': (inner: Payload) => extension(protocols.hopByHop, padding, inner),
    'router alert': (inner: Payload) => extension(protocols.hopByHop, Buffer.from([5, 2, 0, 0, 1, 0]), inner),
    'destination options': (inner: Payload) => extension(protocols.destinationOptions, padding, inner),
    'both, and destination options again': (inner: Payload) =>
      extension(
        protocols.hopByHop,
        padding,
        extension(protocols.destinationOptions, padding, extension(protocols.destinationOptions, padding, inner)),
      ),
    'routing type 0, used up': (inner: Payload, cast: Cast) => routing0(cast.far.ipv6, 0, inner),
    'routing type 0': (inner: Payload, cast: Cast) => routing0(cast.far.ipv6, 1, inner),
    'routing type 4 (SRv6)': (inner: Payload, cast: Cast) => routing4(cast.far.ipv6, inner),
  }).map(
    ([name, wrap]): Attack => ({
      name: `forged source, ${name}`,
      family: 'ipv6',
      group: 'extension headers',
      steps: (cast, mark) =>
        byZone(
          targets(cast, 'ipv6').map((to) =>
            fromZone(cast, ipv6(free.ipv6, to, wrap(tagged(mark, free.ipv6, to), cast))),
          ),
        ),
    }),
  ),
  ...Object.entries({ 'routing type 0': routing0One, 'routing type 4 (SRv6)': routing4 }).map(
    ([name, wrap]): Attack => ({
      name: `own source, ${name} through dom0`,
      family: 'ipv6',
      group: 'extension headers',
      ownSource: true,
      steps: (cast, mark) =>
        byZone(
          [cast.far.ipv6, cast.sibling.ipv6].map((to) =>
            fromZone(cast, ipv6(cast.zone.ipv6, cast.host.ipv6, wrap(to, tagged(mark, cast.zone.ipv6, to)))),
          ),
        ),
    }),
  ),
];

function routing0One(to: string, inner: Payload): Payload {
  return routing0(to, 1, inner);
}

/** RFC 2460 4.4, deprecated by RFC 5095. */
function routing0(to: string, segmentsLeft: number, inner: Payload): Payload {
  return extension(
    protocols.routing,
    Buffer.concat([Buffer.from([0, segmentsLeft, 0, 0, 0, 0]), addressBytes(to)]),
    inner,
  );
}

/** RFC 8754 2: one segment to go, in a list of two. */
function routing4(to: string, inner: Payload): Payload {
  const segments = [addressBytes(to), addressBytes(to)];
  return extension(protocols.routing, Buffer.concat([Buffer.from([4, 1, 1, 0, 0, 0]), ...segments]), inner);
}
