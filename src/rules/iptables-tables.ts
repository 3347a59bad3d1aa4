/** Tables out of iptables-save's text: those of iptables-legacy, which nft does not show, and the content of `xt` in nft's rules. Pure. */
import type { Family } from '../model/address.ts';
import { translateRule } from './iptables-rule.ts';
import type { BaseHook, Chain, Hook, Rule, Ruleset, Table } from './ruleset.ts';

const hooks: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};
/** enum nf_ip_hook_priorities. */
const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

/** The one reader of what iptables-save writes. */
export function legacyTables(family: Family, saved: string): Table[] {
  const at = { world: 'legacy', family: family === 'ipv4' ? 'ip' : 'ip6' } as const;
  const tables: (Omit<Table, 'chains'> & { readonly chains: Map<string, Chain & { readonly rules: Rule[] }> })[] = [];
  for (const text of saved.split('\n')) {
    const opened = /^\*(\S+)/.exec(text)?.[1];
    if (opened !== undefined) tables.push({ ...at, name: opened, chains: new Map(), sets: new Map() });
    const { name: table = '', chains } = tables.at(-1) ?? {};
    const [, name, policy = '-'] = /^:(\S+) (\S+)/.exec(text) ?? [];
    if (name !== undefined) chains?.set(name, { ...at, table, name, base: baseOf(table, name, policy), rules: [] });
    const chain = /^-A (\S+)/.exec(text)?.[1] ?? '';
    const rules = chains?.get(chain)?.rules;
    const ref = { ...at, table, chain, handle: (rules?.length ?? 0) + 1 };
    rules?.push({ ref, text, expr: translateRule(text, family) });
  }
  return tables;
}

function baseOf(table: string, name: string, policy: string): BaseHook | undefined {
  const hook = hooks[name];
  if (hook === undefined || policy === '-') return undefined;
  const isSource = hook === 'postrouting' || hook === 'input';
  const priority = table === 'nat' ? (isSource ? 100 : -100) : (priorities[table] ?? 0);
  const type = table === 'nat' ? 'nat' : 'filter';
  return { hook, type, priority, policy: policy === 'DROP' ? 'drop' : 'accept', devices: [] };
}

/** Rules with an `xt` in them get what iptables says about the same rule, where both list the same number of rules. */
export function withExtensions(ruleset: Ruleset, family: Family, saved: string): Ruleset {
  const told = legacyTables(family, saved);
  return ruleset.map((table) => {
    const known = told.find(({ family, name }) => family === table.family && name === table.name)?.chains;
    const chains = [...table.chains].map(([name, chain]): [string, Chain] => {
      const rules = known?.get(name)?.rules;
      if (rules?.length !== chain.rules.length) return [name, chain];
      return [name, { ...chain, rules: chain.rules.map((rule, index) => extended(rule, rules[index] ?? rule)) }];
    });
    return { ...table, chains: new Map(chains) };
  });
}

function extended(rule: Rule, { expr, text }: Rule): Rule {
  return rule.expr.some((part) => 'xt' in part) ? { ...rule, expr, text } : rule;
}
