/** Firewalls beside ours that zones' packets have to pass as well. */
import { legacyFaults, legacyTools } from '../../lifecycle/legacy-problems.ts';
import { type Judgement, ok } from '../finding.ts';
import { type Snapshot, subnetsOf } from '../host-snapshot.ts';

/** By the names of their processes, of which the kernel keeps 15 bytes. */
const managers: Readonly<Record<string, string>> = { firewalld: 'firewalld', dockerd: 'Docker' };

export function checkForeignFirewalls({ foreign, processes }: Snapshot): Judgement[] {
  if (foreign === undefined) return [];
  const running = Object.entries(managers).flatMap(([process, name]) => (processes.has(process) ? [name] : []));
  const here = running.length === 0 ? '' : ` (${running.join(', ')} runs here)`;
  return foreign.length > 0 ? [...foreign] : [ok(`no other table drops zones' packets${here}`)];
}

/** The tables of iptables-legacy: packets pass them besides nftables', and nft does not show them. */
export function checkLegacyTables(snapshot: Snapshot): Judgement[] {
  return subnetsOf(snapshot).flatMap(({ family, subnet }) => {
    const filter = snapshot.legacy.get(family);
    if (filter === undefined || filter.kind === 'none') return [];
    const faults = legacyFaults(family, filter, subnet.prefix);
    return faults.length > 0
      ? faults
      : [ok(`the filter table of ${legacyTools[family]} is not certain to drop zones' packets`)];
  });
}
