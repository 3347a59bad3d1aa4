/** What is to be said of filter tables of iptables-legacy: chains of their own on the hook, which nft does not list. Pure. */
import type { LegacyFilter } from '../host/port.ts';
import type { Family, Prefix } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { endOfZoneTraffic } from '../nft/legacy.ts';
import { fault, faults } from '../words/faults.ts';

export const legacyTools: Readonly<Record<Family, string>> = { ipv4: 'iptables-legacy', ipv6: 'ip6tables-legacy' };

/** Where zones' packets end in the table, or may. `subnet` is the zones'. */
export function legacyFaults(family: Family, filter: LegacyFilter, subnet: Prefix): Fault[] {
  if (filter.kind === 'none') return [];
  const tool = legacyTools[family];
  const { legacyDrops, unreadLegacy } = faults;
  if (filter.kind === 'unreadable') return [fault(unreadLegacy, { tool, reason: filter.reason })];
  const end = endOfZoneTraffic(filter.lines, subnet);
  return end === undefined ? [] : [fault(legacyDrops, { tool, rule: end })];
}
