/** What docs/log.md says of each message: what it means, and what to do. Words in capitals are the gaps of the message. */
import type { faults } from '../../src/words/faults.ts';
import type { LogKey } from '../../src/words/log-messages.ts';
import type { directoryWarnings, hostWarnings, reasons } from '../../src/words/warnings.ts';

export type Meaning = readonly [means: string, remedy: string];

export const logMeanings: Readonly<Record<LogKey, Meaning>> = {
  running: [
    'the daemon has started, and what it makes on the host is in place; systemd has received READY=1',
    'nothing',
  ],
  stopping: ['it received SIGTERM or SIGINT; traffic is not interrupted', 'nothing'],
  killed: [
    'it received SIGTERM or SIGINT and something blocked it, such as a tool that hangs; routes and rules stay',
    'nothing; what hung is in the lines before',
  ],
  reloaded: [
    'a settings file or a policy changed; each setting is named with its old and its new value, each rule of a policy with its file',
    'nothing',
  ],
  reloadedInPart: ['the same, and something cannot be put in place yet', '`protect-network status` says what'],
  unchanged: ['`systemctl reload`, or a mistake was corrected', 'nothing'],
  reloadRefused: [
    'a settings file or a policy has a mistake; file, line and column stand in front',
    'fix it; `protect-network check` verifies it',
  ],
  reloadIncomplete: [
    'the settings are valid, but part of them could not be applied; a control socket stays where it was until the new one can be made',
    'do what REASON says; `systemctl reload protect-network`',
  ],
  noControlSocket: [
    'zones are served, and `status` does not work; often a full or read-only `/run`',
    'fix that, then `systemctl reload protect-network`',
  ],
  noLock: [
    'a program without rights has bound the name that daemons of this network namespace lock (PROBLEM: `process PID of user USER holds the name of the lock (NAME)`); zones are served',
    'find out what process PID is and end it, then `systemctl restart protect-network`',
  ],
  directoryFailed: ['a fault of this program', 'report it; `systemctl restart protect-network`'],
  noMetrics: [
    'zones are served; the port is taken, or systemd does not allow IP',
    'another port, or the drop-in of [monitoring.md](monitoring.md)',
  ],
  controlSocket: ['a question could not be answered', 'nothing, unless it is repeated: too many clients, or no memory'],
  serviceManager: [
    'systemd does not receive our notifications, and may restart us for it',
    '`systemctl status protect-network`; a restart does not interrupt traffic',
  ],
  zoneReady: ['the zone has its network, so many milliseconds after its link appeared', 'nothing'],
  zoneClosed: ['the zone has ended, or was removed from its directory', 'nothing'],
  zoneOpening: [
    'the address had another owner, whose conntrack entries are still being deleted, which takes seconds where hundreds of thousands are tracked',
    'nothing; it is set up once that is done',
  ],
  zoneUnserved: ['no directory has a usable address for this link', 'see [reasons](#why-a-link-has-no-network)'],
  zoneTaken: [
    "a zone's link was put into a bridge, bond or VRF, or a device on top of it. REASON is one of [the last two](#why-a-link-has-no-network). The zone has no network via this host. Its frames are still limited to its own addresses",
    'type COMMAND. With `xl`: the hotplug script, [step 3](install-xl.md#3-a-hotplug-script-that-only-reports-success). When it is free, it is ready by itself',
  ],
  zoneFailed: ['the zone should have a network, and setting it up failed', 'do what REASON says; it is retried'],
  unreadHost: ['a tool failed or hung', 'nothing once; again and again: `protect-network doctor`'],
  undoneChanges: [
    'the firewall or the kernel refused something',
    '`protect-network plan` shows what is missing; `protect-network doctor`',
  ],
  unforgottenConnections: [
    'a zone has gone, and the kernel still tracks what it had open',
    'nothing once; again and again: `protect-network doctor` (tracked connections)',
  ],
  repair: [
    'another program removed or changed what is ours',
    'nothing if it is rare (a restart of a firewall). Again and again: [alerts.md](alerts.md#protectnetworkquarrel)',
  ],
  jumpMoved: ['another program added rules to `FORWARD`; our jump is back in its place', 'nothing'],
  quarrel: ['another program reverts each repair; we slow down', '[alerts.md](alerts.md#protectnetworkquarrel)'],
  quarrelOver: ['the above has ended', 'nothing'],
  quarrelOfSeveral: ['the same, by more than one', 'the same'],
  spoofed: [
    'the zone sent under an address that is not its own. It did not get through',
    '[alerts.md](alerts.md#protectnetworkforgedpackets), where it does not end',
  ],
  unassigned: [
    'the guest has an IPv6 address, and its zone directory has none for it. Not an attack by itself',
    'give it that address in the zone directory (`protect-network zone set`, or `ip=` of its vif), or take it out of the guest',
  ],
  otherAddress: ['the guest has a second IPv6 address, which no zone directory assigns to any zone', 'the same'],
  limited: [
    'the zone begins more connections than `[policy.limits]` of its policies allows, or faster, or has begun a quarter of what this host can track',
    'nothing if intended; else raise the limit that `protect-network policy show ZONE` tells, or `net.netfilter.nf_conntrack_max`',
  ],
  withdrawn: [
    "in a fleet: the zone's guest is not there, or has its interface down",
    'nothing if the guest is meant to be down; else start it, or bring its interface up',
  ],
  announced: ['it is reached by other hosts again', 'nothing'],
  denied: [
    'the zone wanted something that no policy of it allows; it was rejected at once',
    'nothing if intended; else `protect-network policy suggest ZONE` prints the rule that would have allowed it',
  ],
  nameDenied: ['the zone asked for a name that no policy of it allows; nobody was asked for it', 'the same'],
  audited: ['the same in audit mode: it passed', 'the same, before the mode becomes `enforce`'],
  nameAudited: ['the same of a name', 'the same'],
  forwarderConnected: ['names of policed zones are resolved', 'nothing'],
  forwarderGone: [
    'the unit protect-network-dns has ended. What zones have open stays, and so do addresses that they know',
    '`systemctl status protect-network-dns`',
  ],
  forwarderSocket: [
    'the socket for it could not be made, or what came by it was no message',
    'the reason says what is wrong',
  ],
  eventsLost: ['the kernel had more events than we could read', 'nothing'],
  problem: [
    'something is wrong with this host, or with an entry of a zone directory',
    '[below](#warnings-about-the-host)',
  ],
  problemOver: ['what the warning was about is over', 'nothing'],
  linesLost: ['the journal, or whatever reads standard output, hung', 'look at `systemd-journald`'],
  pass: ['a comparison of the host with what should be', 'nothing'],
};

