/** `fib …` of nft and `addrtype`, `rpfilter` of iptables: questions to the routing tables out of a rule. Pure. */
import { isPacket, type Packet } from './packet.ts';
import { devicesOf, route } from './routing.ts';
import { textOf } from './ruleset.ts';
import { routeTypes } from './symbols.ts';
import { known, unknown, type Value } from './value.ts';
import type { FibHost, View } from './view.ts';

interface Asked {
  readonly packet: Packet;
  readonly host: FibHost;
}

/** `{result: oif|oifname|type|check, flags: [saddr|daddr, mark, iif, oif]}`. */
export function fibResult({ result, flags }: Readonly<Record<string, unknown>>, view: View): Value {
  const { packet, host } = view;
  if (host === undefined || !isPacket(packet)) return unknown('where a route leads');
  const asked = { packet, host };
  const list = Array.isArray(flags) ? flags.map(textOf) : [textOf(flags)];
  const bySource = list.includes('saddr');
  const link = list.includes('iif') ? packet.input : list.includes('oif') ? packet.output : undefined;
  if (result === 'type') return typeOf(asked, bySource, link);
  const device = deviceOf(asked, bySource, link, list.includes('mark'));
  if (device === undefined) return unknown('which policy rule decides');
  // An empty name is no link: `missing`.
  return result === 'check' ? known('boolean', device === '' ? 0 : 1) : known('name', device);
}

/** The link of the route; empty where there is none, or not by `link`; undefined where it cannot be known. */
function deviceOf(
  { packet, host }: Asked,
  bySource: boolean,
  link: string | undefined,
  byMark: boolean,
): string | undefined {
  const { family, source, destination } = packet;
  const answer = route(host.routing[family], {
    family,
    destination: bySource ? source : destination,
    source: bySource ? destination : source,
    // The kernel asks as for a packet of its own (nft_fib4_eval).
    input: undefined,
    mark: byMark ? (packet.mark ?? 0) : 0,
    // IPv4 looks first and compares then; IPv6 looks among the link's routes only.
    ...(link === undefined || family === 'ipv4' ? {} : { by: link }),
  });
  if (answer.kind === 'unclear') return undefined;
  const devices = answer.kind === 'route' && answer.route.type === 'unicast' ? devicesOf(answer.route) : [];
  return devices.find((name) => link === undefined || name === link) ?? '';
}

/** Only the local table counts, without policy rules (inet_addr_type); everything else is unicast. */
function typeOf({ packet, host }: Asked, bySource: boolean, link: string | undefined): Value {
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
