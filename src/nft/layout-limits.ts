/**
 * How many connections zones may begin, and how fast. Pure.
 *
 * Ahead of everything else that a new connection costs; an established packet pays one test. A packet that repeats the first of
 * a connection, as datagrams do that nobody answers, begins no other one.
 */
import type { SetLayout } from '../host/nft-command.ts';
import {
  accept,
  drop,
  type Expression,
  goTo,
  interfaceInSet,
  interfaceIsNot,
  isBelow,
  isConfirmed,
  jump,
  linkIsNew,
  returns,
  trace,
  trackingStateIn,
} from './expressions.ts';
import { anyZoneLink, type ChainLayout, filledPerLink, type LayoutSettings, toldByAll } from './layout-model.ts';
import { dropCounts, limitToldSet, overLimitChain } from './names.ts';

const limitsChain = 'limits';
const limitsInputChain = 'limits-input';
/** Jumps before what they jump to. */
export const limitChains: readonly string[] = [limitsInputChain, limitsChain, overLimitChain];

export function limitSetLayouts({ limits }: LayoutSettings): SetLayout[] {
  if (limits.length === 0) return [];
  const told: SetLayout = { name: limitToldSet, type: 'ifname', filled: filledPerLink };
  return [
    told,
    ...limits.map((limit): SetLayout => {
      const { name } = limit;
      if (limit.kind === 'connections') return { name, type: 'ifname', over: { connections: limit.most } };
      // A burst of as many as the rate has in its time.
      return { name, type: 'ifname', over: { ...limit.rate, burst: limit.rate.count } };
    }),
  ];
}

/** For what zones send to others. */
export function limitJump({ limits }: LayoutSettings): Expression[][] {
  return limits.length === 0 ? [] : [[trackingStateIn(['new']), jump(limitsChain)]];
}

export function limitLayout(settings: LayoutSettings): ChainLayout[] {
  const { limits } = settings;
  if (limits.length === 0) return [];
  const told = [linkIsNew(limitToldSet), isBelow(toldByAll), trace];
  return [
    // The lookup counts by itself.
    { name: overLimitChain, hook: undefined, rules: [told, [interfaceInSet('iifname', dropCounts.limit)], [drop]] },
    {
      name: limitsChain,
      hook: undefined,
      rules: [
        [isConfirmed, returns],
        ...limits.map(({ name }) => [interfaceInSet('iifname', name), goTo(overLimitChain)]),
      ],
    },
    {
      name: limitsInputChain,
      hook: { type: 'filter', hook: 'input', prio: -2 },
      rules: [[interfaceIsNot('iifname', anyZoneLink), accept], ...limitJump(settings)],
    },
  ];
}
