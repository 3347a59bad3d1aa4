/**
 * Policy rules and routing tables for one question, as the kernel goes through them (ip-rule(8)): the first rule that
 * fits and whose table has an answer. The kernel's own answer decides; this one names the rule and the route behind it. Pure.
 */

import type { PolicyRule, TableRoute } from '../host/inspection.ts';
import { type Address, type Family, hostLength, parseAddress, toBigInt } from '../model/address.ts';

export interface RouteQuery {
  readonly family: Family;
  readonly destination: Address;
  readonly source: Address;
  readonly input: string | undefined;
  readonly mark: number;
  readonly transport?: string;
  readonly destinationPort?: number | undefined;
  /** Only routes by this link count. */
  readonly by?: string;
}

export interface RoutingTables {
  readonly rules: readonly PolicyRule[];
  readonly routes: readonly TableRoute[];
}

export type RouteAnswer =
  | { readonly kind: 'route'; readonly route: TableRoute; readonly rule: PolicyRule }
  /** A policy rule itself says blackhole, unreachable or prohibit. */
  | { readonly kind: 'refused'; readonly rule: PolicyRule; readonly action: string }
  | { readonly kind: 'none' }
  /** A rule looks at something that is not known here. */
  | { readonly kind: 'unclear'; readonly rule: PolicyRule };

export function route(tables: RoutingTables, query: RouteQuery): RouteAnswer {
  let resumeAt = 0;
  for (const rule of [...tables.rules].sort((a, b) => a.priority - b.priority)) {
    if (rule.priority < resumeAt) continue;
    const applies = ruleApplies(rule, query);
    if (applies === undefined) return { kind: 'unclear', rule };
    const answer = applies ? answerOf(rule, tables, query) : undefined;
    if (answer !== undefined) return answer;
    if (applies && rule.goto !== undefined) resumeAt = rule.goto;
  }
  return { kind: 'none' };
}

const refusals = ['blackhole', 'unreachable', 'prohibit'];

/** Undefined: the next rule is asked. */
function answerOf(rule: PolicyRule, tables: RoutingTables, query: RouteQuery): RouteAnswer | undefined {
  const { action } = rule;
  if (action !== undefined && refusals.includes(action)) return { kind: 'refused', rule, action };
  const found = rule.table === undefined ? undefined : lookIn(tables.routes, rule, query);
  return found === undefined ? undefined : { kind: 'route', route: found, rule };
}

/** The longest prefix of the table; undefined where it has none, says `throw`, or the rule suppresses what it has. */
function lookIn(routes: readonly TableRoute[], rule: PolicyRule, query: RouteQuery): TableRoute | undefined {
  const fitting = routes
    .filter((candidate) => candidate.table === rule.table && covers(candidate, query))
    .filter(({ flags }) => !flags.includes('dead'))
    .sort((a, b) => lengthOf(b) - lengthOf(a) || (a.metric ?? 0) - (b.metric ?? 0));
  const [best] = fitting;
  if (best === undefined || best.type === 'throw') return undefined;
  const suppressed = rule.suppress_prefixlen !== undefined && lengthOf(best) <= rule.suppress_prefixlen;
  return suppressed ? undefined : best;
}

function covers(candidate: TableRoute, query: RouteQuery): boolean {
  if (candidate.family !== query.family) return false;
  if (query.by !== undefined && !devicesOf(candidate).includes(query.by)) return false;
  if (candidate.dst === 'default') return true;
  const [base = ''] = candidate.dst.split('/');
  return isWithin(query.destination, base, lengthOf(candidate));
}

export function devicesOf(candidate: TableRoute): string[] {
  const hops = candidate.nexthops ?? [];
  return [candidate.dev, ...hops.map(({ dev }) => dev)].filter((dev) => dev !== undefined);
}

function lengthOf({ dst, family }: TableRoute): number {
  if (dst === 'default') return 0;
  const [, length] = dst.split('/');
  return length === undefined ? hostLength(family) : Number(length);
}

