/**
 * Policy rules and routing tables for one question, as the kernel goes through them (ip-rule(8)): the first rule that
 * fits and whose table has an answer. The kernel's own answer decides; this one names the rule and the route behind it. Pure.
 */

import type { PolicyRule, RoutingTables, TableRoute } from '../host/routing-tables.ts';
import { type Address, type Family, familyOf, hostLength, parseAddress, toBigInt } from '../model/address.ts';

export interface RouteQuery {
  readonly family: Family;
  readonly destination: Address;
  readonly source: Address;
  readonly input: string | undefined;
  readonly mark: number;
  readonly transport?: string | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  /** Only routes by this link count. */
  readonly by?: string;
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
    .filter(({ isDead }) => isDead !== true)
    .sort((a, b) => lengthOf(b) - lengthOf(a) || (a.metric ?? 0) - (b.metric ?? 0));
  const [best] = fitting;
  if (best === undefined || best.type === 'throw') return undefined;
  return lengthOf(best) <= (rule.suppressedLength ?? -1) ? undefined : best;
}

function covers(candidate: TableRoute, query: RouteQuery): boolean {
  if (candidate.family !== query.family) return false;
  if (query.by !== undefined && !devicesOf(candidate).includes(query.by)) return false;
  return candidate.dst === 'default' || isIn(query.destination, candidate.dst);
}

export function devicesOf({ dev, nexthops = [] }: TableRoute): string[] {
  return [dev, ...nexthops.map((hop) => hop.dev)].filter((each) => each !== undefined);
}

function lengthOf({ dst, family }: TableRoute): number {
  if (dst === 'default') return 0;
  const [, length = hostLength(family)] = dst.split('/');
  return Number(length);
}

/** `network`: a bare address or `address/length`; everything where it is undefined. */
function isIn(address: Address, network: string | undefined): boolean {
  if (network === undefined) return true;
  const [base = '', length = hostLength(familyOf(address))] = network.split('/');
  return isWithin(address, base, Number(length));
}

/** Whether the address is in a network, whose text may have host bits. */
export function isWithin(address: Address, base: string, length: number): boolean {
  const parsed = parseAddress(base);
  if (parsed === undefined) return false;
  const shift = BigInt(hostLength(familyOf(address)) - length);
  return toBigInt(address) >> shift === toBigInt(parsed) >> shift;
}

function ruleApplies(rule: PolicyRule, query: RouteQuery): boolean | undefined {
  const tests: (boolean | undefined)[] = [
    isIn(query.source, rule.from),
    isIn(query.destination, rule.to),
    rule.input === undefined || rule.input === (query.input ?? 'lo'),
    rule.output === undefined,
    rule.mark === undefined || ((query.mark ^ rule.mark.value) & rule.mark.mask) === 0,
    rule.transport === undefined || protocolFits(rule.transport, query),
    portFits(rule.sourcePorts, query.sourcePort),
    portFits(rule.destinationPorts, query.destinationPort),
    (rule.typeOfService ?? 0) === 0 ? true : undefined,
    // Forwarded packets belong to no user; and to a VRF's table only where the link is in one.
    (rule.user ?? 0) === 0,
    rule.isOfVrf !== true,
  ];
  const isInverted = rule.isInverted === true;
  if (tests.includes(false)) return isInverted;
  return tests.includes(undefined) ? undefined : !isInverted;
}

function protocolFits(wanted: string, { transport, family }: RouteQuery): boolean | undefined {
  if (transport === undefined) return undefined;
  if (transport !== 'icmp') return wanted === transport;
  return family === 'ipv4' ? wanted === 'icmp' : wanted === 'ipv6-icmp';
}

function portFits(ports: PolicyRule['sourcePorts'], port: number | undefined): boolean | undefined {
  if (ports === undefined) return true;
  if (port === undefined) return undefined;
  const [from, to] = ports;
  return from <= port && port <= to;
}

/** As one types it after `ip rule add`, without its verb. */
export function describeRule(rule: PolicyRule): string {
  const words = [`pref ${rule.priority}`];
  if (rule.isInverted === true) words.push('not');
  words.push(`from ${rule.from ?? 'all'}`);
  if (rule.to !== undefined) words.push(`to ${rule.to}`);
  if (rule.input !== undefined) words.push(`iif ${rule.input}`);
  if (rule.mark !== undefined) words.push(`fwmark ${markText(rule.mark)}`);
  if (rule.transport !== undefined) words.push(`ipproto ${rule.transport}`);
  for (const [word, ports] of [['sport', rule.sourcePorts] as const, ['dport', rule.destinationPorts] as const])
    if (ports !== undefined) words.push(`${word} ${[...new Set(ports)].join('-')}`);
  words.push(rule.action ?? (rule.table === undefined ? `goto ${rule.goto}` : `lookup ${rule.table}`));
  return words.join(' ');
}

function markText({ value, mask }: { readonly value: number; readonly mask: number }): string {
  return `0x${value.toString(16)}${mask === 0xffffffff ? '' : `/0x${mask.toString(16)}`}`;
}

/** As one types it after `ip route add`. */
export function describeRoute(found: TableRoute): string {
  const words = found.type === 'unicast' ? [found.dst] : [found.type, found.dst];
  if (found.gateway !== undefined) words.push(`via ${found.gateway}`);
  if (found.dev !== undefined) words.push(`dev ${found.dev}`);
  if (found.nexthops !== undefined) words.push(`(${found.nexthops.length} next hops)`);
  return `${words.join(' ')}${found.table === 'main' ? '' : ` table ${found.table}`}`;
}
