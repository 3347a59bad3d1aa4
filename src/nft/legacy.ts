/**
 * Whether zones' packets can come through a filter table of iptables-legacy. An accept of ours ends our own base chain only,
 * so what this table drops is lost. Pure.
 */
import type { Prefix } from '../model/address.ts';
import { legacyTables } from '../rules/iptables-tables.ts';
import { waysIn, zoneLink, zonesOf } from './foreign-forward.ts';
import { forwardHookChain } from './names.ts';

/**
 * What ends a zone's packets there, in iptables' own words: the policy, or the rule. Undefined where they are not certain to
 * end. `lines` as iptables-save writes them; a rule whose condition only some packets of zones meet does not count.
 */
export function endOfZoneTraffic(lines: readonly string[], subnet: Prefix): string | undefined {
  const chains = legacyTables(subnet.family, ['*filter', ...lines].join('\n')).at(-1)?.chains ?? new Map();
  const zones = zonesOf(subnet);
  for (const told of [
    { input: zoneLink, source: zones },
    // The answer; what else comes to zones is for their operator to hold back.
    { output: zoneLink, destination: zones, reply: true },
  ]) {
    const { likely, by } = waysIn(chains, forwardHookChain, subnet, told);
    if (likely === 'drop') return by?.text;
    if (likely === 'return' && chains.get(forwardHookChain)?.base?.policy === 'drop')
      return `-P ${forwardHookChain} DROP`;
  }
  return undefined;
}
