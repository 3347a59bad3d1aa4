/** Rulesets written as nft's JSON lists them, and a packet sent through one. */
import { Facts } from '../../../src/explain/facts.ts';
import { runHook } from '../../../src/explain/hooks.ts';
import type { Snapshot } from '../../../src/explain/snapshot.ts';
import { type Assumptions, Traveller } from '../../../src/explain/traveller.ts';
import type { InspectedLink } from '../../../src/host/inspection.ts';
import type { NftObject } from '../../../src/host/port.ts';
import type { Address } from '../../../src/model/address.ts';
import type { Packet } from '../../../src/rules/packet.ts';
import type { Hook } from '../../../src/rules/ruleset.ts';

export function address(text: string): Address {
  return text as Address;
}

/** A new TCP connection of vif7.0's to port 443 of the far host, on its way out by uplink0. */
export const outgoing: Packet = {
  family: 'ipv4',
  source: address('10.75.0.7'),
  destination: address('198.51.100.10'),
  transport: 'tcp',
  sourcePort: undefined,
  destinationPort: 443,
  input: 'vif7.0',
  output: 'uplink0',
  mark: 0,
  reply: false,
};

/** An Ethernet link that is up. */
export function linkWith(ifindex: number, ifname: string, ...addresses: string[]): InspectedLink {
  return {
    ifindex,
    ifname,
    isUp: true,
    hasCarrier: true,
    mtu: 1500,
    group: 0,
    isEthernet: true,
    bus: undefined,
    device: undefined,
    altnames: [],
    xdp: undefined,
    addr_info: addresses.map((each) => ({ local: address(each), prefixlen: 24, scope: 'global', isUsable: true })),
  };
}

export const emptySnapshot: Snapshot = {
  subnets: { ipv4: { prefix: '10.75.0.0/16', gateway: address('10.75.0.1') }, ipv6: null },
  uplinkInterfaces: [],
  masquerade: { ipv4: 'kernel', ipv6: 'kernel' },
  noMasquerade: [],
  fleet: { prefixes: [], uplinks: [], zones: [] },
  zones: [],
  renamed: [],
  policies: [],
  directoryProblems: [],
  daemon: { answers: true, detail: 'ready', zones: [], faults: [], forwarder: null },
  links: [],
  neighbours: [],
  proxies: [],
  rules: { ipv4: [], ipv6: [] },
  routes: { ipv4: [], ipv6: [] },
  ruleset: [],
  rulesetText: '',
  saved: { ipv4: '', ipv6: '' },
  legacy: { ipv4: '', ipv6: '' },
  arpRules: [],
  connections: null,
  sysctls: {},
  decisions: {},
  filters: {},
};

export interface ChainOptions {
  readonly family?: string;
  readonly table?: string;
  readonly hook?: Hook;
  readonly type?: 'filter' | 'nat';
  readonly priority?: number;
  readonly policy?: 'accept' | 'drop';
}

/** A base chain `base` on a hook (forward unless told), with rules given as lists of expressions; handles count from 1. */
export function baseChain(rules: readonly (readonly NftObject[])[], options: ChainOptions = {}): NftObject[] {
  const { family = 'inet', table = 't', hook = 'forward', type = 'filter', priority = 0, policy = 'accept' } = options;
  const chain = { family, table, name: 'base', type, hook, prio: priority, policy };
  return [{ table: { family, name: table } }, { chain }, ...rulesOf('base', rules, options)];
}

/** A chain that others jump to. */
export function subChain(
  name: string,
  rules: readonly (readonly NftObject[])[],
  options: ChainOptions = {},
): NftObject[] {
  const { family = 'inet', table = 't' } = options;
  return [{ chain: { family, table, name } }, ...rulesOf(name, rules, options)];
}

function rulesOf(chain: string, rules: readonly (readonly NftObject[])[], options: ChainOptions): NftObject[] {
  const { family = 'inet', table = 't' } = options;
  return rules.map((expr, index) => ({ rule: { family, table, chain, handle: index + 1, expr } }));
}

export const accept: NftObject = { accept: null };
export const drop: NftObject = { drop: null };

export function match(left: NftObject, right: unknown, op = '=='): NftObject {
  return { match: { op, left, right } };
}

export function meta(key: string): NftObject {
  return { meta: { key } };
}

export function payload(protocol: string, field: string): NftObject {
  return { payload: { protocol, field } };
}

export interface Passage {
  readonly dropped: boolean;
  /** `chain handle` of whatever dropped it; `policy` for a policy. */
  readonly by: string | undefined;
  /** Why something could not be decided. */
  readonly doubts: readonly string[];
  readonly traveller: Traveller;
}

export interface PassageOptions {
  readonly snapshot?: Partial<Snapshot>;
  readonly hook?: Hook;
  readonly assumptions?: Assumptions;
  readonly before?: (traveller: Traveller) => void;
}

/** The packet at one hook, tracked already unless it is the first. */
export function pass(ruleset: readonly NftObject[], packet: Packet = outgoing, options: PassageOptions = {}): Passage {
  const { snapshot = {}, hook = 'forward', assumptions = new Map(), before } = options;
  const facts = new Facts({ ...emptySnapshot, ...snapshot, ruleset });
  const traveller = new Traveller(packet, facts, assumptions);
  if (hook !== 'prerouting' && hook !== 'output') traveller.track();
  before?.(traveller);
  const dropped = runHook(traveller, facts.ruleset, hook, undefined);
  const rule = dropped?.rule;
  return {
    dropped: dropped !== undefined,
    by: dropped === undefined ? undefined : rule === undefined ? 'policy' : `${rule.ref.chain} ${rule.ref.handle}`,
    doubts: traveller.doubts.map(({ why }) => why),
    traveller,
  };
}
