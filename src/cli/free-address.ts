/** `zone set --ipv4 auto`: the lowest address of the subnet, or of this host's part of it, that nobody has. */
import type { Config } from '../config/config.ts';
import { isSingle, reservedIn } from '../config/fleet.ts';
import type { Subnet } from '../config/subnet.ts';
import { makeDirectories } from '../directories/make-directories.ts';
import type { ZoneEntry } from '../directories/zone-entry.ts';
import { createSurvey } from '../host/index.ts';
import { linkNames } from '../host/link-names.ts';
import {
  type Address,
  addressAt,
  contains,
  hostPrefix,
  lastAddress,
  type Prefix,
  parseAddress,
  parsePrefix,
  toBigInt,
} from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';

/** What no zone can be given: addresses of zones, and what routes of the kernel lead to. */
export interface Taken {
  readonly addresses: ReadonlySet<Address>;
  readonly prefixes: readonly Prefix[];
}

/** Undefined where all are taken. Of several blocks, the first in the order of the settings that has a free one. Pure. */
export function lowestFree({ prefix, blocks = [prefix], reserved }: Subnet, taken: Taken): Address | undefined {
  for (const block of blocks) {
    const { network, broadcast } = reservedIn(block);
    const nobodys = new Set([...reserved, network, broadcast]);
    const found = lowestFreeIn(
      block,
      (address) => nobodys.has(address) || taken.addresses.has(address),
      taken.prefixes,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The route of a whole block says nothing of its addresses: of a fleet's host it is our own. */
function lowestFreeIn(block: Prefix, isTaken: (address: Address) => boolean, prefixes: readonly Prefix[]) {
  const inside = prefixes.filter(
    (each) => (each.length > block.length || isSingle(each)) && contains(block, each.address),
  );
  const last = toBigInt(lastAddress(block));
  const first = toBigInt(block.address);
  for (let value = first; value <= last; ) {
    const address = addressAt(block, value - first);
    const routed = inside.find((each) => contains(each, address));
    if (routed !== undefined) value = toBigInt(lastAddress(routed)) + 1n;
    else if (isTaken(address)) value += 1n;
    else return address;
  }
  return undefined;
}

/**
 * By every zone directory, by `entries` of the static one, and by the kernel. Throws `refused` where a directory that should be there does not answer: what it
 * gives to whom is not known then.
 */
export async function whatIsTaken(config: Config, entries: readonly ZoneEntry[]): Promise<Taken> {
  const [others, routes] = await Promise.all([entriesOfOthers(config), createSurvey().routes()]);
  const prefixes = routes.flatMap(({ destination }) => {
    const address = parseAddress(destination);
    return address === undefined ? (parsePrefix(destination) ?? []) : hostPrefix(address);
  });
  return { addresses: new Set([...entries, ...others].flatMap(({ addresses }) => addresses)), prefixes };
}

async function entriesOfOthers(config: Config): Promise<ZoneEntry[]> {
  const links = [...linkNames()].flatMap((name) => parseLinkName(name) ?? []);
  const directories = makeDirectories(config, () => links).filter(({ name }) => name !== 'static');
  try {
    await Promise.all(directories.map((directory) => directory.start(() => undefined)));
    return directories.flatMap((directory) => {
      const { state, entries, detail } = directory.snapshot();
      if (state === 'answered' || state === 'absent') return entries;
      const why = `zone directory ${directory.name} does not answer (${detail}), and which addresses it gives is not known`;
      throw new ProtectNetworkError('refused', `nothing written: ${why}; give an address, or try again`);
    });
  } finally {
    await Promise.all(directories.map((directory) => directory.stop()));
  }
}
