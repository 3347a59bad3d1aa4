/** Tables out of iptables-save's text: those of iptables-legacy, which nft does not show, and the content of `xt` in nft's rules. Pure. */
import type { Family } from '../model/address.ts';
import { translateRule } from './iptables-rule.ts';
import type { BaseHook, Chain, Hook, Rule, Ruleset, Table } from './ruleset.ts';

interface SavedChain {
  readonly name: string;
  readonly policy: string;
  /** `-A CHAIN …` lines. */
  readonly lines: string[];
}

type SavedTables = Map<string, Map<string, SavedChain>>;

const hooks: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};
/** enum nf_ip_hook_priorities. */
const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

export function legacyTables(family: Family, saved: string): Table[] {
  const nftFamily = family === 'ipv4' ? 'ip' : 'ip6';
  return [...parseSaved(saved)].map(([name, chains]) => {
    const entries = [...chains.values()].map((chain): [string, Chain] => {
      const rules = chain.lines.map((text, index): Rule => {
        const ref = { world: 'legacy', family: nftFamily, table: name, chain: chain.name, handle: index + 1 } as const;
        return { ref, text, expressions: translateRule(text, family) };
      });
      const base = baseOf(name, chain);
      return [chain.name, { world: 'legacy', family: nftFamily, table: name, name: chain.name, base, rules }];
    });
    return { world: 'legacy', family: nftFamily, name, chains: new Map(entries), sets: new Map() };
  });
}

function baseOf(table: string, { name, policy }: SavedChain): BaseHook | undefined {
  const hook = hooks[name];
  if (hook === undefined || policy === '-') return undefined;
  const isSource = hook === 'postrouting' || hook === 'input';
  const priority = table === 'nat' ? (isSource ? 100 : -100) : (priorities[table] ?? 0);
  const type = table === 'nat' ? 'nat' : 'filter';
  return { hook, type, priority, policy: policy === 'DROP' ? 'drop' : 'accept', device: undefined };
}

/** Rules with an `xt` in them get what iptables says about the same rule, where both list the same number of rules. */
export function withExtensions(ruleset: Ruleset, family: Family, saved: string): Ruleset {
  const nftFamily = family === 'ipv4' ? 'ip' : 'ip6';
  const tables = parseSaved(saved);
  return ruleset.map((table) => {
    const known = table.family === nftFamily ? tables.get(table.name) : undefined;
    if (known === undefined) return table;
    const chains = [...table.chains].map(([name, chain]): [string, Chain] => {
      const lines = known.get(name)?.lines ?? [];
      if (lines.length !== chain.rules.length) return [name, chain];
      return [name, { ...chain, rules: chain.rules.map((rule, index) => extended(rule, lines[index] ?? '', family)) }];
    });
    return { ...table, chains: new Map(chains) };
  });
}

function extended(rule: Rule, line: string, family: Family): Rule {
  if (!rule.expressions.some((part) => 'xt' in part)) return rule;
  return { ...rule, expressions: translateRule(line, family), text: line };
}

function parseSaved(text: string): SavedTables {
  const tables: SavedTables = new Map();
  let chains = new Map<string, SavedChain>();
  for (const line of text.split('\n')) {
    const table = /^\*(\S+)/.exec(line)?.[1];
    const declared = /^:(\S+) (\S+)/.exec(line);
    const added = /^-A (\S+)/.exec(line)?.[1];
    if (table !== undefined) {
      chains = new Map();
      tables.set(table, chains);
    } else if (declared?.[1] !== undefined) {
      chains.set(declared[1], { name: declared[1], policy: declared[2] ?? '-', lines: [] });
    } else if (added !== undefined) chains.get(added)?.lines.push(line);
  }
  return tables;
}
