/**
 * How many connections zones may begin, and how fast, and how much they may send. Pure.
 *
 * Ahead of everything else that a packet costs; an established one pays one test, and one for each bandwidth that policies have.
 * A packet that repeats the first of a connection, as datagrams do that nobody answers, begins no other one.
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
import type { LinkLimit } from './limits.ts';
import { dropCounts, limitToldSet, overBandwidthChain, overLimitChain } from './names.ts';

const limitsChain = 'limits';
const limitsInputChain = 'limits-input';
/** Jumps before what they jump to. */
export const limitChains: readonly string[] = [limitsInputChain, limitsChain, overLimitChain, overBandwidthChain];
/** Of the rate, in milliseconds, on top of the second's worth that the kernel lets pass at once (nft_limit_init of Linux). */
const burstMs = 20;

const isSend = ({ kind }: LinkLimit) => kind === 'send';

export function limitSetLayouts({ limits }: LayoutSettings): SetLayout[] {
  const told: SetLayout = { name: limitToldSet, type: 'ifname', filled: filledPerLink };
  return [
    ...(limits.every(isSend) ? [] : [told]),
    ...limits.map((limit): SetLayout => ({ name: limit.name, type: 'ifname', over: overOf(limit) })),
  ];
}

function overOf(limit: LinkLimit): NonNullable<SetLayout['over']> {
  switch (limit.kind) {
    case 'connections':
      return { connections: limit.most };
    case 'rate':
      // A burst of as many as the rate has in its time.
      return { ...limit.rate, burst: limit.rate.count };
    case 'send': {
      const bytesPerSecond = Math.floor(limit.bitsPerSecond / 8);
      return { bytesPerSecond, burst: Math.ceil((bytesPerSecond * burstMs) / 1000) };
    }
  }
}

/** For what zones send to others. */
export function limitJump({ limits }: LayoutSettings): Expression[][] {
  const sends = limits.filter(isSend).map(({ name }) => [interfaceInSet('iifname', name), goTo(overBandwidthChain)]);
  return [...sends, ...(limits.every(isSend) ? [] : [[trackingStateIn(['new']), jump(limitsChain)]])];
}

export function limitLayout(settings: LayoutSettings): ChainLayout[] {
  const { limits } = settings;
  if (limits.length === 0) return [];
  const ofConnections = limits.filter((limit) => !isSend(limit));
  return [
    ...(limits.some(isSend) ? [overBandwidth] : []),
    ...(ofConnections.length === 0 ? [] : connectionChains(ofConnections)),
    {
      name: limitsInputChain,
      hook: { type: 'filter', hook: 'input', prio: -2 },
      rules: [[interfaceIsNot('iifname', anyZoneLink), accept], ...limitJump(settings)],
    },
  ];
}

/** Not reported: whoever sends as fast as it can always loses some. */
const overBandwidth: ChainLayout = {
  name: overBandwidthChain,
  hook: undefined,
  rules: [[interfaceInSet('iifname', dropCounts.bandwidth), drop], [drop]],
};

function connectionChains(limits: readonly LinkLimit[]): ChainLayout[] {
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
  ];
}
