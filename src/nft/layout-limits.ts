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
  isConfirmed,
  jump,
  returns,
  trace,
  trackingStateIn,
} from './expressions.ts';
import { ofHostLinks } from './layout-host-links.ts';
import {
  anyZoneLink,
  type ChainLayout,
  filledPerLink,
  type LayoutSettings,
  limitsConnections,
  toldByAll,
} from './layout-model.ts';
import type { LinkLimit } from './limits.ts';
import { dropCounts, limitToldSet, overBandwidthChain, overLimitChain, shareSets } from './names.ts';
import { isBelow, linkIsBeyond, linkIsNew } from './rates.ts';

const limitsChain = 'zone-limits';
const limitsInputChain = 'limits-input';
/** Jumps before what they jump to. */
export const limitChains: readonly string[] = [limitsInputChain, limitsChain, overLimitChain, overBandwidthChain];
/** Of the rate, in milliseconds, on top of the second's worth that the kernel lets pass at once (nft_limit_init of Linux). */
const burstMs = 20;

const isSend = ({ kind }: LinkLimit) => kind === 'send';

/** As long as what nobody answers stays in the table: whoever begins more than its share in that time is beyond it anyway. */
const shareSeconds = 30;
/** More links than a host can have. */
const mostLinks = 65_535;

export function limitSetLayouts(settings: LayoutSettings): SetLayout[] {
  const { limits, share } = settings;
  const filled = (name: string): SetLayout => ({ name, type: 'ifname', filled: filledPerLink });
  return [
    ...(limitsConnections(settings) ? [filled(limitToldSet)] : []),
    ...(share === undefined
      ? []
      : [filled(shareSets.rate), { name: shareSets.exceeded, type: 'ifname', leased: { size: mostLinks } }]),
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

/** For all that zones send to others. */
export function bandwidthRules({ limits }: LayoutSettings): Expression[][] {
  return limits.filter(isSend).map(({ name }) => [interfaceInSet('iifname', name), goTo(overBandwidthChain)]);
}

/** For what they begin. */
export function limitJump(settings: LayoutSettings): Expression[][] {
  return limitsConnections(settings) ? [[trackingStateIn(['new']), jump(limitsChain)]] : [];
}

export function limitLayout(settings: LayoutSettings): ChainLayout[] {
  const jumps = [...bandwidthRules(settings), ...limitJump(settings)];
  if (jumps.length === 0) return [];
  return [
    ...(settings.limits.some(isSend) ? [overBandwidth] : []),
    ...(limitsConnections(settings) ? connectionChains(settings) : []),
    {
      name: limitsInputChain,
      hook: { type: 'filter', hook: 'input', prio: -2 },
      rules: [[interfaceIsNot('iifname', anyZoneLink), accept], ...ofHostLinks(settings, 'iif', accept), ...jumps],
    },
  ];
}

/** Not reported: whoever sends as fast as it can always loses some. */
const overBandwidth: ChainLayout = {
  name: overBandwidthChain,
  hook: undefined,
  rules: [[interfaceInSet('iifname', dropCounts.bandwidth), drop], [drop]],
};

function connectionChains({ limits, share }: LayoutSettings): ChainLayout[] {
  const told = [linkIsNew(limitToldSet), isBelow(toldByAll), trace];
  const ofConnections = limits.filter((limit) => !isSend(limit));
  return [
    // The lookup counts by itself.
    { name: overLimitChain, hook: undefined, rules: [told, [interfaceInSet('iifname', dropCounts.limit)], [drop]] },
    {
      name: limitsChain,
      hook: undefined,
      rules: [
        [isConfirmed, returns],
        ...(share === undefined ? [] : shareRules(share)),
        ...ofConnections.map(({ name }) => [interfaceInSet('iifname', name), goTo(overLimitChain)]),
      ],
    },
  ];
}

/**
 * Counting what a link has begun would cost the kernel a walk over all of it (see `maxConnections`): who has the share is told by
 * the daemon, and no link begins so many at once that it matters how often.
 */
function shareRules(share: number): Expression[][] {
  const rate = { perSecond: Math.ceil(share / shareSeconds), burst: share };
  return [
    [interfaceInSet('iifname', shareSets.exceeded), goTo(overLimitChain)],
    [linkIsBeyond(shareSets.rate, rate), goTo(overLimitChain)],
  ];
}