export const hostMeanings: Readonly<Record<keyof typeof hostWarnings, Meaning>> = {
  defaultSubnets: [
    'there is no `daemon.toml`. Zones work if these are their subnets',
    'write the file: [install-xl.md](install-xl.md#1-choose-a-subnet)',
  ],
  ownedByOther: [
    "behind a file's name: it is another user's. `daemon.toml` is read all the same; ours and static zones are not",
    '`chown root FILE`',
  ],
  writableByOthers: ['the same: whoever can write it decides what zones may', '`chmod go-w FILE`'],
  antiSpoofOff: ['the setting is off', 'nothing if intended'],
  metricsOpen: ['the port is not on loopback', 'nothing if intended; otherwise a firewall in front of it'],
  emulatedCard: [
    'HVM guests have two cards for each `vif`; only the one with a Xen driver is given a network',
    'install the driver in the guest, or `type=vif` in its `vif` line',
  ],
  publishedTwice: [
    'two `[[policy.publish]]` have the same port; the first by the order of the files counts',
    'one of the two files',
  ],
  publishedBySeveral: [
    'a policy with `[[policy.publish]]` is about several zones; the one whose link is oldest has the port',
    '`zones` in that file: one zone',
  ],
  publishedInside: ['`listen` has an address of the zone network, which is not published', '`listen`'],
  likeZone: [
    'an interface of this host has such a name, and is a tap, has no kind (`ip -d link show NAME`) or is named like `vif7.0`. Bridges, VLANs and other interfaces with a kind are left alone',
    '`ip link set NAME name OTHER`, and where it is configured',
  ],
  unfollowedSysctls: [
    'no inotify watch could be had: what others write is repaired once a minute instead of at once',
    "raise `fs.inotify.max_user_watches`; or, where REASON is `more than N links, for which the limit of open files is too low (LimitNOFILE)`, the unit's `LimitNOFILE` to eight times the number of links",
  ],
};

