/**
 * Questions for neighbours and their answers are packets as well, which chains of the families arp, netdev, ip6 and inet can end.
 * Connection tracking leaves them alone (nf_conntrack_icmpv6_error of Linux). Pure.
 */
import { type Address, toBigInt } from '../model/address.ts';
import { neighbourAdvert, neighbourSolicitation, type Packet } from '../rules/packet.ts';
import { type Hook, refText } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { dropStep } from './hook-steps.ts';
import { runHook } from './hooks.ts';
import { askingAddress, masqueradeAddress } from './host-address.ts';
import { type Step, step } from './step.ts';
import { type Assumptions, Traveller } from './traveller.ts';

/** The zone asks for `target`, and this host answers; undefined where no chain ends either. */
export function zoneAsks(facts: Facts, packet: Packet, link: string, target: Address): Step | undefined {
  const bare = bareOf(packet);
  const who = `the zone's question for ${target} on ${link}`;
  if (packet.family === 'ipv4') {
    const question: Packet = { ...bare, arp: 'request', destination: target };
    const answer: Packet = { ...bare, arp: 'reply', source: target, destination: packet.source, ...leaving(link) };
    return (
      endOf(facts, question, [['ingress', link], ['input']], `${who} gets no answer`) ??
      endOf(facts, answer, [['output'], ['egress', link]], `the answer to ${who} is not sent`)
    );
  }
  const question = { ...bare, destination: solicitedNode(target), icmpType: neighbourSolicitation };
  const source = masqueradeAddress(facts.links, link, packet.source, undefined) ?? target;
  const answer = { ...bare, source, destination: packet.source, icmpType: neighbourAdvert, ...leaving(link) };
  return (
    endOf(facts, question, [['ingress', link], ['prerouting'], ['input']], `${who} gets no answer`) ??
    endOf(facts, answer, [['output'], ['postrouting'], ['egress', link]], `the answer to ${who} is not sent`)
  );
}

/** This host asks for a neighbour that it does not know yet; undefined where no chain ends either. */
export function hostAsks(facts: Facts, packet: Packet, link: string, target: Address): Step | undefined {
  const bare = bareOf(packet);
  const who = `this host's question for ${target} on ${link}`;
  if (packet.family === 'ipv4') {
    const source = masqueradeAddress(facts.links, link, target, undefined);
    if (source === undefined) return undefined;
    const question: Packet = { ...bare, arp: 'request', source, destination: target, ...leaving(link) };
    const answer: Packet = { ...bare, arp: 'reply', source: target, destination: source, input: link };
    return (
      endOf(facts, question, [['output'], ['egress', link]], `${who} is not sent`) ??
      endOf(facts, answer, [['ingress', link], ['input']], `the answer to ${who} does not arrive`)
    );
  }
  const source = askingAddress(facts.links.get(link), packet.source);
  if (source === undefined) return undefined;
  const solicitation = { ...bare, source, destination: solicitedNode(target), icmpType: neighbourSolicitation };
  const question = { ...solicitation, ...leaving(link) };
  const answer = { ...bare, source: target, destination: source, icmpType: neighbourAdvert, input: link };
  return (
    endOf(facts, question, [['output'], ['postrouting'], ['egress', link]], `${who} is not sent`) ??
    endOf(facts, answer, [['ingress', link], ['prerouting'], ['input']], `the answer to ${who} does not arrive`)
  );
}

function bareOf(packet: Packet): Packet {
  return {
    ...packet,
    transport: 'icmp',
    sourcePort: undefined,
    destinationPort: undefined,
    output: undefined,
    reply: false,
  };
}

function leaving(link: string): Pick<Packet, 'input' | 'output'> {
  return { input: undefined, output: link };
}

type Way = readonly (readonly [hook: Hook, device?: string])[];

/** A rule that cannot be decided is tried both ways. */
function endOf(facts: Facts, packet: Packet, way: Way, what: string): Step | undefined {
  const likely = sendBy(facts, packet, way, new Map());
  for (const { key, rule, why } of likely.doubts) {
    const otherwise = sendBy(facts, packet, way, new Map([[key, true]]));
    if ((otherwise.step === undefined) === (likely.step === undefined)) continue;
    const where = refText(rule.ref);
    return step('gateway', 'unknown', `${what} where ${where} stops it: ${why}`, {
      rule: { ref: rule.ref, where, text: rule.text },
    });
  }
  if (likely.step === undefined) return undefined;
  const { text, rule, fix } = likely.step;
  return step('gateway', 'bad', `${what}: ${text}`, { ...(rule && { rule }), ...(fix && { fix }) });
}

function sendBy(facts: Facts, packet: Packet, way: Way, assumptions: Assumptions) {
  const traveller = new Traveller(packet, facts, assumptions);
  traveller.untracked = true;
  for (const [hook, device] of way) {
    const dropped = runHook(traveller, facts.ruleset, hook, device);
    if (dropped !== undefined) return { step: dropStep(hook, dropped, [], traveller), doubts: traveller.doubts };
  }
  return { step: undefined, doubts: traveller.doubts };
}

/** Where a solicitation for the address goes (RFC 4291, 2.7.1). */
export function solicitedNode(address: Address): Address {
  const low = Number(toBigInt(address) & 0xff_ffffn);
  const [high, rest] = [(low >> 16).toString(16), (low & 0xffff).toString(16)];
  return `ff02::1:ff${high.padStart(2, '0')}:${rest}` as Address;
}
