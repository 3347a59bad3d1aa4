/**
 * What becomes of zones' packets in a base chain of somebody else's on the forward hook. An accept of ours ends our own
 * base chain only: a packet must pass every other one as well. Pure; conditions that cannot be judged are followed both ways.
 */
import type { NftObject } from '../host/port.ts';
import { addressAt, hostLength, type Prefix, toBigInt } from '../model/address.ts';
import { everyWay, walkRules } from '../rules/chain.ts';
import { evaluate } from '../rules/expression.ts';
import { parseNftText } from '../rules/listing.ts';
import type { Glimpse } from '../rules/packet.ts';
import { type Chain, parseRuleset } from '../rules/ruleset.ts';
import { anything, type Ways } from '../rules/statements.ts';
import { among, type Span, unknown, type Value } from '../rules/value.ts';
import type { View } from '../rules/view.ts';

/** The first packet of a connection from any zone. */
export interface ZonePacket {
  readonly to: 'outside' | 'zone';
  /** Where its source lies; its family is the packet's. */
  readonly subnet: Prefix;
  /** The links to the outside; empty where nobody knows. */
  readonly uplinks: readonly string[];
  /** Our mark, where it is set when the chain is reached; 0 elsewhere. */
  readonly mark: number;
}

/** `may-end`: they end unless something accepts them whose condition cannot be judged. Rules against some of them are no end. */
export type Fate = 'pass' | 'end' | 'may-end';

/** The chains of a table. */
export type ForeignTable = ReadonlyMap<string, Chain>;

/** Some milliseconds of work. More rules than these on the way of one packet are given up, and only the policy counts. */
const maxRules = 5_000;

export function fateOf(table: ForeignTable, chain: string, policy: string, packet: ZonePacket): Fate {
  const { to, subnet, uplinks, mark } = packet;
  const { likely, possible } = waysIn(table, chain, subnet, {
    input: zoneLink,
    source: zonesOf(subnet),
    output: to === 'zone' ? zoneLink : uplinkOf(uplinks),
    destination: to === 'zone' ? zonesOf(subnet) : outsideOf(subnet),
    mark: unknown('its mark', mark),
    maxRules,
  });
  const isDenied = likely === 'drop' || (likely === 'return' && policy === 'drop');
  if (!isDenied) return 'pass';
  return possible.has('accept') || (possible.has('return') && policy !== 'drop') ? 'may-end' : 'end';
}

/** Reads a listing of one table. Its sets are left out: they may be long, and change all the time. */
export function foreignTable(objects: readonly NftObject[]): ForeignTable {
  const tables = parseRuleset(objects, parseNftText(''));
  return tables.find(({ chains }) => chains.size > 0)?.chains ?? new Map();
}

interface Told extends Partial<Glimpse> {
  readonly maxRules?: number;
}

/** Where a packet that opens a connection, or its answer, goes in a chain, if no more is known of it than what is told. */
export function waysIn(table: ForeignTable, chain: string, { family }: Prefix, { maxRules, ...told }: Told): Ways {
  const packet: Glimpse = {
    family,
    source: unknown('its source'),
    destination: unknown('its destination'),
    transport: undefined,
    sourcePort: undefined,
    destinationPort: undefined,
    input: unknown('the link it came by'),
    output: unknown('the link it leaves by'),
    mark: undefined,
    reply: false,
    ...told,
  };
  const { source, destination, reply } = packet;
  const original = { ...packet, ...(reply && { source: destination, destination: source }) };
  const connection = {
    mark: undefined,
    original,
    zones: { original: 0, reply: 0 },
    destinationNat: undefined,
    sourceNat: undefined,
    orphan: false,
  };
  const view: View = { packet, connection, untracked: false, hook: 'forward', host: undefined, sets: new Map() };
  const place = everyWay(
    (asked) => evaluate(asked, view),
    (name) => table.get(name)?.rules,
    maxRules,
  );
  const rules = table.get(chain)?.rules;
  return rules === undefined ? anything : walkRules(rules, place);
}

export const zoneLink: Value = among('name', [['vif0', 'vif9\uffff']], 'which zone it is');

/** Nothing that is called like a zone's link, where nobody knows the uplinks. */
function uplinkOf(uplinks: readonly string[]): Value {
  const others: readonly Span[] = [
    ['', 'vie\uffff'],
    ['vig', '\uffff'],
  ];
  return among('name', uplinks.length === 0 ? others : uplinks.map((name) => [name, name]), 'the uplink it takes');
}

export function zonesOf(subnet: Prefix): Value {
  return among(subnet.family, [spanOf(subnet)], 'which zone it is');
}

function outsideOf(subnet: Prefix): Value {
  const [first, last] = spanOf(subnet);
  const end = (1n << BigInt(hostLength(subnet.family))) - 1n;
  const around: [bigint, bigint][] = [
    [0n, first - 1n],
    [last + 1n, end],
  ];
  return among(
    subnet.family,
    around.filter(([low, high]) => low <= high),
    'where it goes',
  );
}

function spanOf(prefix: Prefix): [bigint, bigint] {
  const size = 1n << BigInt(hostLength(prefix.family) - prefix.length);
  return [toBigInt(prefix.address), toBigInt(addressAt(prefix, size - 1n))];
}
