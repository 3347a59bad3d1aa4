/** Firewalls beside ours that zones' packets have to pass as well. */
import type { Family } from '../../model/address.ts';
import { endOfZoneTraffic } from '../../nft/legacy.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, subnetsOf } from '../host-snapshot.ts';

/** By the names of their processes, of which the kernel keeps 15 bytes. */
const managers: Readonly<Record<string, string>> = { firewalld: 'firewalld', dockerd: 'Docker' };

export function checkForeignFirewalls({ foreign, processes }: Snapshot): Judgement[] {
  if (foreign === undefined) return [];
  const judged = foreign.map(({ isCertain, what, why, cure }) =>
    (isCertain ? bad : warning)(what, `a packet has to pass every chain on the forward hook: ${why}`, cure),
  );
  const running = Object.entries(managers).flatMap(([process, name]) => (processes.has(process) ? [name] : []));
  const here = running.length === 0 ? '' : ` (${running.join(', ')} runs here)`;
  return judged.length > 0 ? judged : [ok(`no other table drops zones' packets${here}`)];
}

const legacyTools: Record<Family, string> = { ipv4: 'iptables-legacy', ipv6: 'ip6tables-legacy' };

/** The tables of iptables-legacy: packets pass them besides nftables', and nft does not show them. */
export function checkLegacyTables(snapshot: Snapshot): Judgement[] {
  return subnetsOf(snapshot).flatMap(({ family, subnet }) => {
    const filter = snapshot.legacy.get(family);
    const tool = legacyTools[family];
    if (filter === undefined || filter.kind === 'none') return [];
    const table = `the filter table of ${tool}`;
    if (filter.kind === 'unreadable') {
      const why = "a drop in its FORWARD would drop zones' packets whatever our rules say";
      return [warning(`${table} cannot be read: ${filter.reason}`, why, `${tool} -S FORWARD`)];
    }
    const end = endOfZoneTraffic(filter.lines, subnet.prefix);
    if (end === undefined) return [ok(`${table} is not certain to drop zones' packets`)];
    const why = 'packets pass this table as well as ours, and no rule of ours can override its drops';
    const cure = ['-i', '-o'].map((option) => `${tool} -I FORWARD ${option} vif+ -j ACCEPT`).join(' && ');
    return [bad(`${table} drops zones' packets (${end})`, why, cure)];
  });
}
