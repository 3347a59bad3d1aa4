/** Programs and filters at a link, ahead of and behind all of netfilter, whose work cannot be computed here. Those of tcx are not seen. Pure. */
import type { TrafficFilter } from '../host/traffic-filters.ts';
import type { Family } from '../model/address.ts';
import type { Facts } from './facts.ts';
import { type Step, step } from './step.ts';

const protocols: Readonly<Record<Family, readonly string[]>> = { ipv4: ['all', 'ip', 'arp'], ipv6: ['all', 'ipv6'] };

/** XDP looks at what comes in only. */
export function interceptSteps(
  facts: Facts,
  link: string,
  direction: TrafficFilter['direction'],
  family: Family,
): Step[] {
  const program = direction === 'ingress' ? facts.links.get(link)?.xdp : undefined;
  const xdp =
    program === undefined
      ? []
      : [
          step('xdp', 'unknown', `an XDP program on ${link} ${mayStop}`, {
            details: [`bpftool prog show id ${program}`],
          }),
        ];
  const filters = (facts.filters(link) ?? []).filter(
    (filter) => filter.direction === direction && protocols[family].includes(filter.protocol),
  );
  if (filters.length === 0) return xdp;
  const names = [...new Set(filters.map(({ name }) => name))].join(', ');
  return [
    ...xdp,
    step('tc', 'unknown', `tc at the ${direction} of ${link}, ${names}, ${mayStop}`, {
      details: [`tc filter show dev ${link} ${direction}`],
    }),
  ];
}

const mayStop = 'may stop or divert the packet: what it does cannot be computed here';
