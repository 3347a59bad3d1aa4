/**
 * The host's own links that are called like zones' (a bridge `vifbr0`): they are left alone. Pure.
 *
 * A rule knows one by its name and its kind, so that a guest's link that bears that name a moment later is guarded all the
 * same: xen-netback's links have no kind. In tables that iptables reads, which knows no kinds, the name must do; there the
 * guard has judged who sends.
 */
import { type Expression, interfaceIs, interfaceIsNot, interfaceKindIs, returns } from './expressions.ts';
import { anyZoneLink, type LayoutSettings } from './layout-model.ts';

type Side = 'iif' | 'oif';

/** One rule for each. */
export function ofHostLinks({ hostLinks }: LayoutSettings, side: Side, ...verdict: Expression[]): Expression[][] {
  return hostLinks.map(({ name, kind }) => [interfaceIs(`${side}name`, name), interfaceKindIs(side, kind), ...verdict]);
}

/** For what touches no zone. */
export function returnOthers({ hostLinks }: LayoutSettings): Expression[][] {
  const names = hostLinks.map(({ name }) => name);
  return [
    [interfaceIsNot('iifname', anyZoneLink), interfaceIsNot('oifname', anyZoneLink), returns],
    ...names.flatMap((name) => [
      [interfaceIs('iifname', name), interfaceIsNot('oifname', anyZoneLink), returns],
      [interfaceIsNot('iifname', anyZoneLink), interfaceIs('oifname', name), returns],
      ...names.map((other) => [interfaceIs('iifname', name), interfaceIs('oifname', other), returns]),
    ]),
  ];
}

/** For what goes between a zone and one of them, in tables that iptables reads. */
export function betweenHostLinks({ hostLinks }: LayoutSettings, ...verdict: Expression[]): Expression[][] {
  return hostLinks.flatMap(({ name }) =>
    (['iifname', 'oifname'] as const).map((key) => [interfaceIs(key, name), ...verdict]),
  );
}
