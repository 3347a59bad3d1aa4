/** Settings for all links that overrule what we set on zones' links, since the kernel takes the larger value. */
import { arpFaults, spoofFaults } from '../../faults/settings.ts';
import { type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, sysctl } from '../host-snapshot.ts';
import { settingsFacts } from '../settings-facts.ts';

interface Harmful {
  readonly name: string;
  readonly why: string;
}

const harmful: readonly Harmful[] = [
  {
    name: 'net/ipv4/conf/all/arp_accept',
    why: 'dom0 then learns neighbours from unsolicited ARP of zones',
  },
  {
    name: 'net/ipv4/conf/all/route_localnet',
    why: 'packets to 127.0.0.0/8 are routed: only firewall rules keep zones from what listens there; kube-proxy sets it by default',
  },
];

export function checkGlobalSysctls(snapshot: Snapshot): Judgement[] {
  const { config, sysctls } = snapshot;
  if (sysctls.size === 0) return [];
  const facts = config === undefined ? undefined : settingsFacts(snapshot, config);
  const shared = facts === undefined ? [] : [...arpFaults(facts), ...spoofFaults(facts)];
  const others = harmful.flatMap(({ name, why }) =>
    sysctl(snapshot, name) === '1' ? [warning(`${name} is 1`, why, `sysctl -w ${name}=0`)] : [],
  );
  const judged = [...shared, ...others];
  return judged.length > 0 ? judged : [ok("no setting for all links overrules those of zones' links")];
}
