/** What `status` and `doctor` see of the ways between zones and the outside, read once. */
import type { ForwardedPacket, Gateway, HostAddress, Outlook } from '../host/outlook.ts';
import type { DefaultRoute, Link } from '../host/port.ts';
import type { KernelDecision, PolicyRule } from '../host/routing-tables.ts';
import { outside } from '../host/ways-out.ts';
import { type Address, type Family, families, familyOf } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';
import { describeRule, route } from '../rules/routing.ts';

export interface OutlookFacts {
  readonly links: readonly Link[];
  readonly ways: readonly Pick<DefaultRoute, 'family' | 'device'>[];
  readonly addresses: readonly HostAddress[];
  readonly gateways: readonly Gateway[];
  readonly misled: readonly Misled[];
}

/** A zone that is served: its link is up and its routes are there. */
export interface ServedZone {
  readonly ifindex: number;
  readonly addresses: readonly Address[];
}

export type Direction = 'to the outside' | 'to other zones' | 'from the outside';

/** Packets of zones that a policy rule keeps from where they should go. */
export interface Misled {
  readonly family: Family;
  readonly rule: PolicyRule;
  readonly direction: Direction;
  /** By which link they leave instead; undefined where they are dropped. */
  readonly device: string | undefined;
}

type Flow = Pick<ForwardedPacket, 'transport' | 'sourcePort' | 'destinationPort'>;

/** More zones in the same subnet, and more ports, tell little that is new. */
const maxAsked = 64;
const usual: readonly Flow[] = [
  { transport: 'tcp', sourcePort: 49_152, destinationPort: 443 },
  { transport: 'udp', sourcePort: 49_152, destinationPort: 53 },
  { transport: 'icmp' },
];

/** `links`: all of this host's. */
export async function observeOutlook(
  outlook: Outlook,
  links: readonly Link[],
  zones: readonly ServedZone[],
): Promise<OutlookFacts> {
  const { devices, gateways } = outlook.waysOut();
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const ways = devices.flatMap(({ family, ifindex }) => {
    const device = names.get(ifindex);
    return device === undefined ? [] : [{ family, device }];
  });
  const facts = { links, ways, addresses: outlook.addresses(), gateways };
  return { ...facts, misled: families.flatMap((family) => misledIn(outlook, family, zones, facts)) };
}

/** The kernel is asked only where somebody has rules ahead of the main table. */
function misledIn(
  outlook: Outlook,
  family: Family,
  zones: readonly ServedZone[],
  { links, ways }: Pick<OutlookFacts, 'links' | 'ways'>,
): Misled[] {
  const { rules: all, routes } = outlook.early(family, links);
  // What is asked here has no traffic class.
  const rules = all.filter(({ typeOfService = 0 }) => typeOfService === 0);
  if (rules.length === 0) return [];
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const uplinks = links.filter(({ name }) => ways.some((way) => way.family === family && way.device === name));
  const flows = flowsOf(rules);
  const asked = zones.slice(0, Math.max(2, maxAsked / flows.length));
  const found = questionsOf(family, asked, uplinks).flatMap(({ direction, packet, wanted }) =>
    flows.flatMap((flow): Misled[] => {
      const ifindex = leavesBy(outlook.decide({ ...packet, ...flow }));
      const device = ifindex === undefined ? undefined : names.get(ifindex);
      const isRight = wanted === undefined ? device !== undefined && !isZoneLink(device) : ifindex === wanted;
      if (isRight) return [];
      const answer = route({ rules, routes }, { ...packet, ...flow, family, input: names.get(packet.input), mark: 0 });
      return 'rule' in answer && answer.kind !== 'unclear' ? [{ family, rule: answer.rule, direction, device }] : [];
    }),
  );
  return [...new Map(found.map((each) => [`${describeRule(each.rule)} ${each.direction}`, each])).values()];
}

/** Undefined where it is dropped, or meant for this host. */
function leavesBy(decision: KernelDecision): number | undefined {
  return decision.ok && decision.type === 'unicast' ? decision.device : undefined;
}

/** A usual one, and what the rules ask for. */
function flowsOf(rules: readonly PolicyRule[]): Flow[] {
  const choosy = rules.filter((rule) => rule.transport ?? rule.sourcePorts ?? rule.destinationPorts);
  const flows = choosy.flatMap(({ transport = 'tcp', sourcePorts, destinationPorts }) => {
    const flow = usual.find((each) => each.transport === (transport === 'ipv6-icmp' ? 'icmp' : transport));
    if (flow === undefined) return [];
    const [sourcePort = flow.sourcePort] = sourcePorts ?? [];
    const [destinationPort = flow.destinationPort] = destinationPorts ?? [];
    return [{ ...flow, sourcePort, destinationPort }];
  });
  const all = choosy.length === 0 ? usual.slice(0, 1) : [...usual, ...flows];
  return [...new Map(all.map((flow) => [JSON.stringify(flow), flow])).values()];
}

interface WayQuestion {
  readonly direction: Direction;
  readonly packet: ForwardedPacket;
  /** By which link it should leave; undefined for any that is no zone's. */
  readonly wanted: number | undefined;
}

function questionsOf(family: Family, zones: readonly ServedZone[], uplinks: readonly Link[]): WayQuestion[] {
  const members = zones.flatMap(({ ifindex, addresses }) =>
    addresses.filter((address) => familyOf(address) === family).map((address) => ({ ifindex, address })),
  );
  const far = outside[family];
  return members.flatMap(({ ifindex, address }, place): WayQuestion[] => {
    const own = { source: address, input: ifindex };
    const sibling = members[place === 0 ? 1 : 0];
    const out: WayQuestion = { direction: 'to the outside', packet: { ...own, destination: far }, wanted: undefined };
    const across = sibling && { ...own, destination: sibling.address };
    const back = uplinks.map((uplink): WayQuestion => {
      const packet = { source: far, destination: address, input: uplink.ifindex };
      return { direction: 'from the outside', packet, wanted: ifindex };
    });
    return [
      ...(uplinks.length === 0 ? [] : [out]),
      ...(across === undefined
        ? []
        : [{ direction: 'to other zones' as const, packet: across, wanted: sibling?.ifindex }]),
      ...back,
    ];
  });
}
