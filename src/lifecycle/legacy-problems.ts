/** What is to be said of filter tables of iptables-legacy: chains of their own on the hook, which nft does not list. Pure. */
import type { LegacyFilter } from '../host/port.ts';
import type { Family, Prefix } from '../model/address.ts';
import { bad, type Fault, warning } from '../model/fault.ts';
import { endOfZoneTraffic } from '../nft/legacy.ts';

export const legacyTools: Readonly<Record<Family, string>> = { ipv4: 'iptables-legacy', ipv6: 'ip6tables-legacy' };

/** Where zones' packets end in the table, or may. `subnet` is the zones'. */
export function legacyFaults(family: Family, filter: LegacyFilter, subnet: Prefix): Fault[] {
  if (filter.kind === 'none') return [];
  const iptables = legacyTools[family];
  const table = `the filter table of ${iptables}`;
  if (filter.kind === 'unreadable') {
    const why = "a drop in its FORWARD would drop zones' packets whatever our rules say";
    return [warning(`${table} cannot be read (${filter.reason})`, why, `${iptables} -S FORWARD`)];
  }
  const end = endOfZoneTraffic(filter.lines, subnet);
  if (end === undefined) return [];
  const fix = ['-i', '-o'].map((option) => `${iptables} -I FORWARD ${option} vif+ -j ACCEPT`).join(' && ');
  const why = 'packets pass this table as well as ours, and no rule of ours can change its drops';
  return [bad(`${table} drops zones' packets (${end})`, why, fix)];
}
