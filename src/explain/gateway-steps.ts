/**
 * Whether the zone gets an answer when it asks who has its gateway, or a sibling that it thinks on its own link. The kernel
 * answers for addresses that it routes elsewhere (arp_process in net/ipv4/arp.c, ndisc_recv_ns in net/ipv6/ndisc.c). Pure.
 */
import { type Address, toBigInt } from '../model/address.ts';
import { neighbourSolicitation, type Packet } from '../rules/packet.ts';
import type { Facts } from './facts.ts';
import { dropStep } from './hook-steps.ts';
import { runHook } from './hooks.ts';
import { explainRefusal } from './route-steps.ts';
import { type Step, step } from './step.ts';
import { Traveller } from './traveller.ts';

/** A guest that has learned the answer before goes on for a while without one. */
export function gatewaySteps(facts: Facts, packet: Packet): Step[] {
  const target = askedFor(facts, packet);
  const link = packet.input;
  if (target === undefined || link === undefined) return [];
  if (packet.family === 'ipv4') return [arpStep(facts, packet, link, target)];
  return [solicitationStep(facts, packet, target) ?? ndpStep(facts, link, target)];
}

/** A zone's question for a neighbour is a packet to this host; undefined where no chain ends it. IPv4's is none that these hooks see. */
function solicitationStep(facts: Facts, packet: Packet, target: Address): Step | undefined {
  const asking: Packet = {
    ...packet,
    destination: solicitedNode(target),
    transport: 'icmp',
    icmpType: neighbourSolicitation,
    sourcePort: undefined,
    destinationPort: undefined,
    output: undefined,
  };
  const traveller = new Traveller(asking, facts, new Map());
  // Connection tracking leaves it alone (nf_conntrack_icmpv6_error of Linux).
  traveller.untracked = true;
  for (const hook of ['prerouting', 'input'] as const) {
    const dropped = runHook(traveller, facts.ruleset, hook, undefined);
    if (dropped === undefined) continue;
    const { text, rule, fix } = dropStep(hook, dropped, [], traveller);
    const isCertain = traveller.doubts.length === 0;
    const what = `the zone's question for ${target} on ${packet.input} ${isCertain ? 'gets' : 'may get'} no answer: ${text}`;
    return step('gateway', isCertain ? 'bad' : 'unknown', what, { ...(rule && { rule }), ...(fix && { fix }) });
  }
  return undefined;
}

/** Where a solicitation for the address goes (RFC 4291, 2.7.1). */
function solicitedNode(address: Address): Address {
  const low = Number(toBigInt(address) & 0xff_ffffn);
  const [high, rest] = [(low >> 16).toString(16), (low & 0xffff).toString(16)];
  return `ff02::1:ff${high.padStart(2, '0')}:${rest}` as Address;
}

/** Guests have the whole subnet on-link (Edera's do; others may ask for the gateway only). */
function askedFor(facts: Facts, { family, destination }: Packet): Address | undefined {
  const subnet = facts.snapshot.subnets[family];
  if (subnet === null) return undefined;
  return facts.isOfZones(destination) ? destination : subnet.gateway;
}

function arpStep(facts: Facts, { source }: Packet, link: string, target: Address): Step {
  const decision = facts.decide({ destination: target, source, input: link, mark: 0 });
  const unanswered = (why: string, more: Pick<Step, 'fix' | 'details'> = {}) =>
    step('gateway', 'bad', `the host does not answer ARP for ${target} on ${link}: ${why}`, more);
  if (!decision.ok) {
    const { text, fix } = explainRefusal(
      facts,
      { family: 'ipv4', source, destination: target, input: link },
      decision.refused,
    );
    return unanswered(text, fix === undefined ? {} : { fix });
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
