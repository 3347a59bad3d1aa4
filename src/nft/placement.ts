/**
 * Where the jump to `EDERA-FORWARD` stands in `FORWARD`. `auto`: as late as it can, so that the operator's rules come
 * first and hold, but still ahead of the first rule that ends every packet. `first`: at the head.
 */
import type { NftObject } from '../host/port.ts';
import { denyChain, forwardChain } from './names.ts';
import type { Chain, Rule, Table } from './ruleset.ts';

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
  return jumpTarget(rule) === target && rule.expr.every((part) => 'counter' in part || 'jump' in part);
}

/** The position among the rules that are not ours: 0 is the head, their number the end. */
export function jumpPosition(table: Table, others: readonly Rule[], placement: 'auto' | 'first'): number {
  if (placement === 'first') return 0;
  const end = others.findIndex((rule) => leavesTheTop(rule) || endsEveryPacket(rule, table, new Set()));
  return end < 0 ? others.length : end;
}

/** Statements that look at nothing and change nothing about where a packet goes. */
const harmless = new Set(['counter', 'log', 'mangle', 'notrack']);
const verdicts = ['accept', 'drop', 'reject', 'queue'];
/** Targets of iptables' extensions that end the packet; nft prints them as `{"xt": {"type": "target", …}}`. */
const endingTargets = new Set(['REJECT', 'DROP', 'ACCEPT', 'NFQUEUE', 'TARPIT']);

/** In a base chain, an unconditional return or goto leaves the rest to nobody: the policy decides in the end. */
function leavesTheTop(rule: Rule): boolean {
  const isUnconditional = rule.expr.every((part) => isLeaving(part) || isHarmless(part));
  return isUnconditional && rule.expr.some(isLeaving);
}

function isLeaving(part: NftObject): boolean {
  return 'return' in part || 'goto' in part || xtName(part, 'target') === 'RETURN';
}

function isHarmless(part: NftObject): boolean {
  return Object.keys(part).every((key) => harmless.has(key)) || xtName(part, 'match') === 'comment';
}

/** True where no packet comes past the rule. Anything that is not understood counts as a condition. */
function endsEveryPacket(rule: Rule, table: Table, visiting: Set<string>): boolean {
  for (const part of rule.expr) {
    if (verdicts.some((verdict) => verdict in part)) return true;
    const target = xtName(part, 'target');
    if (target !== undefined) {
      if (endingTargets.has(target)) return true;
      continue;
    }
    const chain = chainName(part, 'jump') ?? chainName(part, 'goto');
    if (chain !== undefined) return chainEndsEveryPacket(chain, table, visiting);
    if (!isHarmless(part)) return false;
  }
  return false;
}

function chainEndsEveryPacket(name: string, table: Table, visiting: Set<string>): boolean {
  const chain: Chain | undefined = table.chains.get(name);
  // The kernel refuses loops; this only keeps a half-read table from hanging us.
  if (chain === undefined || visiting.has(name)) return false;
  visiting.add(name);
  for (const rule of chain.rules()) {
    if (endsEveryPacket(rule, table, visiting)) return true;
    // After a return or a goto, even a conditional one, some packets go back to the chain that jumped here.
    if (rule.expr.some(isLeaving)) return false;
  }
  return false;
}

function jumpTarget(rule: Rule): string | undefined {
  return rule.expr.map((part) => chainName(part, 'jump')).find((name) => name !== undefined);
}

function chainName(part: NftObject, verb: 'jump' | 'goto'): string | undefined {
  const target = (part[verb] as { target?: unknown } | undefined)?.target;
  return typeof target === 'string' ? target : undefined;
}

function xtName(part: NftObject, type: 'match' | 'target'): string | undefined {
  const xt = part['xt'] as { type?: unknown; name?: unknown } | null | undefined;
  return xt?.type === type && typeof xt.name === 'string' ? xt.name : undefined;
}
