/** What is to be said of filter tables of iptables-legacy: chains of their own on the hook, which nft does not list. Pure. */
import type { LegacyFilter } from '../host/port.ts';
import type { Family, Prefix } from '../model/address.ts';
import { endOfZoneTraffic } from '../nft/legacy.ts';

const commands: Record<Family, string> = { ipv4: 'iptables-legacy', ipv6: 'ip6tables-legacy' };

/** One sentence where zones' packets end in the table, or may; none otherwise. `subnet` is the zones'. */
export function legacyProblems(family: Family, filter: LegacyFilter, subnet: Prefix): string[] {
  if (filter.kind === 'none') return [];
  const iptables = commands[family];
  const table = `the filter table of ${iptables}`;
  if (filter.kind === 'unreadable') {
    const look = `look yourself with: ${iptables} -S FORWARD`;
    return [`there is ${table}, which may drop zones' packets, and it cannot be read (${filter.reason}); ${look}`];
  }
  const end = endOfZoneTraffic(filter.lines, subnet);
  if (end === undefined) return [];
  const pass = (option: string) => `${iptables} -I FORWARD ${option} vif+ -j ACCEPT`;
  return [
    `${table} drops zones' packets (${end}), and no rule of ours can change that; ` +
      `let them pass there with: ${pass('-i')} && ${pass('-o')}`,
  ];
}
