/** Network managers that take every link for theirs unless told. */
import { type Judgement, ok, warning } from '../finding.ts';
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
    const why = "it may configure zones' links as its own, and the daemon then repairs them again and again";
    return [warning(`${name} runs without our file that keeps it away from zones' links`, why, fix)];
  });
}
