/**
 * Where the jump to `EDERA-FORWARD` stands in `FORWARD`. `auto`: as late as it can, so that the operator's rules come
 * first and hold, but still ahead of the first rule that ends every packet. `first`: at the head.
 */
import { everyWay, walkRule } from '../rules/chain.ts';
import { unknown } from '../rules/value.ts';
import { denyChain, forwardChain } from './names.ts';
import type { Rule, Table } from './ruleset.ts';

export const ourTargets: readonly string[] = [forwardChain, denyChain];

/** Exactly a jump of ours: unconditional, to a chain of ours. A conditional one is somebody else's. */
export function isOurJump(rule: Rule): boolean {
  return ourTargets.some((target) => isJumpTo(rule, target));
}

/** True where a new rule's statements name a chain of ours as their target. */
export function leadsToOurs(expr: unknown): boolean {
  const text = JSON.stringify(expr ?? null);
  return ourTargets.some((target) => text.includes(`"${target}"`));
}

export function isJumpTo(rule: Rule, target: string): boolean {
  const [jump, ...others] = rule.expr.filter((part) => !('counter' in part));
  return others.length === 0 && (jump?.['jump'] as { target?: unknown } | undefined)?.target === target;
}

/** The position among the rules that are not ours: 0 is the head, their number the end. */
export function jumpPosition(table: Table, others: readonly Rule[], placement: 'auto' | 'first'): number {
  if (placement === 'first') return 0;
  const place = everyWay<Rule>(
    () => unknown('which packet it is'),
    (name) => table.chains.get(name)?.rules(),
  );
  const end = others.findIndex((rule) => !walkRule(rule, place).possible.has('continue'));
  return end < 0 ? others.length : end;
}
