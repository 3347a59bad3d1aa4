/** The kernel's routing decision with its check of the source, and what stands behind it: policy rule, table, route, rp_filter. Pure. */
import type { PolicyRule } from '../host/inspection.ts';
import type { Address, Family } from '../model/address.ts';
import { isZoneLink, parseLinkName } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import { describeRoute, describeRule, devicesOf, type RouteAnswer, route } from '../rules/routing.ts';
import type { Facts } from './facts.ts';
import { bearerOf } from './host-address.ts';
import { type Step, step } from './step.ts';

export interface RouteOutcome {
  readonly steps: readonly Step[];
  readonly local: boolean;
  readonly device: string | undefined;
  readonly gateway: string | undefined;
}

interface Asked {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  readonly input: string | undefined;
  readonly mark?: number | undefined;
  readonly transport?: string;
  readonly destinationPort?: number | undefined;
}

export function decideRoute(facts: Facts, packet: Packet): RouteOutcome {
  const { source, destination, input, mark = 0 } = packet;
  const decision = facts.decide({ destination, source, input, mark });
  if (!decision.ok) {
    const { text, fix, what } = explainRefusal(facts, packet, decision.refused);
    const more = fix === undefined ? {} : { fix };
    return { steps: [step(what, 'bad', text, more)], local: false, device: undefined, gateway: undefined };
  }
  const answer = named(facts, packet);
  const behind =
    answer.kind === 'route' ? [`${describeRoute(answer.route)} (ip rule ${describeRule(answer.rule)})`] : [];
  const bad = answerOf(answer, destination, decision.type);
  const { device, gateway } = decision;
  if (bad !== undefined) return { steps: [bad], local: false, device, gateway };
  const local = decision.type === 'local';
  const text = local
    ? `${destination} is an address of this host: it is not forwarded`
    : `routed via ${device ?? '?'}${gateway === undefined ? '' : `, gateway ${gateway}`}`;
  const checked = sourceText(facts, packet);
  return { steps: [step('route', 'good', text, { details: [...behind, ...checked] })], local, device, gateway };
}

/** Types that the kernel returns without an error although nothing gets there; IPv6 answers so for some. */
function answerOf(answer: RouteAnswer, destination: Address, type: string): Step | undefined {
  if (!['blackhole', 'unreachable', 'prohibit', 'broadcast', 'multicast'].includes(type)) return undefined;
  const route = answer.kind === 'route' ? ` (${describeRoute(answer.route)})` : '';
  return step('route', 'bad', `the route to ${destination} is of type ${type}${route}`);
}

function sourceText(facts: Facts, { family, input, source }: Packet): string[] {
  if (family !== 'ipv4' || input === undefined) return [];
  const filter = facts.largest('ipv4', input, 'rp_filter');
  return filter === 0 ? [] : [`source ${source} passes rp_filter=${filter} on ${input}`];
}

/** A link that goes down takes its routes along. */
function downLinks({ snapshot }: Facts): string {
  const down = snapshot.links.filter(({ ifname, isUp }) => !isUp && parseLinkName(ifname) === undefined);
  const names = down.slice(0, 4).map(({ ifname }) => ifname);
  return names.length === 0 ? '' : ` (down, so without routes: ${names.join(', ')}${down.length > 4 ? ' …' : ''})`;
}

export interface Refusal {
  readonly what: string;
  readonly text: string;
  readonly fix?: readonly string[];
}

