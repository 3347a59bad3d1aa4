/**
 * Which packets `drops -f` has traced while it runs, beside those that our own rules tell of anyway: few of those that may be
 * dropped. What becomes of them the trace tells. Pure.
 */
import type { suspectChains } from '../host/trace-table.ts';
import { families } from '../model/address.ts';
import { anyZoneLink } from '../nft/layout-model.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';

/** Of each reason, of all zones together. */
const few = 'limit rate 20/second burst 20 packets meta nftrace set 1';
const fromZone = `iifname "${anyZoneLink}"`;
/** Behind the guard, whose own samples the daemon has to hear of first, and ahead of it. */
const [behindGuard, aheadOfGuard] = [-398, -452];
/** Behind conntrack (-200); and ahead of our look at what leaves, which stands at the same place. */
const [behindTracking, leaving] = [-199, 101];

/** In nft's language. */
export function suspectTable({ subnets, settings }: Pick<DaemonConfig, 'subnets' | 'settings'>): string {
  const known = families.flatMap((family) => subnets[family] ?? []);
  const strays = known.map(({ prefix, gateway }) => {
    const destination = `${ip(prefix.text)} daddr`;
    return `${fromZone} ${destination} ${prefix.text} ${destination} != ${gateway} fib daddr oifname != "${anyZoneLink}" ${few}`;
  });
  const errors = [
    `${fromZone} icmp type { destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem } ${few}`,
    `${fromZone} icmpv6 type < 128 ${few}`,
    `${fromZone} icmpv6 type nd-redirect ${few}`,
  ];
  const solicitations = `${fromZone} ip6 saddr fe80::/10 icmpv6 type nd-neighbor-solicit ${few}`;
  const untranslated = known.map(({ prefix: { text } }) => {
    return `${fromZone} ${ip(text)} saddr ${text} ${ip(text)} daddr != ${text} oifname != "${anyZoneLink}" ${few}`;
  });
  const { zoneToZone, metadata, host } = settings.isolation;
  const isIsolated = [zoneToZone, metadata, host].includes('deny');
  return [
    chain('suspects', 'prerouting', behindGuard, [...strays, ...errors]),
    chain('suspects-discovery', 'prerouting', aheadOfGuard, [solicitations]),
    ...(isIsolated ? [chain('suspects-new', 'prerouting', behindTracking, [`${fromZone} ct state new ${few}`])] : []),
    chain('suspects-leaving', 'postrouting', leaving, untranslated),
  ].join('\n');
}

function chain(name: (typeof suspectChains)[number], hook: string, priority: number, rules: readonly string[]): string {
  return [
    ` chain ${name} {`,
    `  type filter hook ${hook} priority ${priority};`,
    ...rules.map((rule) => `  ${rule}`),
    ' }',
  ].join('\n');
}

function ip(prefix: string): 'ip' | 'ip6' {
  return prefix.includes(':') ? 'ip6' : 'ip';
}
