/** What to do about a rule of ours that drops: never delete it, but mend what it follows from. Pure. */
import type { RuleRef } from './ruleset.ts';

/** By chain; what is not listed here follows from the daemon's plan. */
const reasons: Readonly<Record<string, string>> = {
  'EDERA-DENY': 'set isolation.zone-to-zone or isolation.metadata to "allow" in the settings, if that is meant',
  'EDERA-FORWARD': 'set isolation.zone-to-zone or isolation.metadata to "allow" in the settings, if that is meant',
  'input-guard': 'set isolation.host to "allow" in the settings, or accept it in inet edera user-input',
  'from-zone': 'protect-network plan (the link does not have that address, as far as our guard knows)',
  forged: 'protect-network plan (the source is not the address of the link it came by, as far as our guard knows)',
  guard: 'protect-network plan (the source is a zone’s address, and the packet came by another link)',
  'forward-begin': 'protect-network plan (no zone’s link has that address)',
};

/** Undefined where the rule is somebody else's. */
export function adviceOnOwn({ world, family, table, chain }: RuleRef): string | undefined {
  const isOurs = world === 'nft' && (table.startsWith('edera') || chain === 'EDERA-FORWARD' || chain === 'EDERA-DENY');
  if (!isOurs) return undefined;
  return reasons[chain] ?? `protect-network plan (${family} ${table} ${chain} is ours)`;
}
