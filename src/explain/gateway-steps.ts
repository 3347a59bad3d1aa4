/**
 * Whether the zone gets an answer when it asks who has its gateway, or a sibling that it thinks on its own link. The kernel
 * answers for addresses that it routes elsewhere (arp_process in net/ipv4/arp.c, ndisc_recv_ns in net/ipv6/ndisc.c). Pure.
 */
import type { Address } from '../model/address.ts';
import type { Packet } from '../rules/packet.ts';
import type { Facts } from './facts.ts';
import { zoneAsks } from './neighbour-questions.ts';
import { isOfFleet } from './return-steps.ts';
import { explainRefusal } from './route-steps.ts';
import { type Step, step } from './step.ts';

/** A guest that has learned the answer before goes on for a while without one. */
export function gatewaySteps(facts: Facts, packet: Packet): Step[] {
  const target = askedFor(facts, packet);
  const link = packet.input;
  if (target === undefined || link === undefined) return [];
  const ended = zoneAsks(facts, packet, link, target);
  if (ended?.state === 'bad') return [ended];
  const answered = packet.family === 'ipv4' ? arpStep(facts, packet, link, target) : ndpStep(facts, link, target);
  return ended === undefined ? [answered] : [answered, ended];
}

/**
 * Guests have the whole subnet on-link (Edera's do; others may ask for the gateway only). For zones of other hosts nobody answers
 * neighbour discovery: in a fleet guests have their own IPv6 address alone on-link (docs/fleet.md).
 */
function askedFor(facts: Facts, { family, source, destination, input }: Packet): Address | undefined {
  const subnet = facts.snapshot.subnets[family];
  if (subnet === null) return undefined;
  if (!facts.isOfZones(destination)) return subnet.gateway;
  if (family === 'ipv4' || facts.snapshot.fleet.uplinks.length === 0) return destination;
  const way = facts.decide({ destination, source, input, mark: 0 });
  return way.ok && isOfFleet(facts, { output: way.device, destination }) ? subnet.gateway : destination;
}

function arpStep(facts: Facts, { source }: Packet, link: string, target: Address): Step {
  const decision = facts.decide({ destination: target, source, input: link, mark: 0 });
  const unanswered = (why: string, more: Pick<Step, 'fix' | 'details'> = {}) =>
    step('gateway', 'bad', `the host does not answer ARP for ${target} on ${link}: ${why}`, more);
  if (!decision.ok) {
    const asked = { family: 'ipv4', source, destination: target, input: link } as const;
    const { text, what: _, ...more } = explainRefusal(facts, asked, decision.refused);
    return unanswered(text, more);
  }
  if (decision.type === 'local') {
    const ignores = facts.largest('ipv4', link, 'arp_ignore');
    if (ignores === 0) return step('gateway', 'good', `the host answers ARP for ${target} as its own address`);
    return unanswered(`arp_ignore is ${ignores}, which requires the address on that very link`, {
      fix: [`sysctl -w net/ipv4/conf/all/arp_ignore=0 net/ipv4/conf/${link}/arp_ignore=0`],
    });
  }
  if (decision.device === link) return unanswered(`the host routes ${target} via ${link} itself`);
  if (facts.sysctl('ipv4', 'conf', link, 'forwarding') === '0') {
    return unanswered('proxy ARP needs forwarding', { fix: ['sysctl -w net.ipv4.ip_forward=1'] });
  }
  if (facts.largest('ipv4', link, 'proxy_arp') === 0) {
    return unanswered('proxy_arp is 0', { fix: [`sysctl -w net/ipv4/conf/${link}/proxy_arp=1`] });
  }
  return step(
    'gateway',
    'good',
    `the host answers ARP for ${target} on ${link} (proxy_arp, routed via ${decision.device ?? '?'})`,
  );
}

function ndpStep(facts: Facts, link: string, target: Address): Step {
  const unanswered = (why: string, fix: readonly string[]) =>
    step('gateway', 'bad', `the host does not answer neighbour discovery for ${target} on ${link}: ${why}`, { fix });
  const own = facts.links.get(link)?.addr_info.some(({ local }) => local === target) === true;
  if (own) return step('gateway', 'good', `${target} is the host’s own address on ${link}`);
  if (facts.sysctl('ipv6', 'conf', link, 'forwarding') === '0') {
    const name = forwardingName(facts, link);
    return unanswered(`the proxy needs forwarding, and ${name} is 0`, [`sysctl -w ${name}=1`]);
  }
  if (facts.largest('ipv6', link, 'proxy_ndp') === 0) {
    return unanswered('proxy_ndp is 0', [`sysctl -w net/ipv6/conf/${link}/proxy_ndp=1`]);
  }
  const entry = facts.snapshot.proxies.some(({ dst, dev }) => dst === target && (dev === undefined || dev === link));
  if (!entry) return unanswered('there is no proxy entry for it', [`ip -6 neigh add proxy ${target} dev ${link}`]);
  return step('gateway', 'good', `the host answers neighbour discovery for ${target} on ${link} (proxy entry)`);
}

function forwardingName(facts: Facts, link: string): string {
  const isGlobal = facts.sysctl('ipv6', 'conf', 'all', 'forwarding') === '0';
  return isGlobal ? 'net.ipv6.conf.all.forwarding' : `net/ipv6/conf/${link}/forwarding`;
}
