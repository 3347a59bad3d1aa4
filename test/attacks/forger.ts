/** A zone that forges without pause, and honest packets in between that show when its path is open. */
import { type Family, families } from '../../src/model/address.ts';
import type { Sighting } from '../lab/frames/tools.ts';
import { tag } from '../lab/frames/tools.ts';
import type { Arena } from './arena.ts';
import { anybody, type Cast, free, fromZone, taggedPacket } from './attack.ts';

/** Far from those that `Arena.attempt` gives. */
const names = { ipv4: 1_000_000_000, ipv6: 1_000_000_001, honest: 1_000_000_002 } as const;

/** Of each family: three sources to two destinations, less a sibling's to itself. */
export const forgedPerRound = 5;

/** One round, in this order: for each family three forged sources to each of two destinations; one honest packet. */
export function forgerFrames(cast: Cast): Buffer[] {
  const forged = families.flatMap((family) =>
    [free[family], cast.sibling[family], anybody[family]].flatMap((source) =>
      [cast.far[family], cast.sibling[family]]
        .filter((to) => to !== source)
        .map((to) =>
          fromZone(
            cast,
            taggedPacket(family, source, to, () => tag(names[family])),
          ),
        ),
    ),
  );
  return [
    ...forged,
    fromZone(
      cast,
      taggedPacket('ipv4', cast.zone.ipv4, cast.far.ipv4, () => tag(names.honest)),
    ),
  ];
}

export interface Forger {
  /** What was seen at anybody's but the zone's own: of a family's forgeries, or of the honest packets. */
  seen(what: Family | 'honest'): Sighting[];
  /** Resolves with the number of frames sent. */
  stop(): Promise<number>;
}

/** The arena's zone forges, some thousand times a second, until it is stopped. */
export async function startForger({ parts }: Arena, pauseMicroseconds = 1000): Promise<Forger> {
  const { tools, cast, places, watches } = parts;
  const stream = await tools.keepSending(places.zone, forgerFrames(cast), { pauseMicroseconds });
  const others = [...watches].filter(([place]) => place !== 'zone').map(([, watch]) => watch);
  return {
    seen: (what) => others.flatMap((watch) => watch.sightings.filter(({ name }) => name === names[what])),
    stop: () => stream.stop(),
  };
}
