/**
 * Warnings that are one sentence, for the log and `status`. docs/log.md is made from them and `scripts/docs/log-meanings.ts`.
 * Those with a reason and a command are in `findings.ts`: doctor has them too.
 */

/** About this host and its settings. */
export const hostWarnings = {
  defaultSubnets: '{file} does not exist: the default subnets {subnet} and {subnet2} are used',
  ownedByOther: 'owned by user {uid}; expected root',
  writableByOthers:
    'writable by group or others (mode {mode}); expected no write permission for group and others (chmod go-w)',
  antiSpoofOff: '{file}: isolation.anti-spoof is false: a zone can send from any address',
  metricsOpen: '{file}: control.metrics-listen: metrics on {address} can be read from other hosts',
  emulatedCard:
    '{name} is the emulated card of an HVM guest: it has no network, and what it sends is dropped; the guest has one by {link}, with a Xen network driver',
  likeZone:
    "{name} is filtered like a link of zones: its name begins with vif, and it cannot be told from a guest's. What it sends is dropped as spoofed; give it another name",
  publishedTwice: '{text} is published in {file}:{n} already: the zone of that policy keeps the port',
  publishedBySeveral: '{file}:{n}: {text} leads to one zone only: {link2} has the port, {link} has not',
  publishedInside: '{text} leads nowhere: it is an address of the zone network; expected an address of this host',
  unfollowedSysctls: "other programs' changes to {link}'s sysctls are only noticed by the resync: {reason}",
} as const;

/** About what zone directories say. */
export const directoryWarnings = {
  disagreement:
    '{link}: {directory} says {addresses} ({origin}), {directory2} says {addresses2} ({origin2}); {directory3} takes precedence',
  badFileName: '{file}: is not a link name; expected one such as vif1339.2.toml',
  badSymlink: '{file}: points out of its directory or to nothing; it is not used',
  mistake: '{file}:{line}:{column}: {mistake}',
  addressCount: 'holds none or too many; expected 1 to {n} addresses',
  repeatedAddress: '{address} is in the list already; expected each once',
  notAFile: '{file}: {what}; expected a TOML file',
  notUtf8: '{file}:{line}:{column}: not UTF-8 text; expected TOML',
  unreadFile: '{file}: cannot be read: {reason}',
  distrustedDirectory: '{directory}: {reason}; none of its files is used',
  notADirectory: '{directory}: is a file; expected a directory',
  tooManyFiles: '{directory}: holds {n} zone files; only the first {n2} by name are used',
  noAddress: 'has no address; expected ipv4 = "…" or ipv6 = "…", or both',
  unwatched: 'changes in {directory} are only noticed once a second: {reason}',
  notAnAddress: 'zone {id}: "{text}" is not an address; ignored',
  notALink: 'zone {id}: "{text}" is not the name of a zone link; not served',
  otherDomain: 'zone {id}: {link} belongs to domain {n}, but the zone is domain {n2}; not served',
  unknownState: 'zone {id} is in state {n}, which this version does not know; not served',
  unreadZone: 'zone {id} cannot be read: {reason}; not served',
  severalLinks: 'zone {id}: domain {n} has several links ({links}) and krata does not name one; not served',
  claimedTwice: '{link} is claimed by zones {ids}; served to neither',
  notBelieved: 'possible attack: {node} is not used: {reason}',
  otherOwner: 'domain {n} owns it, not domain 0',
  domainMayWrite: 'domain {n} may write it',
  everyoneMayWrite: 'every domain may write it',
  noPermissions: 'it has no permissions',
  badWord: '{node}: {text} is not an address',
  tooManyAddresses: '{node} has {n} addresses; those after {n2} are not used',
  tooManyDevices: '{node} has {n} devices; those after {n2} are not used',
  ambiguousLink: '{node} names no link and domain {n} has {n2}; not used',
  unreadDomain: 'domain {n} could not be read, keeping what was read before: {reason}',
  moreInXenstore: 'and {n} more',
  moreInControlApi: '… and {n} more',
} as const;

/** Why a link has no network. */
export const reasons = {
  unknownLink: 'no zone directory knows this link',
  unusableFile: 'its file is not used: {mistake}',
  noAddressAssigned: 'no address is assigned to it',
  outside: '{address} is outside the zone subnet {subnet}',
  outsideBlock: "{address} is outside this host's part of the fleet, {subnet} (fleet.block)",
  networkAddress: '{address} is the network address of {subnet}',
  gateway: '{address} is the gateway of {subnet}',
  hostAddress: "{address} is the host's own address in {subnet}",
  broadcast: '{address} is the broadcast address of {subnet}',
  elsewhere:
    '{address} belongs to a zone of another host of the fleet now; it is given here once the route there is gone',
  alreadyTaken: '{address} already belongs to {link}',
  taken: "{link} is a {role} of {device}: its packets go there and not through this host's routes",
  onTop: "{device} is on top of {link}: its packets go there and not through this host's routes",
  familyOff: '{address} cannot be used: {family} is switched off for zones',
} as const;
