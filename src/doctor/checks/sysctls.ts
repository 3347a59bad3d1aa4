/** Settings for all links that overrule what we set on zones' links, since the kernel takes the larger value. */
import { type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, sysctl } from '../snapshot.ts';

const harmful = [
  {
    name: 'net/ipv4/conf/all/rp_filter',
    value: '2',
    why: 'loose checks of sources overrule the strict ones on zone links: only the guard in inet edera holds back forged IPv4 sources',
    fix: 'sysctl -w net/ipv4/conf/all/rp_filter=0, and the file in /etc/sysctl.d or /usr/lib/sysctl.d that sets it',
  },
  {
    name: 'net/ipv4/conf/all/arp_accept',
    value: '1',
    why: 'dom0 then learns neighbours from whatever a zone announces unasked',
    fix: 'sysctl -w net/ipv4/conf/all/arp_accept=0, and the file in /etc/sysctl.d that sets it',
  },
  {
    name: 'net/ipv4/conf/all/route_localnet',
    value: '1',
    why: "packets to 127.0.0.0/8 are routed: what listens there is one firewall rule away from zones, and kube-proxy's default",
    fix: 'sysctl -w net/ipv4/conf/all/route_localnet=0 if nothing needs it (kube-proxy: --iptables-localhost-nodeports=false)',
  },
] as const;

export function checkGlobalSysctls(snapshot: Snapshot): Judgement[] {
  if (snapshot.sysctls.size === 0) return [];
  const judged = harmful.flatMap(({ name, value, why, fix }) =>
    sysctl(snapshot, name) === value ? [warning(`${name} is ${value}`, why, fix)] : [],
  );
  return judged.length > 0 ? judged : [ok("no setting for all links overrules those of zones' links")];
}
