/** What docs/doctor.md says of each finding: what it means, and what to do. Those that the log has, too, are in `log-meanings.ts`. */
import type { faults } from '../../src/words/faults.ts';
import type { findings } from '../../src/words/findings.ts';
import type { Meaning } from './log-meanings.ts';

type Checks = typeof findings;
type Own<Check extends keyof Checks> = Exclude<keyof Checks[Check], keyof typeof faults>;

export const findingMeanings: {
  readonly [Check in keyof Checks as Own<Check> extends never ? never : Check]: Readonly<Record<Own<Check>, Meaning>>;
} = {
  user: {
    notRoot: ['most checks could not look', '`sudo protect-network doctor`'],
  },
  tools: {
    notInstalled: ['`nft` or `ip` is missing. Without `nft` no rule can be written', '`apt install nftables iproute2`'],
    oldTool: ['older than the versions that were tested', 'upgrade it'],
    legacyIptables: [
      'your `iptables` rules go into other tables than ours; both drop packets',
      '`update-alternatives --set iptables /usr/sbin/iptables-nft`, the same for `ip6tables`',
    ],
  },
  kernel: {
    oldKernel: ['it is older than Linux 5.7', 'boot a newer one'],
    refusedRuleset: [
      'a module of nftables is missing, or another program has a chain with our name. No zone gets a network',
      'the `modprobe` it prints; REASON names the chain',
    ],
  },
  configuration: {
    unreadable: [
      'or a sentence with file, line and column. The daemon does not start with it; one that runs keeps its last settings',
      'correct it; `protect-network check`',
    ],
    unusual: [
      'a setting is valid and unusual, for instance metrics that other hosts can read; or there is no `daemon.toml`: [log.md](log.md#warnings-about-the-host)',
      '`protect-network check`; nothing, where it is intended',
    ],
  },
  files: {
    distrusted: [
      'somebody other than root can write a file that says which address belongs to which zone. BAD: the file is not used, and its zones have no network',
      'the `chown` and `chmod` it prints',
    ],
  },
  daemon: {
    notRunning: [
      'new zones get no network, and nothing is repaired. Zones that run keep theirs',
      '`systemctl enable --now protect-network`',
    ],
    unanswered: [
      'it hangs, or its socket is not where the settings say',
      '`systemctl restart protect-network`: no packet is lost',
    ],
    failing: ['something that should be on the host is not', 'what REASON says; `protect-network logs -n 50`'],
    otherVersion: ['it was upgraded and not restarted', '`systemctl restart protect-network`'],
  },
  directories: {
    none: [
      'nothing says which zone has which address',
      'start `protect-daemon` or `xenstored`, or `protect-network zone set`',
    ],
    silent: [
      'its last answer stays in force; zones that start now get no network',
      '`systemctl status protect-daemon` or `xenstored`; see [alerts.md](alerts.md#protectnetworkdirectorydown)',
    ],
    badEntry: [
      'an entry cannot be used; that zone gets no address from it',
      'correct the entry; [log.md](log.md#entries-of-zone-directories)',
    ],
  },
  zones: {
    noNetwork: [
      'BAD: a directory gives the link an address that cannot be used, or has an entry for it that cannot. WARNING: no directory knows the link. Links with the same reason are named together',
      'the command it prints, if any; [log.md](log.md#why-a-link-has-no-network); nothing, where a CNI plugin serves the zone',
    ],
    noNetworks: ['the same, of links with the same reason', 'the same'],
    failed: ['the zone has no network; it is retried', 'what REASON says; `protect-network logs --zone LINK`'],
    refused: [
      "where REASON names the link itself, such as `LINK is a port of bridge DEVICE`: the zone's packets go there and not through this host's routes",
      '`ip link set LINK nomaster`; with `xl`: [step 3](install-xl.md#3-a-hotplug-script-that-only-reports-success); [log.md](log.md#why-a-link-has-no-network)',
    ],
  },
  forwarding: {
    off: [
      'no packet of a zone leaves this host; SYSCTL is `net/ipv4/ip_forward` or, for IPv6, `net/ipv6/conf/all/forwarding`. WARNING: the daemon is not running yet and will switch it on',
      'start the daemon. Not by hand while it is stopped: without the guard, spoofed packets leave',
    ],
    linkOff: [
      'packets that arrive on this interface are not forwarded',
      'the `sysctl` it prints, and the file that sets it',
    ],
  },
  uplinks: {
    notMasqueraded: [
      'zones leave under their own addresses, and reach only networks that have a route back to them',
      'a route to SUBNET via this host on the routers of those networks; or masquerade, with `no-masquerade` for those that have one',
    ],
    noDefaultRoute: [
      'zones reach what this host has routes to, and nothing else. WARNING: the other family has one. Look first whether the uplink is down: `ip link show`',
      '`ip link set UPLINK up`, then the route, if it is still missing',
    ],
    uplinkDown: [
      'an uplink went down and took its default routes along. WARNING: no zone has an address of that family',
      "the `ip link set` it prints; its routes come back with whatever configures this host's network",
    ],
    uplinksDown: ['the same', 'the same'],
    silentGateway: ['the router did not answer when it was asked for last', 'look at the router and the cable'],
    policyRule: [
      "a policy rule, such as `pref 100 from PREFIX lookup TABLE`, is asked before zones' routes; `why` says which packets it drops or sends elsewhere",
      'the `ip rule add` it prints, for what goes to zones; for what leaves them, whoever made the rule: [several-uplinks.md](several-uplinks.md)',
    ],
    zoneIsRouter: [
      'everything goes out through a zone. BAD: the zone brought it about by a router advertisement',
      'the `ip route del` it prints',
    ],
    acceptRaUsed: [
      'with forwarding on, the kernel ignores them: this host loses IPv6 within minutes',
      '`sysctl -w net/ipv6/conf/LINK/accept_ra=2`',
    ],
    acceptRaIgnored: [
      'the same, where the host has no IPv6 default route now',
      'the same, if its IPv6 comes from advertisements',
    ],
  },
  subnets: {
    ownAddress: ['packets for the zone end on this host', 'the `ip address del` it prints'],
    addressInside: [
      'a zone with that address would not be reached',
      'take it from the host, or give zones another subnet',
    ],
    routeInside: [
      "part of the zones' subnet is used elsewhere",
      'another subnet: each host needs its own ([topologies.md](topologies.md#several-hosts))',
    ],
    routeCovers: [
      "zones do not reach hosts of that network that have addresses of the zones' subnet",
      'nothing, where no such host exists',
    ],
  },
  fleet: {
    noRouter: ['neither `bird` nor `bgpd` runs in this network namespace', '[fleet.md](fleet.md)'],
    noAnswer: ['FRR, or a BIRD whose socket is not at its usual place', 'nothing, where it is intended'],
    sessionDown: [
      'the router is away, the password or the AS is another, or the uplink is down. BAD where no session is up',
      'the command it prints',
    ],
    notLearned: [
      '`learn` is missing in the kernel protocol, or its import filter refuses them',
      '[fleet.md](fleet.md)',
    ],
    notExported: ['the export filter refuses them', '[fleet.md](fleet.md)'],
    exportsMore: ['the export filter is too wide', '[fleet.md](fleet.md)'],
    strictUplink: ['answers may come by the other uplink', 'the `sysctl` it prints'],
    noUplink: ['a name is wrong, or the interface is not there yet', 'correct `fleet.uplinks`'],
  },
  mtu: {
    belowIpv6: ['the kernel switches IPv6 off there', 'the `ip link set` it prints'],
    aboveUplink: [
      'large packets of the zone depend on ICMP. Where that is filtered, connections open and then hang',
      'the smaller MTU in the guest and on its link',
    ],
  },
  'forward-chains': {
    noChain: ['our jump is missing; so are the accepts for zones', '`systemctl restart protect-network`'],
    noJump: ['the same', 'the same; if it comes back, [who removes it](alerts.md#protectnetworkquarrel)'],
    endsBefore: ["zones' packets are dropped or accepted before we see them", 'the same'],
    denies: ['the daemon is not running, and a firewall denies forwarding', 'start it'],
  },
  marks: {
    markUsed: [
      "another program sets that bit of the mark (BAD: its packets would be accepted as zones') or looks at it (WARNING)",
      'the free bit it prints, as `forward.mark`',
    ],
  },
  sysctls: {
    arpAccept: ['this host learns neighbours from ARP that nobody asked for', 'the `sysctl` it prints'],
    routeLocalnet: [
      'packets for 127.0.0.0/8 are routed. kube-proxy sets it',
      'the `sysctl` it prints, if nothing needs it',
    ],
  },
  tables: {
    connections: [
      'three quarters (WARNING) or nine tenths (BAD) are used; when it is full, new connections of all zones fail',
      '[sizing.md](sizing.md#connection-tracking)',
    ],
    neighbours: ["the same for neighbours; NDP is IPv6's", '[sizing.md](sizing.md#neighbours)'],
    tooManyZones: ['the table is too small for that many zones', 'the same'],
  },
  'network-managers': {
    unguarded: [
      "systemd-networkd or NetworkManager may configure zones' links, and the daemon undoes it again and again",
      '[network-managers.md](network-managers.md)',
    ],
  },
  unread: {
    unread: ['a check was left out', 'fix REASON and run doctor again'],
  },
  reported: {
    noMetrics: [
      'the port of `control.metrics-listen` is taken, or the address is none of this host',
      'another port or address',
    ],
    metricsForbidden: [
      'the unit is confined to netlink and Unix sockets until a drop-in lets it serve by IP: [monitoring.md](monitoring.md)',
      'the command',
    ],
    noForwarder: [
      'the unit protect-network-dns is not running, or cannot reach the daemon, for ten seconds or more. What zones have open stays, and so do addresses that they know: [policies.md](policies.md#when-something-fails)',
      'the command; then `systemctl status protect-network-dns`',
    ],
    noResolver: [
      'the resolvers that this host asks are down, or a firewall of the host keeps the forwarder from them',
      'correct `policy.resolvers`, or what stands between',
    ],
  },
};
