/** What the chains of a hook did, as steps; and two checks of the kernel's that stand beside them. Pure. */

import { hostLength } from '../model/address.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { Facts } from './facts.ts';
import { adviceOnOwn } from './own-rules.ts';
import type { Packet } from './packet.ts';
import { devicesOf, route } from './routing.ts';
import { type Chain, type Hook, type Rule, refText } from './ruleset.ts';
import { type Step, step } from './step.ts';
import type { Event, Traveller } from './traveller.ts';

/** One step per hook: what dropped it, or which chains it came past. None where nobody has a chain there. */
export function hookSteps(
  hook: Hook,
  traveller: Traveller,
  events: readonly Event[],
  dropped: Event | undefined,
): Step[] {
  const changes = events.filter(({ what }) => what === 'translate' || what === 'mark' || what === 'notrack');
  const details = changes.map((event) => `${whereOf(event)}: ${event.text}`);
  if (dropped !== undefined) return [dropStep(hook, dropped, details, traveller)];
  const passed = events.filter(({ what }) => what === 'accept');
  if (passed.length === 0 && changes.length === 0) return [];
  const translated = changes.some(({ what }) => what === 'translate');
  const { source, destination } = traveller.packet;
  const now = translated ? `; from here on ${source} → ${destination}` : '';
  const chains = [...new Set(passed.map(({ chain }) => chainText(chain)))].join(', ');
  return [
    step('chains', 'good', `${hook}: past ${chains === '' ? 'the chains' : chains}${now}`, {
      details: [...details, ...passed.flatMap(acceptText)],
    }),
  ];
}

function acceptText(event: Event): string[] {
  return event.rule === undefined ? [] : [`${whereOf(event)}: ${event.text}`];
}

function dropStep(hook: Hook, event: Event, details: readonly string[], traveller: Traveller): Step {
  const { rule, chain, what, why } = event;
  if (rule === undefined) {
    return step('policy', 'bad', `${hook}: no rule of ${chainText(chain)} accepts it, and its policy is drop`, {
      details,
      fix: [policyFix(chain)],
    });
  }
  const verb = what === 'reject' ? 'rejects' : 'drops';
  const back = asksForWayBack(rule) ? wayBack(traveller) : undefined;
  const because = back === undefined ? '' : `: ${back.text}`;
  return step('rule', 'bad', `${hook}: ${why ?? `a rule of ${chainText(rule.ref)} ${verb} it${because}`}`, {
    details,
    rule: { ref: rule.ref, where: refText(rule.ref), text: rule.text },
    fix: [back?.fix ?? ruleFix(rule)],
  });
}

function asksForWayBack({ expressions }: Rule): boolean {
  return expressions.some((part) => {
    const text = JSON.stringify(part);
    return text.includes('"fib"') && text.includes('"saddr"');
  });
}

/** What a rule that asks for the route of the source has found; undefined where there is nothing wrong with it. */
function wayBack({ packet, host }: Traveller): { readonly text: string; readonly fix: string | undefined } | undefined {
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
  const fix =
    parseLinkName(input) === undefined ? undefined : `ip route add ${source}/${hostLength(family)} dev ${input}`;
  const way = devices.length === 0 ? 'there is no way back' : `the way back goes by ${devices.join(', ')}`;
  return { text: `${way} for ${source} instead of by ${input}`, fix };
}

export function chainText(
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

function policyFix({ world, family, table, name }: Chain): string {
  return world === 'legacy'
    ? `${legacyTool(family)} -t ${table} -P ${name} ACCEPT`
    : `nft add chain ${family} ${table} ${name} '{ policy accept; }'`;
}

function ruleFix({ ref }: Rule): string {
  const { world, family, table, chain, handle } = ref;
  if (world === 'legacy') return `${legacyTool(family)} -t ${table} -D ${chain} ${handle}`;
  return adviceOnOwn(ref) ?? `nft delete rule ${family} ${table} ${chain} handle ${handle}`;
}

function legacyTool(family: string): string {
  return family === 'ip' ? 'iptables-legacy' : 'ip6tables-legacy';
}

/**
 * A full table loses the first packet of a new connection (nf_conntrack: table full, dropping packet), unless the kernel
 * finds one to give up that was never answered; which it does among a few buckets only.
 */
export function connectionTableStep(facts: Facts, { packet }: Traveller): Step[] {
  const { connections } = facts.snapshot;
  if (connections === null || packet.reply || connections.count < connections.max) return [];
  const text = `the table of tracked connections is full: ${connections.count} of ${connections.max}; a new one finds room only in the place of one that was never answered`;
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
