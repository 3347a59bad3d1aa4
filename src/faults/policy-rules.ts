/** Policy rules of others that are asked ahead of zones' routes, in words. Pure. */
import type { PolicyRule } from '../host/routing-tables.ts';
import type { Family, Prefix } from '../model/address.ts';
import type { Fault } from '../model/fault.ts';
import { describeRule } from '../rules/routing.ts';
import { fault } from '../words/faults.ts';
import { findings } from '../words/findings.ts';
import type { Direction, Misled } from './outlook.ts';

/** One for each rule. `prefixes`: the zones'. */
export function policyRuleFaults(
  misled: readonly Misled[],
  prefixes: Readonly<Record<Family, Prefix | undefined>>,
): Fault[] {
  const byRule = new Map<string, Misled[]>();
  for (const each of misled) {
    const key = `${each.family} ${describeRule(each.rule)}`;
    byRule.set(key, [...(byRule.get(key) ?? []), each]);
  }
  return [...byRule.values()].flatMap((all) => {
    const [first] = all;
    return first === undefined ? [] : [faultOf(first.family, first.rule, all, prefixes[first.family])];
  });
}

function faultOf(family: Family, rule: PolicyRule, all: readonly Misled[], prefix: Prefix | undefined): Fault {
  const command = family === 'ipv4' ? 'ip rule' : 'ip -6 rule';
  const fates = all.map(({ direction, device }) => `${wherefrom[direction]} ${fate(device)}`);
  const why = `it is asked before the main table, which has zones' routes; ${fates.join(', ')}`;
  // What leaves for the outside is led away on purpose, or by mistake: whoever made the rule knows.
  const isOurs = all.some(({ direction }) => direction !== 'to the outside');
  const fix = isOurs && prefix !== undefined ? lookupMainAhead(family, rule.priority, `to ${prefix.text}`) : undefined;
  return fault(findings.uplinks.policyRule, { command, rule: describeRule(rule) }, why, fix ?? null);
}

const wherefrom: Readonly<Record<Direction, string>> = {
  'to the outside': "zones' packets to the outside",
  'to other zones': "zones' packets to each other",
  'from the outside': 'answers from the outside to zones',
};

function fate(device: string | undefined): string {
  return device === undefined ? 'are dropped' : `leave via ${device}`;
}

/**
 * The command by which the main table, which has our routes, is asked ahead of a rule; undefined where there is no room ahead
 * of it. `packets`: which ones, as `ip rule` takes it, such as `to 10.75.0.0/16`.
 */
export function lookupMainAhead(family: Family, priority: number, packets: string): string | undefined {
  if (priority < 2) return undefined;
  return `ip ${family === 'ipv4' ? '' : '-6 '}rule add pref ${priority - 1} ${packets} lookup main`;
}
