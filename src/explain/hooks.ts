/** All base chains of a hook in the kernel's order, everybody's: nftables of every family that fits, and iptables-legacy. */
import { type Walker, walkRules } from '../rules/chain.ts';
import { evaluate } from '../rules/expression.ts';
import type { BaseHook, Chain, Hook, Rule, Ruleset, Table } from '../rules/ruleset.ts';
import { only } from '../rules/statements.ts';
import { act } from './action.ts';
import type { Event, Traveller } from './traveller.ts';

/** NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC: chains of type nat run there, ordered among themselves by their own priority. */
const natPriority: Partial<Record<Hook, number>> = { prerouting: -100, output: -100, input: 100, postrouting: 100 };
/** NF_IP_PRI_CONNTRACK, at prerouting and output. */
const conntrackPriority = -200;

export interface Station {
  readonly table: Table;
  readonly chain: Chain;
  /** Where it really runs. */
  readonly priority: number;
}

/** Ends at the first drop, and returns it. */
export function runHook(
  traveller: Traveller,
  ruleset: Ruleset,
  hook: Hook,
  device: string | undefined,
): Event | undefined {
  const family = traveller.packet.arp === undefined ? (traveller.packet.family === 'ipv4' ? 'ip' : 'ip6') : 'arp';
  let translated = false;
  for (const { table, chain, priority } of stationsOf(ruleset, hook, family, device)) {
    reach(traveller, hook, priority);
    const isNat = chain.base?.type === 'nat';
    // Only the first packet of a tracked connection asks these, and the first translation stands.
    if (isNat && (isAnswer(traveller) || traveller.connection === undefined || translated)) continue;
    const before = traveller.events.length;
    if (passBaseChain(traveller, table, chain, hook) === 'drop') return traveller.events.at(-1);
    translated ||= isNat && traveller.events.slice(before).some(({ what }) => what === 'translate');
  }
  reach(traveller, hook, Number.POSITIVE_INFINITY);
  return undefined;
}

/** An accept ends this base chain only. */
function passBaseChain(traveller: Traveller, { sets, chains }: Table, chain: Chain, hook: Hook): 'accept' | 'drop' {
  const { priority = 0, policy = 'accept' } = chain.base ?? {};
  const rulesOf = (name: string) => chains.get(name)?.rules;
  const walker: Walker<Rule> = {
    ask: (expression) => evaluate(expression, traveller.view(hook, sets)),
    act: (rule, kind, inner, place) => only(act(rule, kind, inner, { ...place, traveller })),
    assume: (rule, place, why, entry) => traveller.assume(rule, place, why, entry),
    note: (what, rule, place) => traveller.note(what, rule, place),
  };
  const { likely } = walkRules(chain.rules, { walker, hook, priority, sets, rulesOf, known: new Map() });
  if (likely === 'accept' || likely === 'drop') return likely;
  traveller.events.push({ hook, chain, rule: undefined, what: policy, text: `policy ${policy}` });
  return policy;
}

/** What connection tracking has done to the packet when it gets to `priority` of a hook. */
function reach(traveller: Traveller, hook: Hook, priority: number): void {
  const begins = hook === 'prerouting' || hook === 'output';
  if (begins && priority >= conntrackPriority) traveller.track();
  if (begins && priority >= -100) undo(traveller, 'destination');
  if (hook === 'postrouting' && priority >= 100) undo(traveller, 'source');
}

function isAnswer({ packet, connection }: Traveller): boolean {
  return packet.reply && connection?.orphan !== true;
}

function stationsOf(ruleset: Ruleset, hook: Hook, family: 'ip' | 'ip6' | 'arp', device: string | undefined): Station[] {
  const routed = family === 'arp' ? [] : ['inet'];
  const families = [hook === 'ingress' || hook === 'egress' ? 'netdev' : family, ...routed];
  return ruleset
    .filter((table) => families.includes(table.family))
    .flatMap((table) => [...table.chains.values()].map((chain) => ({ table, chain })))
    .filter(({ chain }) => chain.base?.hook === hook && (device === undefined || isAt(chain.base, device)))
    .map(({ table, chain }) => ({ table, chain, priority: effectivePriority(chain, hook) }))
    .sort((a, b) => a.priority - b.priority || (a.chain.base?.priority ?? 0) - (b.chain.base?.priority ?? 0));
}

/** A trailing `*` is nft's wildcard (Linux 6.16). */
function isAt({ devices }: BaseHook, device: string): boolean {
  return devices.some((each) => (each.endsWith('*') ? device.startsWith(each.slice(0, -1)) : each === device));
}

function effectivePriority({ base }: Chain, hook: Hook): number {
  if (base === undefined) return 0;
  return base.type === 'nat' ? (natPriority[hook] ?? base.priority) : base.priority;
}

/** What the first packet had translated is turned back in its reply: the source's at prerouting, the destination's at postrouting. */
function undo(traveller: Traveller, which: 'source' | 'destination'): void {
  const { packet, connection } = traveller;
  if (!packet.reply || connection === undefined || connection.orphan || traveller.untracked) return;
  const { original, destinationNat, sourceNat } = connection;
  if (which === 'destination' && sourceNat !== undefined) {
    traveller.packet = { ...packet, destination: original.source, destinationPort: original.sourcePort };
  }
  if (which === 'source' && destinationNat !== undefined) {
    traveller.packet = { ...packet, source: original.destination, sourcePort: original.destinationPort };
  }
}
