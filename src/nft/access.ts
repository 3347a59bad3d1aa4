/**
 * What a zone's policies come to in the sets of `layout-egress.ts`. Pure.
 *
 * A set of intervals takes no two that overlap (Linux 5.6 and later: a single address inside a listed prefix is refused), so
 * that what overlaps is cut up: for each span of ports, the addresses that may be asked on all of them.
 */
import { type Address, type Family, families, hostLength, hostPrefix, type Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { type Span, spansOf } from '../model/span.ts';
import type { PortRule, Ports, Transport, ZoneEgress, ZonePolicy } from '../policy/model.ts';
import { isPrivate, keyOf } from '../policy/rule.ts';
import type { ZoneAddresses } from '../policy/verdict.ts';
import type { Access } from './layout-model.ts';
import { linkLimits } from './limits.ts';
import { dropCounts, egressSets, policySets } from './names.ts';

/** The keys without the link, which is their first part; one and the same for all zones that the same policies are about. */
export interface AccessTemplate extends Pick<Access, 'mode' | 'receive'> {
  readonly elements: ReadonlyMap<string, readonly string[]>;
  readonly text: string;
}

export function accessTemplate({ egress, limits }: ZonePolicy, addressesOf: ZoneAddresses): AccessTemplate {
  const limitSets = [
    ...linkLimits([limits]).map(({ name }) => name),
    ...(limits.send === undefined ? [] : [dropCounts.bandwidth]),
  ];
  const elements = new Map<string, readonly string[]>([
    ...(egress === undefined ? [] : egressElements(egress, addressesOf)),
    ...limitSets.map((name) => [name, ['']] as const),
  ]);
  const [mode, { receive }] = [egress?.mode, limits];
  const text = JSON.stringify([mode, receive, ...elements, ...(egress === undefined ? [] : namesIn(egress))]);
  return { mode, receive, elements, text };
}

function egressElements(egress: ZoneEgress, addressesOf: ZoneAddresses): (readonly [string, readonly string[]])[] {
  const ports = egress.allow.flatMap((rule) => (rule.kind === 'ports' ? [rule] : []));
  return [
    [policySets.policed, ['']],
    [dropCounts.denied, ['']],
    [policySets.audited, egress.mode === 'audit' ? [''] : []],
    [policySets.icmp, egress.allow.some(({ kind }) => kind === 'icmp') ? [''] : []],
    [policySets.host, hostKeys(ports.filter(({ target }) => target.kind === 'host'))],
    ...families.flatMap((family) => {
      const rules = ports.flatMap((rule) => prefixesOf(rule, addressesOf).map((prefix) => ({ ...rule, prefix })));
      const own = rules.filter(({ prefix }) => prefix.family === family);
      const { allowed, nets, denied } = egressSets[family];
      return [
        [allowed, [...new Set(own.filter(isSingle).map(singleKey))]],
        [nets, netKeys(own.filter((rule) => !isSingle(rule)))],
        [denied, deniedKeys(egress, family)],
      ] as const;
    }),
  ];
}

export function accessOf(link: LinkName, { elements, ...template }: AccessTemplate): Access {
  const named = [...elements].map(
    ([set, keys]) => [set, keys.map((key) => (key === '' ? link : `${link} ${key}`))] as const,
  );
  return { ...template, elements: new Map(named) };
}

/** The key of what a zone may reach at one address. */
export function flowKey(link: LinkName, address: Address, transport: Transport, port: number): string {
  return `${link} ${address} ${transport} ${port}`;
}

/** What names may open has no elements until it is leased, and is another policy all the same. */
function namesIn({ allow, deny }: ZoneEgress): string[] {
  const allowed = allow.filter((rule) => rule.kind === 'ports' && rule.target.kind === 'name');
  const denied = deny.filter(({ target }) => target.kind === 'name');
  return [...allowed.map((rule) => `${keyOf(rule)} ${isPrivate(rule)}`), '', ...denied.map(keyOf)];
}

interface Reach extends Pick<PortRule, 'transport' | 'ports'> {
  readonly prefix: Prefix;
}

/** None for names, whose addresses are leased, and for dom0 itself. */
function prefixesOf({ target }: PortRule, addressesOf: ZoneAddresses): Prefix[] {
  if (target.kind === 'prefix') return [target.prefix];
  return target.kind === 'zone' ? addressesOf(target.name).map(hostPrefix) : [];
}

function isSingle({ prefix, ports }: Reach): boolean {
  return prefix.length === hostLength(prefix.family) && ports.first === ports.last;
}

function singleKey({ prefix, transport, ports }: Reach): string {
  return `${prefix.address} ${transport} ${ports.first}`;
}

function netKeys(rules: readonly Reach[]): string[] {
  return (['tcp', 'udp'] as const).flatMap((transport) => {
    const own = rules.filter((rule) => rule.transport === transport);
    return rectangles(own).map(({ span, ports }) => `${interval(span)} ${transport} ${interval(ports)}`);
  });
}

interface Rectangle {
  readonly span: Span;
  readonly ports: Ports;
}

/** The same flows as `rules` without overlap. */
function rectangles(rules: readonly Reach[]): Rectangle[] {
  const bands = bandsOf(rules, (some) => spansOf(some.map(({ prefix }) => prefix)));
  return bands.flatMap(({ spans, ports }) => spans.map((span) => ({ span, ports })));
}

interface Band {
  readonly spans: readonly Span[];
  readonly ports: Ports;
}

/** The ports of `rules` in ascending pieces, as few as can be; `spansFor` tells where the rules about a piece lead. */
function bandsOf<Rule extends Pick<PortRule, 'ports'>>(
  rules: readonly Rule[],
  spansFor: (some: readonly Rule[]) => readonly Span[],
): Band[] {
  const bands: Band[] = [];
  for (const ports of cut(rules.map((rule) => rule.ports))) {
    const spans = spansFor(rules.filter((rule) => covers(rule.ports, ports)));
    const before = bands.at(-1);
    const continues = before !== undefined && before.ports.last + 1 === ports.first && sameSpans(before.spans, spans);
    if (continues) bands[bands.length - 1] = { spans, ports: { first: before.ports.first, last: ports.last } };
    else bands.push({ spans, ports });
  }
  return bands;
}

/** What `spans` cover, in ascending pieces, none of which begins or ends inside one of them. */
function cut(spans: readonly Ports[]): Ports[] {
  const starts = new Set(spans.flatMap(({ first, last }) => [first, last + 1]));
  const edges = [...starts].sort((one, other) => one - other);
  return edges
    .slice(0, -1)
    .map((first, index) => ({ first, last: (edges[index + 1] ?? 0) - 1 }))
    .filter((piece) => spans.some((span) => covers(span, piece)));
}

function covers(whole: Ports, part: Ports): boolean {
  return whole.first <= part.first && part.last <= whole.last;
}

function sameSpans(some: readonly Span[], others: readonly Span[]): boolean {
  return some.map(interval).join() === others.map(interval).join();
}

function hostKeys(rules: readonly PortRule[]): string[] {
  return (['tcp', 'udp'] as const).flatMap((transport) => {
    const own = rules.filter((rule) => rule.transport === transport);
    return bandsOf(own, () => []).map(({ ports }) => `${transport} ${interval(ports)}`);
  });
}

function deniedKeys(egress: ZoneEgress, family: Family): string[] {
  const prefixes = egress.deny.flatMap(({ target }) => (target.kind === 'prefix' ? [target.prefix] : []));
  return spansOf(prefixes.filter((prefix) => prefix.family === family)).map(interval);
}

/** As the kernel's listing is read: one that holds a single value is that value. */
function interval({ first, last }: Span | Ports): string {
  return first === last ? String(first) : `${first}-${last}`;
}
