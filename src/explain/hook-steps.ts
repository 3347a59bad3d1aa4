/** What the chains of a hook did, as steps; and two checks of the kernel's that stand beside them. Pure. */

import { parseLinkName } from '../model/link-name.ts';
import type { Packet } from '../rules/packet.ts';
import { devicesOf, route } from '../rules/routing.ts';
import { type Hook, type Rule, refText } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { limitSteps } from './limit-steps.ts';
import { legacyTool, narrowAccept } from './narrow-accept.ts';
import { adviceOnOwn, isUplinkLeak } from './own-rules.ts';
import { isDenied, policySteps } from './policy-steps.ts';
import { fixForZoneRoute } from './route-fixes.ts';
import { type Step, step } from './step.ts';
import type { Event, Traveller } from './traveller.ts';

/** One step per hook: what dropped it, or which chains it came past. None where nobody has a chain there. */
export function hookSteps(
  hook: Hook,
  traveller: Traveller,
  events: readonly Event[],
  dropped: Event | undefined,
): Step[] {
  const changes = events.filter(
    ({ what }) => what === 'translate' || what === 'mark' || what === 'zone' || what === 'notrack',
  );
  const details = changes.map((event) => `${whereOf(event)}: ${event.text}`);
  const policy = policySteps(hook, traveller.packet, traveller.host, events, dropped);
  if (isDenied(dropped) && policy.length > 0) return policy;
  if (dropped !== undefined) return [...policy, dropStep(hook, dropped, details, traveller)];
  const passed = events.filter(({ what }) => what === 'accept');
  if (passed.length === 0 && changes.length === 0) return policy;
  const translated = changes.some(({ what }) => what === 'translate');
  const isRedirected = translated && (hook === 'prerouting' || hook === 'output');
  const { source, destination } = traveller.packet;
  const now = translated ? `; from here on ${source} → ${destination}` : '';
  const chains = [...new Set(passed.map(({ chain }) => chainText(chain)))].join(', ');
  return [
    ...policy,
    ...limitSteps(hook, traveller.packet, traveller.host.snapshot),
    step(
      isRedirected ? 'redirection' : 'chains',
      'good',
      `${hook}: passes ${chains === '' ? 'the chains' : chains}${now}`,
      {
        details: [...details, ...passed.flatMap(acceptText)],
      },
    ),
  ];
}

function acceptText(event: Event): string[] {
  return event.rule === undefined ? [] : [`${whereOf(event)}: ${event.text}`];
}

export function dropStep(hook: Hook, event: Event, details: readonly string[], traveller: Traveller): Step {
  const owner = ownerOf(event.chain, traveller);
  const decision = decisionStep(hook, event, details, traveller);
  if (owner === undefined) return decision;
  const { fix: _, ...more } = decision;
  return { ...more, details: [...(more.details ?? []), howToAsk(owner)] };
}

/** Commands of nft are refused there. */
function ownerOf({ world, family, table }: Event['chain'], { host }: Traveller): string | undefined {
  return host.ruleset.find((each) => each.world === world && each.family === family && each.name === table)?.owner;
}

function howToAsk(owner: string): string {
  const how =
    owner === 'firewalld' ? 'protect-network doctor prints what to tell firewall-cmd' : `it has to be told to ${owner}`;
  return `${owner} owns this table, and nft can change nothing in it: ${how}`;
}

function decisionStep(hook: Hook, event: Event, details: readonly string[], traveller: Traveller): Step {
  const { rule, chain, what, why } = event;
  if (rule === undefined) {
    return step('policy', 'bad', `${hook}: no rule of ${chainText(chain)} accepts it, and its policy is drop`, {
      details,
      fix: narrowAccept(chain, hook, traveller.packet),
    });
  }
  const verb = what === 'reject' ? 'rejects' : 'drops';
  const back = asksForWayBack(rule) ? wayBack(traveller) : undefined;
  if (isUplinkLeak(rule.ref)) return leakStep(hook, rule, event, details, traveller);
  const because = back === undefined ? '' : `: ${back.text}`;
  return step('rule', 'bad', `${hook}: ${why ?? `a rule of ${chainText(rule.ref)} ${verb} it${because}`}`, {
    details,
    rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text },
    fix: back?.fix === undefined ? ruleFix(rule, event, traveller) : back.fix,
  });
}

/** Names the rule that keeps the packet from being tracked, and so from being translated, where there is one. */
function leakStep(hook: Hook, rule: Rule, leak: Event, details: readonly string[], traveller: Traveller): Step {
  const untracked = traveller.events.find(({ what }) => what === 'notrack');
  const because = untracked === undefined ? '' : ': a rule keeps it from being tracked, so no translation applies';
  const named = untracked?.rule ?? rule;
  const text = `${hook}: ${chainText(rule.ref)} drops it because it would leave unmasqueraded as ${traveller.packet.source}${because}`;
  return step('rule', 'bad', text, {
    details,
    rule: { ref: named.ref, where: refText(named.ref), text: named.text },
    fix: ruleFix(named, untracked ?? leak, traveller),
  });
}

