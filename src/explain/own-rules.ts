/** Rules of ours: what to do about one that drops (never delete it, but fix what it follows from), and what of them is not asked. Pure. */
import { isLimitSet } from '../nft/limits.ts';
import { ownTable, shareSets } from '../nft/names.ts';
import type { Rule, RuleRef, Ruleset, Table } from '../rules/ruleset.ts';

const closed = 'protect-network status';
/** By chain; what is not listed here follows from the daemon's plan. */
const reasons: Readonly<Record<string, string>> = {
  'EDERA-DENY': 'set isolation.zone-to-zone or isolation.metadata to "allow" in the settings, if that is meant',
  'EDERA-FORWARD': 'set isolation.zone-to-zone or isolation.metadata to "allow" in the settings, if that is meant',
  'host-denied':
    'set isolation.host or isolation.metadata to "allow" in the settings, or accept it in inet edera user-input',
  'output-guard': 'set isolation.host to "allow" in the settings, if zones may use services of this host',
  'from-zone': 'protect-network plan (the link does not have that address, as far as our guard knows)',
  'egress-closed': closed,
  'egress-closed-host': closed,
  'egress-closed-output': closed,
  'egress-denied': 'allow it in the policy of the zone that sends it; protect-network policy show lists the policies',
  'over-limit':
    'wait until some of its connections are over, or raise net.netfilter.nf_conntrack_max: a zone may have begun a quarter of it',
  forged: 'protect-network plan (the source is not the address of the link it came in on, as far as our guard knows)',
  'not-assigned':
    'give the zone that IPv6 address in its zone directory, if it should have it (protect-network zone set, or ip= of its vif)',
  guard: 'protect-network plan (the source is a zone’s address, and the packet came in on another link)',
  stray: 'protect-network plan (no zone’s link has that address)',
  'own-fragments': 'protect-network plan (the fragment’s source is not the address of the link it came in on)',
  'uplink-leak':
    'find the rule or tool that keeps it from being translated (notrack, for instance), or name its destination in uplink.no-masquerade if it may see the zone’s own address',
};

/** Undefined where the rule is somebody else's. */
export function adviceOnOwn({ world, family, table, chain }: RuleRef): string | undefined {
  const isOurs = world === 'nft' && (table.startsWith('edera') || chain === 'EDERA-FORWARD' || chain === 'EDERA-DENY');
  if (!isOurs) return undefined;
  return reasons[chain] ?? `protect-network plan (${family} ${table} ${chain} is ours)`;
}

/** True for the rules that drop what would leave by an uplink untranslated. */
export function isUplinkLeak({ world, family, table, chain }: RuleRef): boolean {
  return world === 'nft' && family === 'inet' && table === 'edera' && chain === 'uplink-leak';
}

export function isOwnTable({ world, family, name }: Table): boolean {
  return world === 'nft' && family === ownTable.family && name === ownTable.name;
}

/** No link of ours is beyond its limits. Who has its share of the connection table is known, and stays. */
export function withinLimits(ruleset: Ruleset): Ruleset {
  return ruleset.map((table) => {
    if (!isOwnTable(table)) return table;
    const sets = [...table.sets].map(
      ([name, set]) => [name, isLimitSet(name) ? { ...set, elements: [] } : set] as const,
    );
    const isShareRate = ({ expr }: Rule) => JSON.stringify(expr).includes(`"@${shareSets.rate}"`);
    const chains = [...table.chains].map(
      ([name, chain]) => [name, { ...chain, rules: chain.rules.filter((rule) => !isShareRate(rule)) }] as const,
    );
    return { ...table, sets: new Map(sets), chains: new Map(chains) };
  });
}
