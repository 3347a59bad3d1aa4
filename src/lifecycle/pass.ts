/** Builds a pass's plan from what is desired and what is believed, and applies it step by step. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { applySysctls, type FailedSysctl } from '../arp/apply.ts';
import { linkSysctls, opensLink } from '../arp/link-sysctls.ts';
import type { SysctlChange } from '../arp/model.ts';
import { observeDrift } from '../arp/observe.ts';
import { type ProxiesPlan, planProxies, wantedProxies } from '../arp/plan.ts';
import type { Host, Link, NftCommand, RtnetlinkChange, Sysctl } from '../host/port.ts';
import { type Address, parseAddress } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { isZoneLink, type LinkName, parseLinkName } from '../model/link-name.ts';
import { applyRuleset } from '../nft/apply.ts';
import { sets } from '../nft/names.ts';
import { planRuleset, type Scope, type ZoneChange } from '../nft/plan.ts';
import { planIngress } from '../nft/plan-ingress.ts';
import { applyRtnetlink, type FailedChange } from '../routes/apply.ts';
import type { ForwardingChange } from '../routes/forwarding.ts';
import { planBlocks, planGateways, planLinkRoutes } from '../routes/plan.ts';
import { planShaper } from '../routes/shapers.ts';
import { type Forgetting, forgetAll } from './conntrack-purges.ts';
import type { Desired, DesiredZone } from './desired.ts';
import type { Mirror } from './mirror.ts';
import type { Plan } from './pass-plan.ts';
import type { PassScope } from './scope.ts';
import { closeIngress, ingressScope } from './taken-links.ts';

/**
 * The kernel announces many of them, and those who follow its events stand still while we do not read. 256 are some 20
 * links' and about 10 ms of work; whether the events of that many fit depends on their buffers.
 */
const sysctlsPerTurn = 256;

/** Throws `conflict` where the plan needs a handle that the kernel has not told yet. */
export function planPass(desired: Desired, mirror: Mirror, sysctl: Sysctl, scope: PassScope): Plan {
  const indices = scope.links === 'all' ? new Set([...mirror.links.keys(), ...scope.served.keys()]) : scope.links;
  const parts = [...indices].map((ifindex) => planLink(ifindex, desired, mirror, sysctl, scope));
  const told = [...scope.siblings].filter((ifindex) => !indices.has(ifindex));
  const siblings = told.map((ifindex) => planLinkProxies(ifindex, desired, mirror));
  const nft = planRuleset(desired.layout, mirror.rules.current, nftScope(desired, scope, indices));
  const { gateways, blocks } = mirror.routes;
  const hostRoutes =
    scope.links === 'all'
      ? [planBlocks(desired.blocks, blocks, scope.prune), planGateways(desired.gateways, gateways, scope.prune)]
      : [];
  const proxies = [...parts.map((part) => part.proxies), ...siblings];
  const sysctls = parts.flatMap((part) => part.sysctls);
  return {
    withdraw: [
      ...parts.flatMap((part) => part.withdraw),
      ...parts.flatMap(({ shaper }) => (shaper?.kind === 'shaper-del' ? [shaper] : [])),
      ...proxies.flatMap(({ withdraw }) => withdraw),
      ...hostRoutes.flatMap(({ withdraw }) => withdraw),
    ],
    purgeBefore: parts.flatMap((part) => part.purge),
    ingress: planIngress(mirror.rules.current, ingressScope(desired, scope, indices)),
    nft,
    purgeAfter: closedAddresses(nft),
    forwarding: scope.forwarding,
    linkForwarding: sysctls.filter(opensLink),
    sysctls: sysctls.filter((change) => !opensLink(change)),
    install: [
      ...hostRoutes.flatMap(({ install }) => install),
      ...inOrder(parts.flatMap((part) => part.install)),
      ...proxies.flatMap(({ install }) => install),
      ...parts.flatMap(({ shaper }) => (shaper?.kind === 'shaper-set' ? [shaper] : [])),
    ],
  };
}

interface LinkPart {
  readonly withdraw: readonly RtnetlinkChange[];
  readonly purge: readonly Address[];
  readonly sysctls: readonly SysctlChange[];
  readonly install: readonly RtnetlinkChange[];
  readonly proxies: ProxiesPlan;
  readonly shaper: RtnetlinkChange | undefined;
}

