/** Network managers that take every link for theirs unless told. */
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import type { ManagerName, Snapshot } from '../host-snapshot.ts';

interface Manager {
  readonly name: ManagerName;
  /** As the kernel keeps it, in 15 bytes. */
  readonly process: string;
  readonly fix: string;
}

const managers: readonly Manager[] = [
  {
    name: 'systemd-networkd',
    process: 'systemd-network',
    fix: 'install -Dm644 systemd/05-protect-network.network -t /etc/systemd/network && networkctl reload',
  },
  {
    name: 'NetworkManager',
    process: 'NetworkManager',
    fix:
      'install -Dm644 systemd/05-protect-network.networkmanager.conf ' +
      '/etc/NetworkManager/conf.d/05-protect-network.conf && nmcli general reload conf',
  },
];

export function checkManagers({ processes, dropIns }: Snapshot): Judgement[] {
  return managers.flatMap(({ name, process, fix }) => {
    if (!processes.has(process)) return [];
    if (dropIns.has(name)) return [ok(`${name} runs, and is configured to leave zones' links alone`)];
    return [fault(findings['network-managers'].unguarded, { manager: name }, fix)];
  });
}
