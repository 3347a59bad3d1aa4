/** The kernel's routing decision with its check of the source, and what stands behind it: policy rule, table, route, rp_filter. Pure. */
import { downUplinks } from '../faults/uplinks.ts';
import type { PolicyRule } from '../host/routing-tables.ts';
import type { Address, Family } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import { describeRoute, describeRule, devicesOf, type RouteAnswer, route } from '../rules/routing.ts';
import type { Facts } from './facts.ts';
import { bearerOf } from './host-address.ts';
import { aheadOfRule, fixForZoneRoute, howToDrop, mainAheadOf } from './route-fixes.ts';
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
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
}

export function decideRoute(facts: Facts, packet: Packet): RouteOutcome {
  const { source, destination, input, mark = 0, transport: protocol, sourcePort, destinationPort } = packet;
  const decision = facts.decide({
    ...{ destination, source, input, mark, protocol },
    ...(sourcePort !== undefined && { sourcePort }),
    ...(destinationPort !== undefined && { destinationPort }),
  });
  if (!decision.ok) {
    const { text, what, ...more } = explainRefusal(facts, packet, decision.refused);
    return { steps: [step(what, 'bad', text, more)], local: false, device: undefined, gateway: undefined };
  }
  const answer = named(facts, packet);
  const behind =
    answer.kind === 'route' ? [`${describeRoute(answer.route)} (ip rule ${describeRule(answer.rule)})`] : [];
  const bad = answerOf(facts, packet, answer, decision.type);
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
function answerOf(facts: Facts, packet: Packet, answer: RouteAnswer, type: string): Step | undefined {
  if (!['blackhole', 'unreachable', 'prohibit', 'broadcast', 'multicast'].includes(type)) return undefined;
  const decision = decidedAgainst(facts, packet, answer);
  if (decision === undefined) return step('route', 'bad', `the route to ${packet.destination} is of type ${type}`);
  const { what, text, ...more } = decision;
  return step(what, 'bad', text, more);
}

function sourceText(facts: Facts, { family, input, source }: Packet): string[] {
  if (family !== 'ipv4' || input === undefined) return [];
  const filter = facts.largest('ipv4', input, 'rp_filter');
  return filter === 0 ? [] : [`source ${source} passes rp_filter=${filter} on ${input}`];
}

function linksDown(facts: Facts): string[] {
  const { links, uplinkInterfaces } = facts.snapshot;
  const addresses = links.flatMap(({ ifindex, addr_info }) =>
    addr_info.map(({ local }) => ({ ifindex, address: local })),
  );
  const all = links.map(({ ifname, isUp, ...link }) => ({ ...link, name: ifname, up: isUp }));
  return downUplinks({ links: all, addresses }, uplinkInterfaces, (address) => facts.isOfZones(address));
}

export interface Refusal {
  readonly what: string;
  readonly text: string;
  readonly fix?: readonly string[];
  readonly details?: readonly string[];
}

/** Why the kernel refused, in words; `refused` is its own. */
export function explainRefusal(facts: Facts, asked: Asked, refused: string): Refusal {
  const answer = named(facts, asked);
  const { destination, family, input } = asked;
  const decision = decidedAgainst(facts, asked, answer);
  if (decision !== undefined) return decision;
  if (/cross-device/i.test(refused) && input !== undefined) return reversePath(facts, asked, input);
  if (family === 'ipv4' && input !== undefined && facts.sysctl('ipv4', 'conf', input, 'forwarding') === '0') {
    const name =
      facts.sysctl('ipv4', 'top', 'all', 'ip_forward') === '0'
        ? 'net.ipv4.ip_forward'
        : `net/ipv4/conf/${input}/forwarding`;
    return { what: 'forwarding', text: `the host does not forward IPv4: ${name} is 0`, fix: [`sysctl -w ${name}=1`] };
  }
  if (answer.kind === 'none') {
    const down = linksDown(facts);
    const why = down.length === 0 ? '' : ` (down, so without routes: ${down.join(', ')})`;
    return {
      what: 'no-route',
      text: `there is no route to ${destination}${why}`,
      fix: down.map((name) => `ip link set ${name} up`),
    };
  }
  // For what the host takes itself, the kernel gives a failed check of the source the same number as a martian.
  if (family === 'ipv4' && input !== undefined && failsReversePath(facts, asked, input))
    return reversePath(facts, asked, input);
  return martian(facts, asked, refused);
}

/** Somebody's policy rule or route that says no; undefined where none does. */
function decidedAgainst(facts: Facts, asked: Asked, answer: RouteAnswer): Refusal | undefined {
  const { destination, family } = asked;
  if (answer.kind === 'refused') {
    const { rule } = answer;
    const fix = facts.isOfZones(destination) ? mainAheadOf(facts, family, rule) : aheadOfRule(facts, asked, rule);
    const text = `a policy rule refuses it: ip rule ${describeRule(rule)}, a decision of whoever made it`;
    return { what: 'policy-rule', text, fix, details: [howToDrop(family, rule)] };
  }
  if (answer.kind !== 'route' || !refusing.includes(answer.route.type)) return undefined;
  const { rule } = answer;
  const by = ruleText(rule);
  return {
    what: 'route',
    text: `the route to ${destination} is ${describeRoute(answer.route)}${by}: a decision of whoever made it`,
    ...(by === '' ? {} : { fix: aheadOfRule(facts, asked, rule), details: [howToDrop(family, rule)] }),
  };
}

/** Nothing for the rules that each host has. */
function ruleText(rule: PolicyRule): string {
  return rule.table === 'main' || rule.table === 'local' ? '' : `, by the policy rule ${describeRule(rule)}`;
}

const refusing: readonly string[] = ['blackhole', 'unreachable', 'prohibit'];

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
      ? `is via ${devicesOf(back.route).join(', ') || 'no link'} (${describeRoute(back.route)}${ruleText(back.rule)})`
      : 'does not exist';
  return {
    what: 'rp-filter',
    text: `its source ${source} fails rp_filter=${filter} on ${input}: the host’s route back ${by}`,
    fix: fixForReversePath(facts, source, input, back),
    ...('rule' in back && ruleText(back.rule) !== '' && { details: [howToDrop(family, back.rule)] }),
  };
}

function fixForReversePath(facts: Facts, source: Address, input: string, back: RouteAnswer): readonly string[] {
  if (!isZoneLink(input)) return [`sysctl -w net/ipv4/conf/all/rp_filter=2 net/ipv4/conf/${input}/rp_filter=2`];
  return fixForZoneRoute(facts, source, input, back);
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
  { family, source, destination, input, mark, transport, sourcePort, destinationPort }: Asked,
): RouteAnswer {
  return route(facts.routing[family], {
    family,
    source,
    destination,
    input,
    mark: mark ?? 0,
    transport,
    sourcePort,
    destinationPort,
  });
}