/** Whether the address is in a network, whose text may have host bits. */
export function isWithin(address: Address, base: string, length: number): boolean {
  const parsed = parseAddress(base);
  if (parsed === undefined) return false;
  const shift = BigInt(hostLength(address.includes(':') ? 'ipv6' : 'ipv4') - length);
  return toBigInt(address) >> shift === toBigInt(parsed) >> shift;
}

function ruleApplies(rule: PolicyRule, query: RouteQuery): boolean | undefined {
  const tests: (boolean | undefined)[] = [
    coversSelector(rule.src, rule.srclen, query.source),
    coversSelector(rule.dst, rule.dstlen, query.destination),
    rule.iif === undefined || rule.iif === (query.input ?? 'lo'),
    rule.oif === undefined,
    markFits(rule, query.mark),
    rule.ipproto === undefined || protocolFits(rule.ipproto, query),
    portFits(rule, query),
    rule.tos === undefined ? true : undefined,
    // Forwarded packets belong to no user; and to an l3mdev's table only where the link is in a VRF.
    rule.uid_start === undefined || rule.uid_start === 0,
    rule.sport === undefined && rule.sport_start === undefined ? true : undefined,
    rule.l3mdev === undefined,
  ];
  if (tests.includes(false)) return rule.not !== undefined;
  if (tests.includes(undefined)) return undefined;
  return rule.not === undefined;
}

function coversSelector(base: string | undefined, length: number | undefined, address: Address): boolean {
  if (base === undefined || base === 'all') return true;
  return isWithin(address, base, length ?? hostLength(address.includes(':') ? 'ipv6' : 'ipv4'));
}

function markFits({ fwmark, fwmask }: PolicyRule, mark: number): boolean {
  if (fwmark === undefined) return true;
  return ((mark ^ Number(fwmark)) & Number(fwmask ?? 0xffffffff)) === 0;
}

function protocolFits(wanted: string, { transport, family }: RouteQuery): boolean | undefined {
  if (transport === undefined) return undefined;
  if (transport !== 'icmp') return wanted === transport;
  return family === 'ipv4' ? wanted === 'icmp' : wanted === 'ipv6-icmp';
}

function portFits(rule: PolicyRule, { destinationPort }: RouteQuery): boolean | undefined {
  const from = rule.dport ?? rule.dport_start;
  if (from === undefined) return true;
  if (destinationPort === undefined) return undefined;
  return from <= destinationPort && destinationPort <= (rule.dport ?? rule.dport_end ?? from);
}

/** As one types it after `ip rule add`, without its verb. */
export function describeRule(rule: PolicyRule): string {
  const words = [`pref ${rule.priority}`];
  if (rule.not !== undefined) words.push('not');
  words.push(`from ${selectorText(rule.src, rule.srclen)}`);
  if (rule.dst !== undefined) words.push(`to ${selectorText(rule.dst, rule.dstlen)}`);
  if (rule.iif !== undefined) words.push(`iif ${rule.iif}`);
  if (rule.fwmark !== undefined)
    words.push(`fwmark ${rule.fwmark}${rule.fwmask === undefined ? '' : `/${rule.fwmask}`}`);
  if (rule.ipproto !== undefined) words.push(`ipproto ${rule.ipproto}`);
  if (rule.dport !== undefined) words.push(`dport ${rule.dport}`);
  words.push(rule.action ?? (rule.table === undefined ? `goto ${rule.goto}` : `lookup ${rule.table}`));
  return words.join(' ');
}

function selectorText(base: string | undefined, length: number | undefined): string {
  return `${base ?? 'all'}${length === undefined ? '' : `/${length}`}`;
}

/** As one types it after `ip route add`. */
export function describeRoute(found: TableRoute): string {
  const words = found.type === 'unicast' ? [found.dst] : [found.type, found.dst];
  if (found.gateway !== undefined) words.push(`via ${found.gateway}`);
  if (found.dev !== undefined) words.push(`dev ${found.dev}`);
  if (found.nexthops !== undefined) words.push(`(${found.nexthops.length} next hops)`);
  return `${words.join(' ')}${found.table === 'main' ? '' : ` table ${found.table}`}`;
}
