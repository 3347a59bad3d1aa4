/** Gives rules of ours their handles as the kernel tells them. Only the documented pairs are ever deleted by handle alone. */
import type { NewRule } from '../host/port.ts';
import { parseLinkName } from '../model/link-name.ts';
import { forwardPair } from './layout-filter.ts';
import { filterTable, forwardChain } from './names.ts';
import { type Ruleset, ruleText, tableKey } from './ruleset.ts';

const pairLine = /^([oi])ifname "(vif[0-9.]+)" counter accept$/;

export function nameRules(ruleset: Ruleset, rules: readonly NewRule[]): void {
  for (const { family, table, chain, text, handle } of rules) {
    if (table !== filterTable || chain !== forwardChain) continue;
    const match = pairLine.exec(text);
    const link = match === null ? undefined : parseLinkName(match[2] ?? '');
    if (link === undefined) continue;
    const [out, into] = forwardPair(link);
    ruleset
      .get(tableKey(family, table))
      ?.chains.get(chain)
      ?.name(ruleText(match?.[1] === 'o' ? out : into), handle);
  }
}
