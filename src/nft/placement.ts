/**
 * Where the jump to `EDERA-FORWARD` stands in `FORWARD`. `auto`: as late as it can, so that the operator's rules come
 * first and hold, but still ahead of the first rule that ends every packet. `first`: at the head.
 */
import type { NftObject } from '../host/port.ts';
import { forwardChain } from './names.ts';
import type { Chain, Rule, Table } from './ruleset.ts';

/** Exactly our jump: unconditional, to our chain. A conditional one is somebody else's. */
export function isOurJump(rule: Rule): boolean {
  return jumpTarget(rule) === forwardChain && rule.expr.every((part) => 'counter' in part || 'jump' in part);
}

/** The position among the rules that are not ours: 0 is the head, their number the end. */
export function jumpPosition(table: Table, others: readonly Rule[], placement: 'auto' | 'first'): number {
  if (placement === 'first') return 0;
  const end = others.findIndex((rule) => endsEveryPacket(rule, table, new Set()));
  return end < 0 ? others.length : end;
}

/** Statements that look at nothing and change nothing about where a packet goes. */
const harmless = new Set(['counter', 'log']);
const verdicts = ['accept', 'drop', 'reject', 'queue', 'goto'];
/** Targets of iptables' extensions that end the packet; nft prints them as `{"xt": {"type": "target", …}}`. */
const endingTargets = new Set(['REJECT', 'DROP', 'ACCEPT', 'NFQUEUE', 'TARPIT']);

/** True where no packet comes past the rule. Anything that is not understood counts as a condition. */
function endsEveryPacket(rule: Rule, table: Table, visiting: Set<string>): boolean {
  for (const part of rule.expr) {
    if (verdicts.some((verdict) => verdict in part)) return true;
    const target = xtName(part, 'target');
    if (target !== undefined) {
      if (endingTargets.has(target)) return true;
      continue;
    }
    const chain = jumpName(part);
    if (chain !== undefined) return chainEndsEveryPacket(chain, table, visiting);
    const isHarmless = Object.keys(part).every((key) => harmless.has(key));
    if (!isHarmless && xtName(part, 'match') !== 'comment') return false;
  }
  return false;
}

function chainEndsEveryPacket(name: string, table: Table, visiting: Set<string>): boolean {
  const chain: Chain | undefined = table.chains.get(name);
  // The kernel refuses loops; this only keeps a half-read table from hanging us.
  if (chain === undefined || visiting.has(name)) return false;
  visiting.add(name);
  for (const rule of chain.rules()) {
    // After a return, even a conditional one, some packets live on.
    if (rule.expr.some((part) => 'return' in part || xtName(part, 'target') === 'RETURN')) return false;
    if (endsEveryPacket(rule, table, visiting)) return true;
  }
  return false;
}

function jumpTarget(rule: Rule): string | undefined {
  return rule.expr.map(jumpName).find((name) => name !== undefined);
}

function jumpName(part: NftObject): string | undefined {
  const target = (part['jump'] as { target?: unknown } | undefined)?.target;
  return typeof target === 'string' ? target : undefined;
}

function xtName(part: NftObject, type: 'match' | 'target'): string | undefined {
  const xt = part['xt'] as { type?: unknown; name?: unknown } | null | undefined;
  return xt?.type === type && typeof xt.name === 'string' ? xt.name : undefined;
}
