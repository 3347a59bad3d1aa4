/** Changes to links, routes, neighbour proxies and shapers: what the kernel is asked for, and how people read it. */
import { type Address, familyOf, hostLength, type Prefix } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import * as netlink from '../netlink/index.ts';
import { refusedBy } from './classify.ts';
import type { RtnetlinkChange, RtnetlinkResult } from './port.ts';
import { shaperCommand, tokenBucketOf, withoutShaperCommand, withoutTokenBucket } from './shaper.ts';

/** Our route protocol number: how a restarted daemon knows its routes. Unassigned in iproute2's rt_protos. */
export const routeProtocol = '75';
export const protocol = Number(routeProtocol);
/** LOOPBACK_IFINDEX. */
const loopback = 1;
const { main, local } = netlink.routeTable;

type AddressChange = Extract<RtnetlinkChange, { address: Address }>;
type BlockChange = Extract<RtnetlinkChange, { prefix: Prefix }>;

export function requestOf(change: RtnetlinkChange): netlink.Request {
  switch (change.kind) {
    case 'link-up':
      return netlink.setLinkUp(change.ifindex);
    case 'route-add':
      return netlink.addRoute(withMetric(change, metricInIpv6), 'exclusive');
    case 'route-del':
      // An earlier version's have another metric.
      return netlink.deleteRoute(hostRoute(change));
    case 'local-add':
      return netlink.addRoute(localRoute(change), 'exclusive');
    case 'local-del':
      return netlink.deleteRoute(localRoute(change));
    case 'block-add':
      return netlink.addRoute(blockRoute(change), 'exclusive');
    case 'block-del':
      return netlink.deleteRoute(blockRoute(change));
    case 'proxy-add':
      return netlink.addProxy({ ...change, protocol });
    case 'proxy-del':
      return netlink.deleteProxy(change);
    case 'shaper-set':
      return netlink.setTokenBucket(tokenBucketOf(change));
    case 'shaper-del':
      return withoutTokenBucket(change);
  }
}

/** ENOENT is said of a kernel that has no such qdisc, and of a link without ours; EINVAL beside another one. */
export function judgeShaper(
  change: Extract<RtnetlinkChange, { kind: 'shaper-set' | 'shaper-del' }>,
  refusal: netlink.NetlinkError,
): RtnetlinkResult {
  const isGone = netlink.NetlinkError.is(refusal, 'ENODEV', 'ENOENT', 'EINVAL');
  if (change.kind === 'shaper-del' && isGone) return { ok: true };
  const isUnknown = netlink.NetlinkError.is(refusal, 'ENOENT', 'EOPNOTSUPP');
  const error = isUnknown
    ? new ProtectNetworkError('kernel-unsupported', 'this kernel has no tbf: modprobe sch_tbf')
    : refusedBy(commandLine(change), refusal);
  return { ok: false, error };
}

/**
 * In IPv6 the least metric wins, and the kernel gives 1024 unless told: what a router advertisement calls on-link, 256
 * (IP6_RT_PRIO_ADDRCONF), or a routing daemon, 32 (BIRD's), would stand ahead. In IPv4 none is the least.
 */
const metricInIpv6 = 2;
/** For where somebody has put a route in the place of ours. */
const aheadInIpv6 = 1;

interface HostRoute {
  readonly address: Address;
  readonly ifindex: number;
}

/** Of several routes to a place the first counts in IPv4, in IPv6 the one with the least metric. Neither touches the other. */
export function routeAhead(route: HostRoute): netlink.Request {
  return netlink.addRoute(withMetric(route, aheadInIpv6), familyOf(route.address) === 'ipv4' ? 'prepend' : 'append');
}

function withMetric(route: HostRoute, metric: number): netlink.RouteChange {
  return familyOf(route.address) === 'ipv6' ? { ...hostRoute(route), priority: metric } : hostRoute(route);
}

/** Whatever its metric. */
function hostRoute({ address, ifindex }: HostRoute): netlink.RouteChange {
  return { type: 'unicast', destination: address, device: ifindex, table: main, protocol };
}

function blockRoute({ prefix }: BlockChange): netlink.RouteChange {
  return { type: 'unreachable', destination: prefix.address, length: prefix.length, table: main, protocol };
}

function localRoute({ address }: AddressChange): netlink.RouteChange {
  return { type: 'local', destination: address, device: loopback, table: local, protocol };
}

/** The change as people read it in plans and logs: `ip`'s own command, or `tc`'s. */
export function commandLine(change: RtnetlinkChange): string {
  switch (change.kind) {
    case 'link-up':
      return `link set dev if${change.ifindex} up`;
    case 'route-add':
      return `route add ${ourRouteTo(change)}${familyOf(change.address) === 'ipv6' ? ` metric ${metricInIpv6}` : ''}`;
    case 'route-del':
      return `route del ${ourRouteTo(change)}`;
    case 'local-add':
    case 'local-del':
      return `route ${verb(change)} local ${targetOf(change.address)} dev lo table local proto ${routeProtocol}`;
    case 'block-add':
    case 'block-del':
      return `route ${verb(change)} unreachable ${change.prefix.text} proto ${routeProtocol}`;
    case 'proxy-add':
    case 'proxy-del':
      return `neighbour ${isDeletion(change) ? 'del' : 'replace'} proxy ${change.address} dev if${change.ifindex} protocol ${routeProtocol}`;
    case 'shaper-set':
      return shaperCommand(change);
    case 'shaper-del':
      return withoutShaperCommand(change);
  }
}

function ourRouteTo({ address, ifindex }: HostRoute): string {
  return `${targetOf(address)} dev if${ifindex} proto ${routeProtocol}`;
}

export function isDeletion(change: RtnetlinkChange): boolean {
  return change.kind.endsWith('-del');
}

function verb(change: RtnetlinkChange): 'add' | 'del' {
  return isDeletion(change) ? 'del' : 'add';
}

export function targetOf(address: Address): string {
  return `${address}/${hostLength(familyOf(address))}`;
}
