/**
 * What doctor can find, by its checks and in the order of its output. docs/doctor.md is made from it and
 * `scripts/docs/finding-meanings.ts` by `npm run docs`.
 */
import { type FaultWords, faults } from './faults.ts';
import { fleetFindings } from './fleet-findings.ts';

const passedBy = {
  why: "zones' packets are dropped there; while the daemon runs, it keeps its jump ahead of that",
  fix: 'systemctl restart protect-network',
} as const;

export const findings = {
  user: {
    notRoot: {
      level: 'bad',
      what: 'this runs as user {uid}, not as root',
      why: 'without root the checks below are incomplete, and the daemon needs root as well',
      fix: 'sudo protect-network doctor',
    },
  },
  tools: {
    notInstalled: { level: 'bad', what: '{tool} is not installed', why: '{use}', fix: 'apt install {package}' },
    oldTool: {
      level: 'warning',
      what: '{tool} is {version}',
      why: 'versions before {tested} are untested: {use}',
      fix: 'apt install {package}',
    },
    legacyIptables: {
      level: 'warning',
      what: 'iptables is {version}: it writes the legacy tables, which nft does not show',
      why: 'rules added with it are not in the tables that ours are in, and a drop there drops packets that we accept',
      fix: 'update-alternatives --set iptables /usr/sbin/iptables-nft && update-alternatives --set ip6tables /usr/sbin/ip6tables-nft',
    },
  },
  kernel: {
    oldKernel: {
      level: 'bad',
      what: 'this kernel is {version}',
      why: "zones' links need Linux {oldest} or later",
      fix: 'boot a newer kernel',
    },
    refusedRuleset: {
      level: 'bad',
      what: 'the kernel refuses our ruleset: {reason}',
      why: 'without it no zone gets a network; usually a module is missing (nf_tables, nft_fib_inet, nft_masq, nft_ct, nft_limit), or another program has a chain with our name',
      fix: 'modprobe -a nf_tables nft_fib_inet nft_masq nft_ct nft_limit',
    },
    ipv6Off: faults.ipv6Off,
  },
  configuration: {
    unreadable: { level: 'bad', what: 'a settings file cannot be read' },
    unusual: { level: 'warning', what: '{warning}' },
  },
  files: {
    distrusted: { level: 'bad or warning', what: '{file}: {distrust}' },
  },
  daemon: {
    notRunning: { level: 'bad or warning', what: 'the daemon is not running' },
    unanswered: {
      level: 'bad',
      what: 'the daemon cannot be queried: {reason}',
      why: 'whether zones are being repaired is unknown',
      fix: 'systemctl restart protect-network',
    },
    failing: {
      level: 'bad',
      what: 'the daemon is {state}: {failures}',
      why: 'until it succeeds, zones may have no network, or only part of it',
      fix: 'protect-network logs -n 50',
    },
    otherVersion: {
      level: 'warning',
      what: 'the daemon is version {version}, and this command is {version2}',
      why: 'an upgrade takes effect when the daemon is restarted; traffic is not interrupted',
      fix: 'systemctl restart protect-network',
    },
  },
  directories: {
    none: { level: 'bad', what: 'no zone directory exists on this host' },
    silent: { level: 'bad', what: 'zone directory {directory} does not answer: {reason}' },
    badEntry: {
      level: 'bad',
      what: '{directory}: {problem}',
      why: 'the zone gets no address from this entry',
      fix: 'correct the entry it names',
    },
  },
  zones: {
    noNetwork: { level: 'bad or warning', what: '{link} has no network: {reason}' },
    noNetworks: { level: 'bad or warning', what: '{links} have no network: {reason}' },
    failed: {
      level: 'bad',
      what: '{link} could not be set up: {reason}',
      why: 'the zone has no network',
      fix: 'protect-network logs --zone {link2}',
    },
    refused: { level: 'bad', what: '{reason}' },
  },
  forwarding: {
    off: { level: 'bad or warning', what: '{sysctl} is 0' },
    linkOff: {
      level: 'bad',
      what: 'net/ipv4/conf/{link}/forwarding is 0',
      why: 'IPv4 packets that arrive on {link} are dropped, although forwarding is on for the host',
      fix: 'sysctl -w net/ipv4/conf/{link}/forwarding=1',
    },
  },
  uplinks: {
    missingUplink: faults.missingUplink,
    foreignSource: faults.foreignSource,
    notMasqueraded: {
      level: 'warning',
      what: 'uplink.{setting} is false, and zones have private {family} addresses ({subnet})',
      why: 'they reach only networks that have a route back to them',
      fix: 'a route to {subnet} via this host on the routers of those networks; or {setting} = true in {file}, and in uplink.no-masquerade the networks that have one',
    },
    noDefaultRoute: { level: 'bad or warning', what: 'there is no {family} default route' },
    uplinkDown: { level: 'bad or warning', what: '{name} is down, and there is no {family} default route' },
    uplinksDown: { level: 'bad or warning', what: '{names} are down, and there is no {family} default route' },
    silentGateway: { level: 'warning', what: 'the gateway {address} does not answer on {name}' },
    policyRule: { level: 'bad', what: '{command} {rule} leads packets of zones elsewhere' },
    zoneIsRouter: {
      level: 'bad or warning',
      what: "the zone at {link} is this host's {family} router (protocol {protocol})",
    },
    acceptRaUsed: {
      level: 'bad',
      what: 'net/ipv6/conf/{link}/accept_ra is 1, and {link} has its default route from router advertisements',
      why: 'with forwarding on, the kernel no longer accepts router advertisements on {link}: its IPv6 default route expires within minutes',
      fix: 'sysctl -w net/ipv6/conf/{link}/accept_ra=2',
    },
    acceptRaIgnored: {
      level: 'warning',
      what: 'net/ipv6/conf/{link}/accept_ra is 1, and {link} ignores router advertisements',
      why: 'with forwarding on and accept_ra at 1 it ignores them: where this host has its IPv6 from router advertisements, it gets none',
      fix: 'sysctl -w net/ipv6/conf/{link}/accept_ra=2',
    },
  },
  subnets: {
    ownAddress: {
      level: 'bad',
      what: "{address} is the address of the zone at {link}, and this host's own on {interface}",
      why: 'the host receives packets that are meant for the zone',
    },
    addressInside: {
      level: 'warning',
      what: "this host has {address} on {interface}, inside the zones' {subnet}",
      why: 'a zone with the address {address} will not be reached',
    },
    routeInside: {
      level: 'bad',
      what: "the route to {prefix} {via} (table {table}, protocol {protocol}) lies inside the zones' {subnet}",
    },
    routeCovers: {
      level: 'warning',
      what: "the route to {prefix} {via} (table {table}, protocol {protocol}) covers the zones' {subnet}",
      why: 'zones do not reach hosts with addresses of {subnet} behind it',
      fix: 'if that network uses it, other subnets in {file}',
    },
  },
  fleet: fleetFindings,
  mtu: {
    belowIpv6: {
      level: 'bad',
      what: '{link} has an MTU of {n}, less than the 1280 of IPv6',
      why: 'the kernel switches IPv6 off on such a link',
      fix: 'ip link set dev {link} mtu 1280, or more',
    },
    aboveUplink: {
      level: 'warning',
      what: '{link} has an MTU of {n}, and the uplink {name} of {n2}',
      why: 'large packets of the zone depend on ICMP to be made smaller; where that is filtered, connections hang',
      fix: "set the MTU of the zone's own interface to {n2}, and: ip link set dev {link} mtu {n2}",
    },
  },
  'forward-chains': {
    noChain: { level: 'bad', what: 'there is no chain {chain}', ...passedBy },
    noJump: { level: 'bad', what: 'our jump is missing from {chain}', ...passedBy },
    endsBefore: { level: 'bad', what: 'in {chain} a rule that ends every packet comes before our jump', ...passedBy },
    denies: {
      level: 'bad or warning',
      what: '{chain} denies what no rule accepts, and our jump is not there',
      ...passedBy,
    },
  },
  'foreign-firewalls': {
    chainDrops: faults.chainDrops,
    chainMayDrop: faults.chainMayDrop,
    unreadTable: faults.unreadTable,
    unreadFirewalls: faults.unreadFirewalls,
  },
  'legacy-tables': {
    legacyDrops: faults.legacyDrops,
    unreadLegacy: faults.unreadLegacy,
  },
  marks: {
    markUsed: { level: 'bad or warning', what: '{mark}, our packet mark bit, is also used elsewhere: {places}' },
  },
  sysctls: {
    arpIgnore: faults.arpIgnore,
    rpFilter: faults.rpFilter,
    arpAccept: {
      level: 'warning',
      what: 'net/ipv4/conf/all/arp_accept is 1',
      why: 'dom0 then learns neighbours from unsolicited ARP of zones',
      fix: 'sysctl -w net/ipv4/conf/all/arp_accept=0',
    },
    routeLocalnet: {
      level: 'warning',
      what: 'net/ipv4/conf/all/route_localnet is 1',
      why: 'packets to 127.0.0.0/8 are routed: only firewall rules keep zones from what listens there; kube-proxy sets it by default',
      fix: 'sysctl -w net/ipv4/conf/all/route_localnet=0',
    },
  },
  tables: {
    connections: {
      level: 'bad or warning',
      what: '{n} of {n2} connections are tracked',
      why: 'when the table is full, new connections of every zone and of this host are dropped',
    },
    neighbours: {
      level: 'bad or warning',
      what: 'the {table} table holds {n} of {n2} entries',
      why: 'when the table is full, zones and routers become unreachable',
    },
    tooManyZones: {
      level: 'bad',
      what: 'there are {n} zone links, and the {table} table has {n2} entries ({sysctl})',
      why: 'a zone without a neighbour entry has no network',
      fix: 'sysctl -w {sysctl}={wanted}',
    },
  },
  'network-managers': {
    unguarded: {
      level: 'warning',
      what: "{manager} runs without our file that keeps it away from zones' links",
      why: "it may configure zones' links as its own, and the daemon then repairs them again and again",
    },
  },
  unread: {
    unread: {
      level: 'warning',
      what: '{what} could not be checked: {reason}',
      why: 'a problem there would not be reported',
      fix: 'fix that and run doctor again',
    },
  },
  reported: {
    otherSubnet: faults.otherSubnet,
    defaultSubnet: faults.defaultSubnet,
    dormantTable: faults.dormantTable,
    gatewayRoute: faults.gatewayRoute,
    blockRoute: faults.blockRoute,
    renamedLink: faults.renamedLink,
    renamedUnknown: faults.renamedUnknown,
    noMetrics: {
      level: 'warning',
      what: 'no metrics on {address} port {port}: {reason}',
      why: 'whoever collects them gets none; zones are served all the same',
      fix: null,
    },
    metricsForbidden: {
      level: 'warning',
      what: "no metrics on {address} port {port}: the daemon's unit allows no sockets of IP",
      why: 'whoever collects them gets none; zones are served all the same',
      fix: 'install -Dm644 /usr/share/doc/protect-network/examples/metrics-listen.conf -t /etc/systemd/system/protect-network.service.d && systemctl daemon-reload && systemctl restart protect-network',
    },
    noForwarder: {
      level: 'bad',
      what: 'the forwarder of names is not connected',
      why: 'zones whose policies allow names ({n}) resolve no new ones; what they know already keeps working until it expires',
      fix: 'systemctl start protect-network-dns',
    },
    noResolver: {
      level: 'bad',
      what: 'no resolver answers the forwarder of names',
      why: 'zones whose policies allow names ({n}) resolve no new ones; journalctl -u protect-network-dns says whom it asked; they are those of policy.resolvers, or else of /etc/resolv.conf',
      fix: null,
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, FaultWords>>>>;
