/** Tells the repairs in a plan from the work that new zones and new settings make. Pure. */
import type { NftCommand } from '../host/port.ts';
import { sysctlName } from '../host/sysctl.ts';
import { forwardChain, forwardHookChain } from '../nft/names.ts';
import type { Dirty } from './dirty.ts';
import type { Plan } from './plan.ts';

export interface Repairs {
  /** What is put back, in a few words each. */
  readonly put: readonly string[];
  /** Our jump goes behind somebody's new rules: nobody did anything wrong. */
  readonly movesJump: boolean;
}

/** `open`: links that were served completely before the pass. */
export function repairsIn(
  plan: Plan,
  dirty: Dirty,
  open: ReadonlySet<number>,
  nameOf: (ifindex: number) => string,
): Repairs {
  if (dirty.isAsked) return { put: [], movesJump: false };
  // Somebody else changed a table we have something in, or nobody has looked for a while.
  const isRulesetSuspect = dirty.ruleset || (dirty.all && dirty.links.size === 0);
  const movesJump = isRulesetSuspect && plan.nft.length > 0 && plan.nft.every(isAboutJump);
  const put = [
    ...plan.install.flatMap((change) => {
      if (change.kind === 'link-up') return open.has(change.ifindex) ? [`${nameOf(change.ifindex)} was down`] : [];
      if (change.kind !== 'route-add' || !open.has(change.ifindex)) return [];
      return [`the route ${change.address} by ${nameOf(change.ifindex)}`];
    }),
    ...plan.sysctls.flatMap(({ ifindex, path, was }) =>
      open.has(ifindex) ? [`${sysctlName(path)} (was ${was ?? 'unreadable'})`] : [],
    ),
    ...(open.size === 0 ? [] : plan.forwarding.map(({ path, was }) => `${sysctlName(path)} (was ${was})`)),
    ...(isRulesetSuspect && plan.nft.length > 0 && !movesJump ? [`${plan.nft.length} objects in nftables`] : []),
  ];
  return { put, movesJump };
}

/** A rule of `FORWARD` that goes, or one that comes and jumps to our chain. */
function isAboutJump(command: NftCommand): boolean {
  const rule = (command['delete'] ?? command['add'] ?? command['insert'])?.['rule'] as
    | { chain?: unknown; expr?: unknown }
    | undefined;
  if (rule?.chain !== forwardHookChain) return false;
  return rule.expr === undefined || JSON.stringify(rule.expr).includes(forwardChain);
}