/** doctor has these, too. */
export const faultMeanings: Readonly<Record<keyof typeof faults, Meaning>> = {
  dormantTable: ['the filter table was switched off with all that is in it', 'the command, unless it was you who did'],
  shapedByOthers: [
    'a policy bounds what the zone receives, and cannot: a link has one qdisc at its root, and it is not ours',
    'let the program that put it there bound the zone, or remove it: `tc qdisc show dev LINK`',
  ],
  unshaped: [
    'a policy bounds what the zone receives, and the kernel refused the shaper. REASON may be `this kernel has no tbf: modprobe sch_tbf`',
    'what REASON says; the next resync tries again',
  ],
  arpIgnore: [
    "zones find no gateway: no IPv4. kube-proxy's IPVS mode and load balancers set it",
    'the command, and the file that sets it at boot; an interface that needs it can have it alone',
  ],
  rpFilter: [
    'one of two layers against spoofed IPv4 sources is off',
    'the command, and the file in `/etc/sysctl.d` that sets it; an interface that needs it can have it alone: [several-uplinks.md](several-uplinks.md#rp_filter)',
  ],
  ipv6Off: [
    '`disable_ipv6` is set: zones get IPv4 only',
    'switch it on, or the family off: `[network.ipv6] subnet = ""` in `daemon.toml`',
  ],
  renamedLink: [
    "`vifname=` in the guest's configuration, or somebody renamed the link. A failure where a directory gives LINK an address",
    'the commands; [install-xl.md](install-xl.md#names-of-links)',
  ],
  renamedUnknown: [
    'the same, where the kernel does not tell whose link it is',
    'take `vifname=` out, and start the guest anew',
  ],
  missingUplink: ['a spelling mistake, or the interface is not there yet', 'correct it in FILE; `ip link show`'],
  foreignSource: [
    'a spelling mistake, or the address is not there yet. Zones leave under it all the same',
    'correct it in FILE, or give this host the address',
  ],
  blockRoute: [
    'the unreachable route of a block of the fleet could not be made; a packet to a dead address can go round in circles',
    'remove the route that is in the way, which the reason names',
  ],
  gatewayRoute: ["the gateway's route could not be made; zones may not find their gateway", 'the command'],
  otherSubnet: [
    "the subnet in `daemon.toml` is not that of the zones' addresses, as in `daemon.toml:2 says 10.75.0.0/16, both zones are in 10.80.0.0/16`; doctor finds it without a daemon, too",
    'COMMAND; no zone needs another address. On an Edera host find out first which of the two is meant',
  ],
  defaultSubnet: [
    'the same, where `daemon.toml` does not name a subnet, or is missing',
    'write it there: [install-xl.md](install-xl.md#1-choose-a-subnet)',
  ],
  chainDrops: ["another firewall drops zones' packets in a chain of its own", 'COMMANDS; [firewalls.md](firewalls.md)'],
  chainMayDrop: [
    'the same, where it depends on sets or single ports and cannot be evaluated here',
    '`protect-network explain`; if a zone does not get through, COMMANDS',
  ],
  unreadTable: ['nft could not list it', 'the command, to see why'],
  unreadFirewalls: ['none could be listed', 'the command, to see why'],
  legacyDrops: [
    "the old tables drop zones' packets, besides nftables",
    'the commands; [firewalls.md](firewalls.md#iptables-legacy)',
  ],
  unreadLegacy: ['the table exists, and its tool is not installed or does not work', 'the command where the tool is'],
};