/** Why the kernel refused, in words; `refused` is its own. */
export function explainRefusal(facts: Facts, asked: Asked, refused: string): Refusal {
  const answer = named(facts, asked);
  const { destination, family, input } = asked;
  if (answer.kind === 'refused') {
    return {
      what: 'policy-rule',
      text: `a policy rule refuses it: ip rule ${describeRule(answer.rule)}`,
      fix: facts.isOfZones(destination) ? mainAheadOf(facts, family, answer.rule) : [],
    };
  }
  if (answer.kind === 'route' && ['blackhole', 'unreachable', 'prohibit'].includes(answer.route.type)) {
    const text = describeRoute(answer.route);
    return {
      what: 'route',
      text: `the route to ${destination} is ${text}: a decision of whoever made it`,
    };
  }
  if (/cross-device/i.test(refused) && input !== undefined) return reversePath(facts, asked, input);
  if (family === 'ipv4' && input !== undefined && facts.sysctl('ipv4', 'conf', input, 'forwarding') === '0') {
    const name =
      facts.sysctl('ipv4', 'top', 'all', 'ip_forward') === '0'
        ? 'net.ipv4.ip_forward'
        : `net/ipv4/conf/${input}/forwarding`;
    return { what: 'forwarding', text: `the host does not forward IPv4: ${name} is 0`, fix: [`sysctl -w ${name}=1`] };
  }
  if (answer.kind === 'none') {
    return {
      what: 'no-route',
      text: `there is no route to ${destination}${downLinks(facts)}`,
      fix: [`ip ${flag(family)}route add default via GATEWAY dev UPLINK`],
    };
  }
  // For what the host takes itself, the kernel gives a failed check of the source the same number as a martian.
  if (family === 'ipv4' && input !== undefined && failsReversePath(facts, asked, input))
    return reversePath(facts, asked, input);
  return martian(facts, asked, refused);
}

function failsReversePath(facts: Facts, { family, source, destination }: Asked, input: string): boolean {
  const filter = facts.largest('ipv4', input, 'rp_filter');
  if (filter === 0) return false;
  const back = wayBack(facts, { family, source, destination, input });
  if (back.kind !== 'route' || back.route.type !== 'unicast') return true;
  return filter === 1 && !devicesOf(back.route).includes(input);
}

/** rp_filter: the host would answer the source by another link, or not at all. */
function reversePath(facts: Facts, { family, source, destination }: Asked, input: string): Refusal {
  const back = wayBack(facts, { family, source, destination, input });
  const filter = facts.largest('ipv4', input, 'rp_filter');
  const by =
    back.kind === 'route'
      ? `is via ${devicesOf(back.route).join(', ') || 'no link'} (${describeRoute(back.route)})`
      : 'does not exist';
  return {
    what: 'rp-filter',
    text: `its source ${source} fails rp_filter=${filter} on ${input}: the host’s route back ${by}`,
    fix: fixForReversePath(facts, source, input, back),
  };
}

function fixForReversePath(facts: Facts, source: Address, input: string, back: RouteAnswer): readonly string[] {
  if (!isZoneLink(input)) return [`sysctl -w net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/${input}/rp_filter=2`];
  const own = facts.routing.ipv4.routes.some(
    ({ table, dst, dev }) => table === 'main' && dev === input && (dst === source || dst === `${source}/32`),
  );
  if (own && 'rule' in back && back.rule.table !== 'main') return mainAheadOf(facts, 'ipv4', back.rule);
  return [`ip route add ${source}/32 dev ${input}`];
}

/** Lets our routes be asked before the table of somebody's rule, for zones' addresses only. */
function mainAheadOf({ snapshot }: Facts, family: Family, rule: PolicyRule): string[] {
  const prefix = snapshot.subnets[family]?.prefix;
  if (prefix === undefined || rule.priority < 2) return [];
  return [`ip ${flag(family)}rule add pref ${rule.priority - 1} to ${prefix} lookup main`];
}

/** The kernel looks as if the answer had come by the link where the packet would leave, or from the host itself. */
function wayBack(facts: Facts, asked: Asked): RouteAnswer {
  const there = named(facts, asked);
  const leaving = there.kind === 'route' && there.route.type === 'unicast' ? devicesOf(there.route)[0] : undefined;
  return named(facts, { family: asked.family, source: asked.destination, destination: asked.source, input: leaving });
}

function martian(facts: Facts, { source }: Asked, refused: string): Refusal {
  const bearer = bearerOf(facts.links.values(), source);
  const why = bearer === undefined ? '' : `: ${source} is this host’s own address (${bearer})`;
  return { what: 'route', text: `the kernel refuses it (${refused})${why}` };
}

function named(
  facts: Facts,
  { family, source, destination, input, mark, transport, destinationPort }: Asked,
): RouteAnswer {
  return route(facts.routing[family], {
    family,
    source,
    destination,
    input,
    mark: mark ?? 0,
    ...(transport === undefined ? {} : { transport }),
    destinationPort,
  });
}

function flag(family: Family): string {
  return family === 'ipv4' ? '' : '-6 ';
}
