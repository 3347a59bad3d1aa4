/** What policies did to what a zone begins, with the rule's place in its file. The kernel's verdict counts. Pure. */
import { resolverPort } from '../lifecycle/desired.ts';
import { isZoneLink } from '../model/link-name.ts';
import { egressChain, egressHostChain } from '../nft/layout-egress.ts';
import { auditedChain, deniedChain, ownTable } from '../nft/names.ts';
import { denialOf, type Flow, nameRuleFor, ruleFor } from '../policy/verdict.ts';
import type { Packet } from '../rules/packet.ts';
import { type Hook, isRecord, type Rule, refText } from '../rules/ruleset.ts';
import { findings } from '../words/findings.ts';
import { firstOf } from '../words/say.ts';
import type { Facts } from './facts.ts';
import { addRule, ruleOf } from './policy-fix.ts';
import { type Step, step } from './step.ts';
import type { Event } from './traveller.ts';
import { addressesOf, isPoliced, leasesOf, placeText, policyOf, timeText, type ZonePolicy } from './zone-policy.ts';

/** At the hooks where policies are asked; `dropped` is what ended the packet there. */
export function policySteps(
  hook: Hook,
  packet: Packet,
  facts: Facts,
  events: readonly Event[],
  dropped: Event | undefined,
): Step[] {
  const { input, reply } = packet;
  if ((hook !== 'forward' && hook !== 'input') || reply || input === undefined || !isZoneLink(input)) return [];
  const policy = policyOf(input, facts.snapshot);
  const flow = flowOf(packet, hook === 'input');
  const chains = events.flatMap(({ rule }) => targetIn(rule));
  if (isDenied(dropped)) return [denied(flow, policy, facts, dropped)];
  if (chains.includes(auditedChain)) return [audited(flow, policy, facts)];
  if (chains.includes(egressChain) || chains.includes(egressHostChain)) return [allowed(flow, policy, facts, input)];
  if (dropped !== undefined || policy === undefined || isPoliced(input, facts)) return [];
  const about = policy.policies.map(({ place }) => placeText(place)).join(' and ');
  const text = `the policy of ${input} (${about}) is not in force: the kernel does not hold it`;
  return [step('egress', 'note', text, { fix: ['protect-network status'] })];
}

export function isDenied(event: Event | undefined): event is Event & { readonly rule: Rule } {
  return event?.rule !== undefined && isOurs(event.rule) && event.rule.ref.chain === deniedChain;
}

function isOurs({ ref: { world, family, table } }: Rule): boolean {
  return world === 'nft' && family === ownTable.family && table === ownTable.name;
}

/** The chain of ours that a rule of ours leads to. */
function targetIn(rule: Rule | undefined): string[] {
  if (rule === undefined || !isOurs(rule)) return [];
  return rule.expr.flatMap((part) => {
    const to = part['jump'] ?? part['goto'];
    return isRecord(to) && typeof to['target'] === 'string' ? [to['target']] : [];
  });
}

function flowOf({ destination, transport, destinationPort }: Packet, isHost: boolean): Flow {
  return { address: destination, transport, port: destinationPort ?? 0, isHost };
}

function allowed(flow: Flow, policy: ZonePolicy | undefined, { snapshot, ruleset }: Facts, link: string): Step {
  if (flow.isHost && flow.port === resolverPort && isGateway(flow, snapshot.subnets)) return forwarderStep(snapshot);
  const rule = policy && ruleFor(policy.egress, flow, (name) => addressesOf(name, snapshot));
  if (rule !== undefined) return step('egress', 'good', `allowed by ${placeText(rule.place)}: ${quoted(rule.text)}`);
  const lease = leasesOf(link, ruleset).find(
    ({ address, transport, port }) => address === flow.address && transport === flow.transport && port === flow.port,
  );
  if (lease === undefined) {
    const text = 'the kernel allows it, and no rule in the policy files does: what they say is not in force';
    return step('egress', 'note', text, { fix: ['protect-network status'] });
  }
  const { name, seconds } = lease;
  const by = policy && nameRuleFor(policy.egress, name, flow);
  const where = by === undefined ? 'no rule allows the name any more' : `${placeText(by.place)}: ${quoted(by.text)}`;
  const text = `allowed for ${timeText(seconds)} more, as an address of ${name}, for which the zone asked (${where})`;
  return step('egress', by === undefined ? 'note' : 'good', text);
}