function asksForWayBack({ expr }: Rule): boolean {
  return expr.some((part) => {
    const text = JSON.stringify(part);
    return text.includes('"fib"') && text.includes('"saddr"');
  });
}

/** What a rule that asks for the route of the source has found; undefined where there is nothing wrong with it. */
function wayBack({
  packet,
  host,
}: Traveller): { readonly text: string; readonly fix: readonly string[] | undefined } | undefined {
  const { family, source, destination, input } = packet;
  const answer = route(host.routing[family], {
    family,
    source: destination,
    destination: source,
    input: undefined,
    mark: 0,
  });
  const devices = answer.kind === 'route' ? devicesOf(answer.route) : [];
  if (input === undefined || devices.includes(input)) return undefined;
  const fix = parseLinkName(input) === undefined ? undefined : fixForZoneRoute(host, source, input, answer);
  const way = devices.length === 0 ? 'does not exist' : `is via ${devices.join(', ')}`;
  return { text: `the route back to ${source} ${way} instead of via ${input}`, fix };
}

function chainText(
  chain: { readonly world: string; readonly family: string; readonly table: string } & (
    | { readonly name: string }
    | { readonly chain: string }
  ),
): string {
  const name = 'name' in chain ? chain.name : chain.chain;
  return chain.world === 'nft'
    ? `${chain.family} ${chain.table} ${name}`
    : `${legacyTool(chain.family)} ${chain.table} ${name}`;
}

function whereOf({ rule, chain }: Event): string {
  return rule === undefined ? chainText(chain) : refText(rule.ref);
}

/** What a rule of ours follows from is told; a rule of somebody else's stays, and a translation that fails has no other cure here. */
function ruleFix({ ref }: Rule, { what, hook, why }: Event, { packet }: Traveller): string[] {
  const advice = adviceOnOwn(ref);
  if (advice !== undefined) return [advice];
  return what === 'drop' && why !== undefined ? [] : narrowAccept(ref, hook, packet);
}

/**
 * A full table loses the first packet of a new connection (nf_conntrack: table full, dropping packet), unless the kernel
 * finds one to give up that was never answered; which it does among a few buckets only.
 */
export function connectionTableStep(facts: Facts, { packet }: Traveller): Step[] {
  const { connections } = facts.snapshot;
  if (connections === null || packet.reply || connections.count < connections.max) return [];
  const text = `the connection tracking table is full: ${connections.count} of ${connections.max}; a new connection is tracked only in place of one that was never answered`;
  return [
    step('conntrack', 'unknown', text, { fix: [`sysctl -w net.netfilter.nf_conntrack_max=${connections.max * 2}`] }),
  ];
}

/** The host takes the request and keeps silent. */
export function echoStep(facts: Facts, { family, transport, reply }: Packet): Step[] {
  if (family === 'ipv6' || transport !== 'icmp' || reply) return [];
  if (facts.sysctl('ipv4', 'top', 'all', 'icmp_echo_ignore_all') !== '1') return [];
  const text = 'this host answers no echo requests: icmp_echo_ignore_all is 1';
  return [step('echo', 'bad', text, { fix: ['sysctl -w net.ipv4.icmp_echo_ignore_all=0'] })];
}

/** IPv4 says so in its routing decision, too; IPv6 looks at one switch when it forwards, and drops without a word. */
export function forwardingStep(facts: Facts, { family, input }: Packet): Step[] {
  const link = input ?? 'all';
  if (family === 'ipv4') {
    if (facts.sysctl('ipv4', 'conf', link, 'forwarding') !== '0') return [];
    const isGlobal = facts.sysctl('ipv4', 'top', 'all', 'ip_forward') === '0';
    const name = isGlobal ? 'net.ipv4.ip_forward' : `net/ipv4/conf/${link}/forwarding`;
    return [
      step('forwarding', 'bad', `the host does not forward IPv4: ${name} is 0`, { fix: [`sysctl -w ${name}=1`] }),
    ];
  }
  if (facts.sysctl('ipv6', 'conf', 'all', 'forwarding') !== '0') return [];
  if (facts.sysctl('ipv6', 'conf', link, 'force_forwarding') === '1') return [];
  const name = 'net.ipv6.conf.all.forwarding';
  return [step('forwarding', 'bad', `the host does not forward IPv6: ${name} is 0`, { fix: [`sysctl -w ${name}=1`] })];
}
