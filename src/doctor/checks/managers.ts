/** Network managers that take every link for theirs unless told. */
import { type Judgement, ok, warning } from '../finding.ts';
import type { ManagerName, Snapshot } from '../snapshot.ts';

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
    if (dropIns.has(name)) return [ok(`${name} runs, and is told to leave zones' links alone`)];
    const why = "it may take zones' links for cards of its own and change them, which we then repair again and again";
    return [warning(`${name} runs without our file that keeps it away from zones' links`, why, fix)];
  });
}
