/** What brings a packet past a route or policy rule of somebody else's, and a zone's address back to its link. Pure. */
import { lookupMainAhead } from '../faults/policy-rules.ts';
import type { PolicyRule } from '../host/routing-tables.ts';
import { type Address, type Family, hostLength } from '../model/address.ts';
import { describeRule, devicesOf, type RouteAnswer, route } from '../rules/routing.ts';
import type { Facts } from './facts.ts';

export interface Between {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
}

/** `back`: where packets to the address go instead. Somebody's route to this very address keeps ours out. */
export function fixForZoneRoute(facts: Facts, address: Address, link: string, back: RouteAnswer): readonly string[] {
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  const length = hostLength(family);
  const toIt = facts.routing[family].routes.filter(
    ({ table, dst }) => table === 'main' && (dst === address || dst === `${address}/${length}`),
  );
  if (toIt.some((each) => devicesOf(each).includes(link))) {
    return 'rule' in back && back.rule.table !== 'main' ? mainAheadOf(facts, family, back.rule) : [];
  }
  const removals = toIt.map(({ dev }) => `ip route del ${address}/${length}${dev === undefined ? '' : ` dev ${dev}`}`);
  const isServed = facts.snapshot.daemon.zones.some((zone) => zone.link === link);
  // The daemon tries again by itself, and would find one that we add in its way.
  return isServed && removals.length > 0 ? removals : [...removals, `ip route add ${address}/${length} dev ${link}`];
}

/** Lets our routes be asked before the table of somebody's rule, for zones' addresses only. */
export function mainAheadOf({ snapshot }: Facts, family: Family, rule: PolicyRule): string[] {
  const prefix = snapshot.subnets[family]?.prefix;
  return prefix === undefined ? [] : ahead(family, rule, `to ${prefix}`);
}

/** Lets this one packet be routed by the table main, where that knows a way; none where the rule itself is at the head. */
export function aheadOfRule({ routing }: Facts, between: Between, rule: PolicyRule): string[] {
  const { family, source, destination } = between;
  const { routes } = routing[family];
  const query = { family, source, destination, input: undefined, mark: 0 };
  const way = route({ rules: [{ priority: 0, table: 'main' }], routes }, query);
  if (rule.table === 'main' || way.kind !== 'route' || way.route.type !== 'unicast') return [];
  return ahead(family, rule, `from ${source} to ${destination}`);
}

/** For whoever made the rule. */
export function howToDrop(family: Family, rule: PolicyRule): string {
  return `whoever made that rule can take it away for all: ip ${flag(family)}rule del ${describeRule(rule)}`;
}

function ahead(family: Family, { priority }: PolicyRule, packets: string): string[] {
  const fix = lookupMainAhead(family, priority, packets);
  return fix === undefined ? [] : [fix];
}

function flag(family: Family): string {
  return family === 'ipv4' ? '' : '-6 ';
}
