/** `fib …` of nft and `addrtype`, `rpfilter` of iptables: questions to the routing tables out of a rule. Pure. */
import type { InspectedLink } from '../host/inspection.ts';
import type { Family } from '../model/address.ts';
import type { View } from './expression.ts';
import { devicesOf, type RoutingTables, route } from './routing.ts';
import { routeTypes } from './symbols.ts';
import { known, unknown, type Value } from './value.ts';

/** What rules may ask the host. */
export interface FibHost {
  readonly links: ReadonlyMap<string, InspectedLink>;
  readonly routing: Readonly<Record<Family, RoutingTables>>;
}

/** `{result: oif|oifname|type|check, flags: [saddr|daddr, mark, iif, oif]}`. */
export function fibResult({ result, flags }: Readonly<Record<string, unknown>>, view: View): Value {
  const { packet, host } = view;
  const list = Array.isArray(flags) ? flags.map(String) : [String(flags)];
  const bySource = list.includes('saddr');
  const link = list.includes('iif') ? packet.input : list.includes('oif') ? packet.output : undefined;
  if (result === 'type') return typeOf(view, bySource, link);
  const answer = route(host.routing[packet.family], {
    family: packet.family,
    destination: bySource ? packet.source : packet.destination,
    source: bySource ? packet.destination : packet.source,
    // The kernel asks as for a packet of its own (nft_fib4_eval).
    input: undefined,
    mark: list.includes('mark') ? (packet.mark ?? 0) : 0,
    // IPv4 looks first and compares then; IPv6 looks among the link's routes only.
    ...(link === undefined || packet.family === 'ipv4' ? {} : { by: link }),
  });
  if (answer.kind === 'unclear') return unknown('which policy rule decides');
  const devices = answer.kind === 'route' && answer.route.type === 'unicast' ? devicesOf(answer.route) : [];
  const device = devices.find((name) => link === undefined || name === link);
  return result === 'check' ? known('boolean', device === undefined ? 0 : 1) : named(device);
}

/** Compared with a name, or with true and false (`exists`, `missing`). */
function named(device: string | undefined): Value {
  return known('name', device ?? '');
}

/** Only the local table counts, without policy rules (inet_addr_type); everything else is unicast. */
function typeOf({ packet, host }: View, bySource: boolean, link: string | undefined): Value {
  const { routes } = host.routing[packet.family];
  const address = bySource ? packet.source : packet.destination;
  const rules = [{ priority: 0, table: 'local' }];
  const answer = route(
    { routes, rules },
    {
      family: packet.family,
      destination: address,
      source: address,
      input: undefined,
      mark: 0,
      ...(link === undefined ? {} : { by: link }),
    },
  );
  const type = answer.kind === 'route' ? answer.route.type : 'unicast';
  return known('fib-type', routeTypes[type] ?? 0);
}