function planLink(ifindex: number, desired: Desired, mirror: Mirror, sysctl: Sysctl, scope: PassScope): LinkPart {
  const link = mirror.links.get(ifindex);
  const zone = desired.zones.get(ifindex);
  const present = mirror.routesOf(ifindex);
  const isSilent = zone !== undefined && scope.silent.has(ifindex);
  const routes = planLinkRoutes(link, isSilent ? { ifindex, addresses: [] } : zone, present);
  const mayWithdraw = scope.prune || zone !== undefined || scope.served.has(ifindex);
  const withdraw = mayWithdraw ? routes.withdraw : [];
  const planned = mayWithdraw ? planLinkProxies(ifindex, desired, mirror) : { withdraw: [], install: [] };
  const isNewcomer = scope.links !== 'all' && !scope.open.has(ifindex);
  const proxies = isNewcomer ? withoutSiblings(planned, desired) : planned;
  const shaper = mayWithdraw ? planLinkShaper(ifindex, desired, mirror, scope) : undefined;
  if (zone === undefined || link === undefined)
    return { withdraw, purge: [], sysctls: [], install: [], proxies, shaper };
  // A route of ours by this very link means that the address has been its own all along.
  const opened = scope.open.has(ifindex) ? (scope.served.get(ifindex)?.addresses ?? []) : [];
  const isNew = (address: Address) => !present.has(address) && !opened.includes(address);
  const purge = zone.addresses.filter((address) => isNew(address) && !scope.forgotten.has(address));
  // What a link had and lost was taken from it: whoever put a route in the place of its own does not keep it out.
  const install = scope.open.has(ifindex) ? routes.install.map(insisting) : routes.install;
  const opening = present.size === 0 && !scope.open.has(ifindex) ? link : undefined;
  const sysctls = driftOf(zone, link, desired, mirror, sysctl, opening);
  return { withdraw, purge, sysctls, install, proxies, shaper };
}

/** By its number alone a shaper is ours only on zones' links, and on those that have been: an uplink's may have the same. */
function planLinkShaper(ifindex: number, { zones }: Desired, { links, shapers }: Mirror, { served }: PassScope) {
  const link = links.get(ifindex);
  return link !== undefined && (isZoneLink(link.name) || served.has(ifindex))
    ? planShaper(ifindex, zones.get(ifindex)?.access?.receive, shapers.all.get(ifindex))
    : undefined;
}

/** Links that are opened while others are open: they do not wait for the proxies for their siblings, and are told of them next. */
export function newcomersOf({ links, open }: PassScope): number[] {
  return links === 'all' ? [] : [...links].filter((ifindex) => !open.has(ifindex));
}

function withoutSiblings({ withdraw, install }: ProxiesPlan, { subnets }: Desired): ProxiesPlan {
  const gateway = subnets.ipv6?.gateway;
  return { withdraw, install: install.filter((change) => 'address' in change && change.address === gateway) };
}

function insisting(change: RtnetlinkChange): RtnetlinkChange {
  return change.kind === 'route-add' ? { ...change, insist: true } : change;
}

function planLinkProxies(ifindex: number, desired: Desired, mirror: Mirror): ProxiesPlan {
  const zone = desired.zones.get(ifindex);
  const wanted = zone === undefined ? [] : proxiesOf(zone, desired);
  return planProxies(mirror.links.get(ifindex), wanted, mirror.proxiesOf(ifindex));
}

export interface PassFailures {
  /** The transaction as a whole; nothing was opened then. */
  readonly nft: Error | undefined;
  /** By ifindex; 0 stands for what belongs to no link: forwarding switches, connections of addresses just closed. */
  readonly links: ReadonlyMap<number, ProtectNetworkError>;
  /** Routes that are no link's: to gateways, without which zones work where another route covers them, and of blocks. */
  readonly hostRoutes: readonly FailedChange[];
}

/**
 * Applies in the plan's order and returns what failed. A link whose sysctls could not be set is not brought up, and
 * where the transaction fails nothing is installed: a missing piece of security keeps a zone closed.
 */
export async function applyPlan(
  host: Host,
  mirror: Mirror,
  plan: Plan,
  connections: Forgetting = forgetAll(host.conntrack),
): Promise<PassFailures> {
  const links = new Map<number, ProtectNetworkError>();
  const hostRoutes: FailedChange[] = [];
  const change = async (changes: readonly RtnetlinkChange[]) => {
    for (const each of changes) mirror.expect(each);
    for (const each of await applyRtnetlink(host.rtnetlink, changes)) {
      const { change: failed, error } = each;
      mirror.revoke(failed, error.message);
      // The zone works without, and `problemsOf` says so.
      if (failed.kind === 'shaper-set') continue;
      if ('ifindex' in failed) links.set(failed.ifindex, error);
      else hostRoutes.push(each);
    }
  };
  await change(plan.withdraw);
  const before = await connections.before(plan.purgeBefore);
  // Whoever cannot be cut off from the connections of its predecessor stays closed.
  if (before.error !== undefined) {
    for (const ifindex of givenBy(plan, new Set(plan.purgeBefore)).values()) links.set(ifindex, before.error);
  }
  for (const [ifindex, error] of await closeIngress(host, mirror, plan)) links.set(ifindex, error);
  const { refusal, unsafe } = await transactAndProtect(host, mirror, plan);
  if (refusal !== undefined) {
    mirror.rules.distrust();
    return { nft: refusal, links, hostRoutes };
  }
  const given = givenBy(plan);
  const after = await connections.after(plan.purgeAfter, new Set(given.keys()));
  if (after.error !== undefined) links.set(0, after.error);
  for (const address of before.pending.union(after.pending)) {
    const ifindex = given.get(address);
    if (ifindex !== undefined && !links.has(ifindex)) links.set(ifindex, stillKnown(address));
  }
  const shut = [...writeForwarding(host.sysctl, plan.forwarding), ...applySysctls(host.sysctl, plan.linkForwarding)];
  for (const { change: failed, error } of [...unsafe, ...shut]) {
    links.set(failed.ifindex, error);
  }
  await change(plan.install.filter((each) => !('ifindex' in each) || !links.has(each.ifindex)));
  return { nft: undefined, links, hostRoutes };
}

