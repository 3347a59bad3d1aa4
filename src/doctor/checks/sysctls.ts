/** Settings for all links that overrule what we set on zones' links, since the kernel takes the larger value. */
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { type Snapshot, sysctl } from '../host-snapshot.ts';

interface Harmful {
  readonly tell: typeof bad;
  readonly name: string;
  readonly values: readonly string[];
  readonly why: string;
  readonly fix: string;
}

const harmful: readonly Harmful[] = [
  {
    tell: bad,
    name: 'net/ipv4/conf/all/arp_ignore',
    values: ['1', '2', '3', '8'],
    why: "dom0 answers ARP for an address only on the link that has it: zones find no gateway, and have no IPv4; kube-proxy's IPVS mode sets it",
    fix: 'sysctl -w net/ipv4/conf/all/arp_ignore=0, and the file in /etc/sysctl.d that sets it; where it is needed, set it on its interface only',
  },
  {
    tell: warning,
    name: 'net/ipv4/conf/all/rp_filter',
    values: ['2'],
    why: 'the loose source check overrides the strict one on zone links: only the guard in inet edera blocks spoofed IPv4 sources',
    fix: 'sysctl -w net/ipv4/conf/all/rp_filter=0, and the file in /etc/sysctl.d or /usr/lib/sysctl.d that sets it',
  },
  {
    tell: warning,
    name: 'net/ipv4/conf/all/arp_accept',
    values: ['1'],
    why: 'dom0 then learns neighbours from unsolicited ARP of zones',
    fix: 'sysctl -w net/ipv4/conf/all/arp_accept=0, and the file in /etc/sysctl.d that sets it',
  },
  {
    tell: warning,
    name: 'net/ipv4/conf/all/route_localnet',
    values: ['1'],
    why: 'packets to 127.0.0.0/8 are routed: only firewall rules keep zones from what listens there; kube-proxy sets it by default',
    fix: 'sysctl -w net/ipv4/conf/all/route_localnet=0 if nothing needs it (kube-proxy: --iptables-localhost-nodeports=false)',
  },
];

export function checkGlobalSysctls(snapshot: Snapshot): Judgement[] {
  if (snapshot.sysctls.size === 0) return [];
  const judged = harmful.flatMap(({ tell, name, values, why, fix }) => {
    const value = sysctl(snapshot, name);
    return value !== undefined && values.includes(value) ? [tell(`${name} is ${value}`, why, fix)] : [];
  });
  return judged.length > 0 ? judged : [ok("no setting for all links overrules those of zones' links")];
}
