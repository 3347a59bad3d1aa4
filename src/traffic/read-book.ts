/** Reads who has which address, and what names lead to, from the kernel. */
import type { KeyedElement, Traffic } from '../host/traffic.ts';
import { resolverPort } from '../lifecycle/desired.ts';
import { leasedSets } from '../lifecycle/lease.ts';
import { type Address, families, parseAddress } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { egressKeyType, ownTable, sets } from '../nft/names.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import type { PolicedZone } from '../policy/model.ts';
import { ZoneBook, type ZoneLease } from './zone-book.ts';

/** `told`: zones as the daemon, or files, tell of them. What the kernel holds for a link counts more than what they say. */
export function readBook(traffic: Traffic, config: DaemonConfig, told: readonly PolicedZone[]): ZoneBook {
  const held = heldAddresses(traffic);
  const names = new Map(told.map((zone) => [zone.link, zone]));
  const links = new Set([...names.keys(), ...held.keys()]);
  const zones = [...links].map((link): PolicedZone => {
    const zone = names.get(link);
    return { link, name: zone?.name, addresses: held.get(link) ?? zone?.addresses ?? [] };
  });
  return new ZoneBook({
    config,
    zones,
    distant: config.settings.fleet.zones,
    leases: readLeases(traffic),
    hostAddresses: traffic.hostAddresses(),
    resolverPort,
  });
}

/** By the sets that keep zones to their own addresses. */
function heldAddresses(traffic: Traffic): Map<LinkName, Address[]> {
  const held = new Map<LinkName, Address[]>();
  for (const family of families) {
    const set = { family: ownTable.family, table: ownTable.name, set: sets[family].own };
    for (const { parts } of traffic.elements(set, egressKeyType(family).slice(0, 2))) {
      const [link, address] = [parseLinkName(parts[0] ?? ''), parseAddress(parts[1] ?? '')];
      if (link === undefined || address === undefined) continue;
      held.set(link, [...(held.get(link) ?? []), address]);
    }
  }
  return held;
}

function readLeases(traffic: Traffic): ZoneLease[] {
  return leasedSets.flatMap(({ set, type }) => traffic.elements(set, type).flatMap(leaseOf));
}

function leaseOf({ parts: [link = '', text = '', transport, port], seconds, comment }: KeyedElement): ZoneLease[] {
  const address = parseAddress(text);
  if (address === undefined || seconds === undefined || (transport !== 'tcp' && transport !== 'udp')) return [];
  return [{ link, name: comment ?? '', address, transport, port: Number(port), seconds: Math.round(seconds) }];
}