export const directoryMeanings: Readonly<Record<keyof typeof directoryWarnings, Meaning>> = {
  disagreement: ['two directories disagree', 'correct one of them'],
  badFileName: ["a static file whose name is no link's", 'rename it'],
  badSymlink: ['a symbolic link to elsewhere', 'write a plain file'],
  mistake: ['a static file is not as it should be', 'fix it, or `protect-network zone set LINK --ipv4 ADDRESS`'],
  addressCount: ["behind a static file's name and place", 'the same list with 1 to 16 addresses'],
  repeatedAddress: ["behind a static file's name and place", 'take one of them out'],
  notAFile: ['a directory, a pipe, or something much too large', 'write a plain file'],
  notUtf8: ['not a text file', 'rewrite it'],
  unreadFile: ['the system refused it', 'do what REASON says'],
  distrustedDirectory: ['the static directory itself is not trusted', "it must be root's, and writable by root only"],
  notADirectory: ['at `zones.static-dir` there is a file', 'correct the setting, or remove the file'],
  tooManyFiles: ['more than this program supports', 'remove what is not in use'],
  noAddress: ["behind a static file's name and place", '`protect-network zone set LINK --ipv4 ADDRESS`'],
  unwatched: ['no inotify watch could be had', 'raise `fs.inotify.max_user_watches`'],
  notAnAddress: ['Edera reported an address that is not valid', "a mistake in Edera; `protect-daemon`'s log"],
  notALink: ['the same, for the link', 'the same'],
  otherDomain: ["Edera reports another zone's link for a zone", 'the same'],
  unknownState: ['a state that this version does not know', 'upgrade protect-network'],
  unreadZone: ['an answer that differs from what Edera documents', "upgrade protect-network; `protect-daemon`'s log"],
  severalLinks: [
    'an older krata does not say which',
    'set it yourself: `protect-network zone set LINK --ipv4 ADDRESS`',
  ],
  claimedTwice: ['two zones of Edera have the same link', 'one of them is a leftover: `protect zone list`'],
  notBelieved: [
    'a guest could write its own address into xenstore. It gets none',
    'find out who gave it that permission; the next four rows are the reasons',
  ],
  otherOwner: ["the node is the guest's", 'as above'],
  domainMayWrite: ['a guest has the permission to write', 'as above'],
  everyoneMayWrite: ['everybody has', 'as above'],
  noPermissions: ['xenstored gave none', 'as above'],
  badWord: ["a word in a guest's `ip=` is none", "correct the guest's `vif` line"],
  tooManyAddresses: ['more than a link can have', "correct the guest's `vif` line"],
  tooManyDevices: ['more links than a guest can have', "look at the guest's configuration"],
  ambiguousLink: [
    'an older krata does not say which link',
    'set it yourself: `protect-network zone set LINK --ipv4 ADDRESS`',
  ],
  unreadDomain: ['xenstore refused a question', "nothing once; xenstored's log"],
  moreInXenstore: ["there are more of xenstore's than are shown", 'correct those that are'],
  moreInControlApi: ["there are more of the control API's than are shown", 'the same'],
};

export const reasonRemedies: Readonly<Record<keyof typeof reasons, string>> = {
  unknownLink:
    "the zone has no address in any zone directory: `ip=` of an `xl` guest is missing, or the zone's network belongs to a CNI plugin",
  unusableFile:
    "the link's file is there and cannot be used: its owner, its mode (or that of the directory), or a mistake in it, which follows. `status` and `doctor` have the command",
  noAddressAssigned: 'the directory knows the link, but has no address for it',
  outside: 'correct the address, or the subnet in `daemon.toml`',
  elsewhere: 'nothing, where the zone has moved; docs/fleet.md',
  outsideBlock: 'correct the address; one that has come from another host is named in `fleet.block` (docs/fleet.md)',
  networkAddress: 'choose another; zones begin with the third address',
  gateway: 'the same',
  hostAddress: 'the same',
  broadcast: 'the same',
  alreadyTaken: 'two zones were given one address; the first keeps it',
  taken: 'the link is in a bridge, bond or VRF: `ip link set LINK nomaster`',
  onTop: 'a device was made on top of the link: `ip link del DEVICE`',
  familyOff: 'the zone has only addresses of a family whose subnet is `""`',
};
