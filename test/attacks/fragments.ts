/** Fragments. Every piece has 24 bytes, three units of eight: any head and any tail fit together. */
import { type Family, families } from '../../src/model/address.ts';
import { ethernet, extension, fragment6, ipv4, ipv6, type Payload, protocols, udp } from '../lab/frames/packets.ts';
import {
  type Attack,
  byZone,
  type Cast,
  free,
  fromZone,
  type Mark,
  type Step,
  tagged,
  targets,
  typeOf,
  watchedPort,
} from './attack.ts';

interface Piece {
  readonly id: number;
  readonly offset: number;
  readonly more: boolean;
}

const ofBothFamilies = families.flatMap((family): Attack[] => [
  attack(family, 'forged, both halves', (cast, mark, id) =>
    byZone(
      targets(cast, family).flatMap((to) => [
        fromZone(
          cast,
          fragment(family, free[family], to, tagged(mark, free[family], to), { id, offset: 0, more: true }),
        ),
        fromZone(cast, fragment(family, free[family], to, filler, { id, offset: 24, more: false })),
      ]),
    ),
  ),
  attack(family, 'forged, the first alone', (cast, mark, id) =>
    byZone(
      targets(cast, family).map((to) =>
        fromZone(
          cast,
          fragment(family, free[family], to, tagged(mark, free[family], to), { id, offset: 0, more: true }),
        ),
      ),
    ),
  ),
  attack(family, 'forged, the tail alone', (cast, mark, id) =>
    byZone(
      targets(cast, family).map((to) =>
        fromZone(
          cast,
          fragment(family, free[family], to, tagged(mark, free[family], to), { id, offset: 24, more: false }),
        ),
      ),
    ),
  ),
  attack(family, 'forged, one fragment that is all', (cast, mark, id) =>
    byZone(
      targets(cast, family).map((to) =>
        fromZone(
          cast,
          fragment(family, free[family], to, tagged(mark, free[family], to), { id, offset: 0, more: false }),
        ),
      ),
    ),
  ),
  attack(family, 'forged, overlapping', (cast, mark, id) =>
    byZone(
      targets(cast, family).flatMap((to) => [
        fromZone(cast, fragment(family, free[family], to, filler, { id, offset: 0, more: true })),
        fromZone(
          cast,
          fragment(family, free[family], to, tagged(mark, free[family], to), { id, offset: 16, more: false }),
        ),
      ]),
    ),
  ),
  attack(family, 'a forged tail for a sibling’s head', (cast, mark, id) =>
    withSibling(cast, family, id, () => [
      fragment(family, cast.sibling[family], cast.far[family], tagged(mark, cast.sibling[family], cast.far[family]), {
        id,
        offset: 24,
        more: false,
      }),
    ]),
  ),
  attack(family, 'a forged head for a sibling’s tail', (cast, mark, id) => [
    ...byZone([
      fromZone(
        cast,
        fragment(family, cast.sibling[family], cast.far[family], tagged(mark, cast.sibling[family], cast.far[family]), {
          id,
          offset: 0,
          more: true,
        }),
      ),
    ]),
    genuine(cast, family, { id, offset: 24, more: false }),
  ]),
]);

/** A fragment header need not be the first behind the IPv6 header. */
const behindOptions = attack('ipv6', 'a forged tail behind options, for a sibling’s head', (cast, mark, id) =>
  withSibling(cast, 'ipv6', id, () => {
    const [source, to] = [cast.sibling.ipv6, cast.far.ipv6];
    const tail = fragment6(id, 24, false, tagged(mark, source, to));
    const inner = extension(protocols.destinationOptions, Buffer.from([1, 4, 0, 0, 0, 0]), tail);
    return [ipv6(source, to, inner)];
  }),
);

export const fragments: readonly Attack[] = [...ofBothFamilies, behindOptions];

/** The sibling's genuine head follows what the zone forged, into a queue that does not ask by which link a fragment came. */
function withSibling(cast: Cast, family: Family, id: number, forged: () => Buffer[]): Step[] {
  return [
    ...byZone(forged().map((content) => fromZone(cast, content))),
    genuine(cast, family, { id, offset: 0, more: true }),
  ];
}

function genuine(cast: Cast, family: Family, piece: Piece): Step {
  const content = fragment(family, cast.sibling[family], cast.far[family], filler, piece);
  return {
    from: 'sibling',
    genuine: true,
    frames: [ethernet(cast.linkMac, cast.sibling.mac, typeOf(content), content)],
  };
}

const filler: Payload = udp(4000, watchedPort, Buffer.alloc(16, 'genuine'));

function fragment(family: Family, source: string, destination: string, piece: Payload, place: Piece): Buffer {
  const { id, offset, more } = place;
  return family === 'ipv4'
    ? ipv4(source, destination, piece, { id, offset, moreFragments: more })
    : ipv6(source, destination, fragment6(id, offset, more, piece));
}

function attack(family: Family, name: string, steps: (cast: Cast, mark: Mark, id: number) => readonly Step[]): Attack {
  return { name, family, group: 'fragments', steps };
}
