/** Several hosts whose zones reach each other under their own addresses: what the settings say of it, judged. Pure. */
import {
  type Address,
  contains,
  holds,
  hostLength,
  lastAddress,
  overlap,
  type Prefix,
  toBigInt,
} from '../model/address.ts';

/** All empty: one host by itself. */
export interface Fleet {
  /** This host's zones have addresses of these alone, host addresses as /32 and /128; none overlaps another. */
  readonly block: readonly Prefix[];
  /** Every host's: never masqueraded, and believed only by `uplinks`. */
  readonly prefixes: readonly Prefix[];
  /** The links to the other hosts. */
  readonly uplinks: readonly string[];
  /** Zones of other hosts, for policies that lead to them by name. */
  readonly zones: readonly DistantZone[];
}

export interface DistantZone {
  readonly name: string;
  /** In `prefixes`, and in no block of this host's. */
  readonly addresses: readonly Address[];
}

interface FleetMistake {
  /** Below the table. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is wrong with the table by itself. */
export function fleetMistakes(table: Fleet): FleetMistake[] {
  const { block, prefixes, zones } = table;
  const empty = (['block', 'prefixes', 'uplinks'] as const).filter((key) => table[key].length === 0);
  if (empty.length === 3 && zones.length === 0) return [];
  return [
    ...empty.map((key) => ({
      path: [key],
      message: `fleet.${key} is empty; expected all of block, prefixes and uplinks, or none`,
    })),
    ...block.flatMap((each, index) => {
      const path = ['block', index];
      const other = block.slice(0, index).find((earlier) => overlap(earlier, each));
      if (other !== undefined)
        return {
          path,
          message: `${each.text} overlaps ${other.text}, which is in the list already; expected each address once`,
        };
      if (prefixes.length === 0 || prefixes.some((prefix) => holds(prefix, each))) return [];
      return { path, message: inNoPrefix(each.text) };
    }),
    ...(empty.length === 0 ? zones.flatMap((zone) => misplaced(zone, table)) : []),
  ];
}

function misplaced({ name, addresses }: DistantZone, { block, prefixes }: Fleet): FleetMistake[] {
  return addresses.flatMap((address, index) => {
    const path = ['zones', name, index];
    const own = block.find((each) => contains(each, address));
    if (own !== undefined)
      return { path, message: `${address} is in ${own.text}, a block of this host; expected a zone of another host` };
    if (prefixes.some((prefix) => contains(prefix, address))) return [];
    return { path, message: inNoPrefix(address) };
  });
}

function inNoPrefix(text: string): string {
  return `${text} is in none of fleet.prefixes; expected a part of one of them`;
}

/** One address by itself, of which no other is near: that of a zone which has come from another host. */
export function isSingle({ family, length }: Prefix): boolean {
  return length === hostLength(family);
}

/** A block's addresses that no zone may have: its network address, and IPv4's broadcast address; of two (RFC 3021) and one, none. */
export function reservedIn(block: Prefix): { network: Address | undefined; broadcast: Address | undefined } {
  const isSmall = block.length >= hostLength(block.family) - 1;
  return {
    network: isSmall ? undefined : block.address,
    broadcast: isSmall || block.family === 'ipv6' ? undefined : lastAddress(block),
  };
}

/** How many zones' addresses a block has, the subnet's own `reserved` ones left out. */
export function capacityOf(block: Prefix, reserved: ReadonlySet<Address>): bigint {
  const { network, broadcast } = reservedIn(block);
  const ownOf = [network, broadcast].filter((address) => address !== undefined);
  const all = new Set([...ownOf, ...[...reserved].filter((address) => contains(block, address))]);
  return toBigInt(lastAddress(block)) - toBigInt(block.address) + 1n - BigInt(all.size);
}