/**
 * The links' own sysctls are written while nft works, where it is a process. None of them opens anything without what comes
 * afterwards: the links are still down, or nothing but what the guard lets through leaves them.
 */
async function transactAndProtect(
  host: Host,
  mirror: Mirror,
  plan: Plan,
): Promise<{ readonly refusal: Error | undefined; readonly unsafe: FailedSysctl[] }> {
  const transacted = applyRuleset(host.nft, mirror.rules.current, plan.nft).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  const unsafe: FailedSysctl[] = [];
  for (let start = 0; start < plan.sysctls.length; start += sysctlsPerTurn) {
    if (start > 0) await nextTurn();
    unsafe.push(...applySysctls(host.sysctl, plan.sysctls.slice(start, start + sysctlsPerTurn)));
  }
  return { refusal: await transacted, unsafe };
}

/** The links that are given one of `addresses`, or any, by address. */
function givenBy({ install }: Plan, addresses?: ReadonlySet<Address>): Map<Address, number> {
  const given = new Map<Address, number>();
  for (const change of install) {
    if (change.kind !== 'route-add' || addresses?.has(change.address) === false) continue;
    given.set(change.address, change.ifindex);
  }
  return given;
}

function stillKnown(address: Address): ProtectNetworkError {
  return new ProtectNetworkError('busy', `still deleting conntrack entries of the previous owner of ${address}`);
}

/** One after the other, up to the first that fails: forwarding must not go on before an uplink is prepared for it. */
function writeForwarding(sysctl: Sysctl, changes: readonly ForwardingChange[]): FailedSysctl[] {
  for (const change of changes) {
    const failed = applySysctls(sysctl, [{ ...change, ifindex: 0 }]);
    if (failed.length > 0) return failed;
  }
  return [];
}

function driftOf(
  zone: DesiredZone,
  link: Link,
  desired: Desired,
  mirror: Mirror,
  sysctl: Sysctl,
  opening: Link | undefined,
): SysctlChange[] {
  const name = parseLinkName(link.name);
  if (name === undefined) return [];
  const { families, layout } = desired;
  const wanted = linkSysctls(name, { families, antiSpoof: layout.antiSpoof });
  return observeDrift(sysctl, zone.ifindex, wanted, { known: mirror.sysctls.get(zone.ifindex), opening });
}

function proxiesOf(zone: DesiredZone, desired: Desired): Address[] {
  const siblings = desired.siblingLinks.has(zone.ifindex) ? desired.siblings : [];
  return wantedProxies(zone.addresses, desired.subnets.ipv6?.gateway, siblings);
}

function nftScope(desired: Desired, scope: PassScope, indices: ReadonlySet<number>): Scope {
  if (scope.ruleset === 'all') return { kind: 'all', zones: [...desired.zones.values()], prune: scope.prune };
  const changes = new Map<LinkName, ZoneChange>();
  for (const ifindex of indices) {
    const zone = desired.zones.get(ifindex);
    const before = scope.served.get(ifindex);
    // A link may have changed its name, and a name its link: what is wanted goes by the name alone.
    for (const link of new Set([zone?.link, before?.link])) {
      if (link === undefined) continue;
      const had = before?.link === link ? [before] : [];
      const wanted = desired.byLink.get(link);
      changes.set(link, {
        had: [...(changes.get(link)?.had ?? []), ...had],
        want: wanted === undefined ? [] : [wanted],
      });
    }
  }
  return { kind: 'some', changes: [...changes.values()], isInUse: (address) => desired.addresses.has(address) };
}

/** Addresses that the transaction takes from a link. */
function closedAddresses(nft: readonly NftCommand[]): Address[] {
  const fromSets = new Set<string>([sets.ipv4.from, sets.ipv6.from]);
  return nft.flatMap((command) => {
    if (command.kind !== 'delete-elements' || !fromSets.has(command.set)) return [];
    return command.keys.flatMap((key) => parseAddress(key.split(' ')[1] ?? '') ?? []);
  });
}

/** Links come up before anything is routed to them. */
function inOrder(changes: readonly RtnetlinkChange[]): RtnetlinkChange[] {
  return [...changes].sort((a, b) => Number(b.kind === 'link-up') - Number(a.kind === 'link-up'));
}