function forwarderStep({ daemon }: Facts['snapshot']): Step {
  const text = 'it goes to the forwarder of names, which answers what the zone’s policies allow';
  if (daemon.forwarder !== false) return step('egress', 'good', text);
  const { what, fix } = findings.reported.noForwarder;
  return step('egress', 'note', `it goes to the forwarder of names, and gets no answer: ${what}`, { fix: [fix] });
}

function isGateway({ address }: Flow, subnets: Facts['snapshot']['subnets']): boolean {
  return Object.values(subnets).some((subnet) => subnet?.gateway === address);
}

function denied(
  flow: Flow,
  policy: ZonePolicy | undefined,
  { snapshot }: Facts,
  { rule }: { readonly rule: Rule },
): Step {
  const details = [`${refText(rule.ref)}: ${rule.text}`];
  const judged = judge(flow, policy, snapshot);
  return step('egress', 'bad', judged.text, { ...judged, details: [...judged.details, ...details] });
}

function audited(flow: Flow, policy: ZonePolicy | undefined, { snapshot }: Facts): Step {
  const { text, details, fix } = judge(flow, policy, snapshot);
  const told = `passes because the mode is audit; "enforce" would deny it: ${text}`;
  return step('egress', 'note', told, { details, ...(fix && { fix }) });
}

type Judged = Pick<Step, 'text' | 'fix'> & { readonly details: readonly string[] };

/** Why the kernel denies it, by the files, and what to add to them. A rule of `deny` stands: whoever wrote it meant it. */
function judge(flow: Flow, policy: ZonePolicy | undefined, snapshot: Facts['snapshot']): Judged {
  const status = ['protect-network status'];
  if (policy === undefined) {
    const text =
      'the kernel holds a policy for the zone, and the policy files have none: what they say is not in force';
    return { text, details: [], fix: status };
  }
  const denial = denialOf(policy.egress, flow.address);
  if (denial !== undefined)
    return { text: `denied by ${placeText(denial.place)}: ${quoted(denial.text)}`, details: ['deny wins over allow'] };
  const rule = ruleFor(policy.egress, flow, (name) => addressesOf(name, snapshot));
  if (rule !== undefined) {
    const text = `${placeText(rule.place)} allows it (${quoted(rule.text)}), and the kernel does not: the rule is not in force`;
    return { text, details: [], fix: status };
  }
  const text = 'no rule of the zone’s policies allows it';
  const details = policy.policies.map(({ place }) => `the zone’s policy: ${placeText(place)}`);
  const line = ruleOf(flow);
  if (line === undefined)
    return { text, details: [...details, 'a rule can only allow all of ICMP, to everywhere: "icmp"'] };
  return { text, details: [...details, ...namesAt(flow, policy)], fix: [addRule(line, policy, snapshot)] };
}

/** Whoever sees an address refused may not know that it is one of an allowed name, which needs no other rule. */
function namesAt({ transport, port, isHost }: Flow, { egress }: ZonePolicy): string[] {
  if (isHost) return [];
  const names = egress.allow.flatMap((rule) => {
    const isMeant = rule.kind === 'ports' && rule.target.kind === 'name' && rule.transport === transport;
    return isMeant && rule.ports.first <= port && port <= rule.ports.last ? [quoted(rule.text)] : [];
  });
  if (names.length === 0) return [];
  return [
    `names are allowed at this port (${firstOf(names, 3)}): an address of one is open once the zone asks for the name`,
  ];
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}
