/** Who talks to whom: the tracked connections of zones, counted by pairs. What `GET /v1/talk` answers. */
import type { Address } from '../model/address.ts';

export interface Talk {
  /** When it was read, Unix milliseconds. */
  readonly at: number;
  /** Of zones; what is not counted in `pairs` too. */
  readonly connections: number;
  /** Those with the most connections first, at most `maxTold`: of each zone as many as of any other, as far as it has them. */
  readonly pairs: readonly TalkPair[];
}

export interface TalkPair {
  /** Who began, as far as the kernel saw the beginning. */
  readonly from: TalkEnd;
  readonly to: TalkEnd;
  readonly connections: number;
  /** Of whom was asked, e.g. `443/tcp`, `icmp`: at most `maxServices`, and whether there are others. */
  readonly services: readonly string[];
  readonly hasMoreServices: boolean;
}

/** A zone, this host, or an address elsewhere. */
export interface TalkEnd {
  readonly kind: 'zone' | 'host' | 'address';
  readonly address: string;
  /** Of a zone. */
  readonly link: string | null;
  readonly name: string | null;
}

/** What is counted of a connection. */
export interface TalkConnection {
  readonly source: string;
  /** Who answers, whatever was asked. */
  readonly destination: string;
  readonly transport: 'tcp' | 'udp' | 'icmp' | 'other';
  /** 0 where the protocol has none. */
  readonly port: number;
}

export interface TalkZone {
  readonly link: string;
  readonly name: string | null;
  readonly addresses: readonly Address[];
}

const maxTold = 200;
const maxServices = 3;
/** A zone may have as many peers as the kernel tracks connections; what is beyond is only in `connections`. */
const maxPairs = 20_000;
/** Of one zone: whoever talks to very many hides nobody else. */
const maxPairsOfZone = 500;

interface Tally {
  /** The link of the zone that it is told of: of two the one that began. */
  readonly owner: string;
  readonly source: string;
  readonly destination: string;
  connections: number;
  readonly services: Set<string>;
}

export class TalkCount {
  readonly #zones: ReadonlyMap<string, TalkZone>;
  readonly #pairs = new Map<string, Tally>();
  readonly #pairsOf = new Map<string, number>();
  #connections = 0;

  constructor(zones: readonly TalkZone[]) {
    this.#zones = new Map(zones.flatMap((zone) => zone.addresses.map((address) => [address, zone] as const)));
  }

  add({ source, destination, transport, port }: TalkConnection): void {
    const [from, to] = [this.#zones.get(source)?.link, this.#zones.get(destination)?.link];
    const owner = from ?? to;
    if (owner === undefined) return;
    this.#connections += 1;
    // Zones, not their addresses, are who talks.
    const key = `${from ?? source} ${to ?? destination}`;
    let tally = this.#pairs.get(key);
    if (tally === undefined) {
      const many = this.#pairsOf.get(owner) ?? 0;
      if (this.#pairs.size >= maxPairs || many >= maxPairsOfZone) return;
      this.#pairsOf.set(owner, many + 1);
      tally = { owner, source, destination, connections: 0, services: new Set() };
      this.#pairs.set(key, tally);
    }
    tally.connections += 1;
    // One more than is told says that there are others.
    if (tally.services.size <= maxServices) tally.services.add(port === 0 ? transport : `${port}/${transport}`);
  }

  /** Everybody's first, then everybody's second, and so on. */
  #told(): Tally[] {
    const ranks = [...Map.groupBy(this.#pairs.values(), ({ owner }) => owner).values()].flatMap((pairs) =>
      pairs.sort(byConnections).map((pair, rank) => ({ pair, rank })),
    );
    ranks.sort((one, other) => one.rank - other.rank || byConnections(one.pair, other.pair));
    return ranks.slice(0, maxTold).map(({ pair }) => pair);
  }

  /** `isHost`: whether this host has an address. */
  async result(at: number, isHost: (address: string) => Promise<boolean>): Promise<Talk> {
    const end = async (address: string): Promise<TalkEnd> => {
      const zone = this.#zones.get(address);
      if (zone !== undefined) return { kind: 'zone', address, link: zone.link, name: zone.name };
      return { kind: (await isHost(address)) ? 'host' : 'address', address, link: null, name: null };
    };
    const pair = async ({ source, destination, connections, services }: Tally): Promise<TalkPair> => ({
      from: await end(source),
      to: await end(destination),
      connections,
      services: [...services].slice(0, maxServices),
      hasMoreServices: services.size > maxServices,
    });
    const most = this.#told().sort(byConnections);
    return { at, connections: this.#connections, pairs: await Promise.all(most.map(pair)) };
  }
}

function byConnections(one: Tally, other: Tally): number {
  return other.connections - one.connections;
}
