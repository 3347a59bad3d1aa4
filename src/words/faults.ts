/** What is wrong with a host and no change of ours can fix, for the log, `status` and doctor. */
import type { Fault, FaultLevel } from '../model/fault.ts';
import { type Gaps, say } from './say.ts';

export interface FaultWords {
  readonly level: FaultLevel | 'bad or warning';
  readonly what: string;
  readonly why?: string;
  readonly fix?: string | null;
}

const renamedReason =
  "zones are served by the name that Xen gives their link, and what this one sends is dropped; remove vifname from the guest's vif line, or its next start has the other name again";
const subnetReason = 'none of them has a network; their addresses need not change';

export const faults = {
  dormantTable: {
    level: 'warning',
    what: 'table {table} is dormant',
    why: 'the kernel ignores all of it, including your rules for zones and what the settings deny',
    fix: 'nft add table {table}',
  },
  shapedByOthers: {
    level: 'warning',
    what: '{link}: receive = "{text}" of its policies is not in force: qdisc {qdisc} of another program is at its root',
    why: 'one link has one shaper; let that program bound it, or remove what it has put there',
    fix: null,
  },
  unshaped: {
    level: 'warning',
    what: '{link}: receive = "{text}" of its policies is not in force: {reason}',
    why: 'it receives as much as others send; tried again with every resync',
    fix: null,
  },
  arpIgnore: {
    level: 'bad',
    what: 'net/ipv4/conf/all/arp_ignore is {n}',
    why: "dom0 answers ARP for an address only on the link that has it: zones find no gateway, and have no IPv4; kube-proxy's IPVS mode sets it",
    fix: 'sysctl -w net/ipv4/conf/all/arp_ignore=0',
  },
  rpFilter: {
    level: 'warning',
    what: 'net/ipv4/conf/all/rp_filter is 2',
    why: 'the kernel uses the larger value: on zone links only the guard in inet edera blocks spoofed IPv4 sources',
    fix: 'sysctl -w net/ipv4/conf/all/rp_filter=0',
  },
  ipv6Off: {
    level: 'warning',
    what: 'IPv6 is switched off on this host',
    why: 'zones get their IPv4 addresses only',
    fix: null,
  },
  renamedLink: {
    level: 'bad or warning',
    what: "{name} is a guest's {link} under another name (vifname), and has no network",
    why: renamedReason,
    fix: 'ip link set {name2} down && ip link set {name2} name {link} && ip link set {link} up',
  },
  renamedUnknown: {
    level: 'warning',
    what: "{name} is a guest's link under another name (vifname), and has no network",
    why: renamedReason,
    fix: null,
  },
  missingUplink: {
    level: 'bad',
    what: 'uplink.interfaces names {name}, and this host has no such interface',
    why: 'what zones send via another interface is not masqueraded, and gets no answers; correct it in {file}',
    fix: null,
  },
  foreignSource: {
    level: 'warning',
    what: 'uplink.source names {address}, and this host has no such address',
    why: 'what zones send is answered only where the network routes that address to this host; correct it in {file}',
    fix: null,
  },
  gatewayRoute: {
    level: 'warning',
    what: "the host may not answer for the zones' gateway",
    why: '{reason}',
    fix: 'ip link set lo up',
  },
  blockRoute: {
    level: 'warning',
    what: 'packets to addresses of {subnet} that no zone has may leave this host',
    why: '{reason}',
    fix: null,
  },
  otherSubnet: { level: 'bad', what: '{file}:{n} says {subnet}, {zones} {where}', why: subnetReason },
  defaultSubnet: {
    level: 'bad',
    what: "the zones' {family} subnet is {subnet} by default, {zones} {where}",
    why: subnetReason,
  },
  chainDrops: {
    level: 'bad',
    what: "{chain} drops zones' packets {where}",
    why: 'a packet has to pass every chain on the forward hook: no rule of ours can change that',
    fix: '{commands}',
  },
  chainMayDrop: {
    level: 'warning',
    what: "{chain} may drop zones' packets {where}",
    why: 'what it accepts depends on sets or on single links, ports or addresses, which cannot be evaluated here',
    fix: '{commands}',
  },
  unreadTable: {
    level: 'warning',
    what: "table {table} may drop zones' packets, and it cannot be read",
    why: '{reason}',
    fix: 'nft list table {table}',
  },
  unreadFirewalls: {
    level: 'warning',
    what: 'other firewalls cannot be read',
    why: '{reason}',
    fix: 'nft list ruleset',
  },
  legacyDrops: {
    level: 'bad',
    what: "the filter table of {tool} drops zones' packets ({rule})",
    why: 'packets pass this table as well as ours, and no rule of ours can change its drops',
    fix: '{tool} -I FORWARD -i vif+ -j ACCEPT && {tool} -I FORWARD -o vif+ -j ACCEPT',
  },
  unreadLegacy: {
    level: 'warning',
    what: 'the filter table of {tool} cannot be read ({reason})',
    why: "a drop in its FORWARD would drop zones' packets whatever our rules say",
    fix: '{tool} -S FORWARD',
  },
} as const satisfies Readonly<Record<string, FaultWords>>;

type Text<T> = T extends string ? T : never;
type GapsOf<W extends FaultWords> = Gaps<W['what'] | Text<W['why']> | Text<W['fix']>>;
/** What the table leaves to whoever finds it: level, why and fix, in this order. */
type Open<W extends FaultWords> = [
  ...('bad or warning' extends W['level'] ? [level: FaultLevel] : []),
  ...('why' extends keyof W ? [] : [why: string]),
  ...('fix' extends keyof W ? [] : [fix: string | null]),
];

export function fault<const W extends FaultWords>(words: W, gaps: GapsOf<W>, ...open: Open<W>): Fault {
  const left: unknown[] = [...open];
  const fill = (text: string | null | undefined) =>
    text === undefined ? (left.shift() as string | null) : text && say<string>(text, gaps);
  const level = words.level === 'bad or warning' ? (left.shift() as FaultLevel) : words.level;
  return { level, what: say<string>(words.what, gaps), why: fill(words.why), fix: fill(words.fix) };
}
