/** What `status` and `doctor` see of the ways between zones and the outside, read once. */
import type { EarlyRule, ForwardedPacket, Gateway, HostAddress, Outlook } from '../host/outlook.ts';
import type { DefaultRoute, Link } from '../host/port.ts';
import { type Address, contains, type Family, families, familyOf, parsePrefix } from '../model/address.ts';
import { isZoneLink } from '../model/link-name.ts';

export interface OutlookFacts {
  readonly links: readonly Link[];
  readonly ways: readonly Pick<DefaultRoute, 'family' | 'device'>[];
  readonly addresses: readonly HostAddress[];
  readonly gateways: readonly Gateway[];
  readonly misled: readonly Misled[];
}

/** A zone that is served: its link is up and its routes are there. */
export interface ServedZone {
  readonly ifindex: number;
  readonly addresses: readonly Address[];
}

export type Direction = 'to the outside' | 'to other zones' | 'from the outside';

/** Packets of zones that a policy rule keeps from where they should go. */
export interface Misled {
  readonly family: Family;
  readonly rule: EarlyRule;
  readonly direction: Direction;
  /** By which link they leave instead; undefined where they are dropped. */
  readonly device: string | undefined;
}

/** More zones in the same subnet tell nothing new. */
const maxAsked = 64;
/** Stand for all that is outside. */
const outside = { ipv4: '1.1.1.1' as Address, ipv6: '2606:4700:4700::1111' as Address };

/** `links`: all of this host's. */
export async function observeOutlook(
  outlook: Outlook,
  links: readonly Link[],
  zones: readonly ServedZone[],
): Promise<OutlookFacts> {
  const ways = await outlook.waysOut();
  const facts = { links, ways, addresses: outlook.addresses(), gateways: outlook.gateways() };
  return { ...facts, misled: families.flatMap((family) => misledIn(outlook, family, zones, facts)) };
}

/** The kernel is asked only where somebody has rules ahead of the main table. */
function misledIn(
  outlook: Outlook,
  family: Family,
  zones: readonly ServedZone[],
  { links, ways }: Pick<OutlookFacts, 'links' | 'ways'>,
): Misled[] {
  const rules = outlook.earlyRules(family).filter(({ isIntricate }) => !isIntricate);
  if (rules.length === 0) return [];
  const names = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const uplinks = links.filter(({ name }) => ways.some((way) => way.family === family && way.device === name));
  const found = new Map<string, Misled>();
  for (const question of questionsOf(family, zones.slice(0, maxAsked), uplinks)) {
    const { direction, packet, wanted } = question;
    const { device } = outlook.decide(packet);
    const name = device === undefined ? undefined : names.get(device);
    if (wanted === undefined ? name !== undefined && !isZoneLink(name) : device === wanted) continue;
    const rule = rules.find((each) => decides(each, packet, names.get(packet.input)));
    if (rule !== undefined)
      found.set(`${rule.priority} ${rule.text} ${direction}`, { family, rule, direction, device: name });
  }
  return [...found.values()];
}

interface WayQuestion {
  readonly direction: Direction;
  readonly packet: ForwardedPacket;
  /** By which link it should leave; undefined for any that is no zone's. */
  readonly wanted: number | undefined;
}

function questionsOf(family: Family, zones: readonly ServedZone[], uplinks: readonly Link[]): WayQuestion[] {
  const members = zones.flatMap(({ ifindex, addresses }) =>
    addresses.filter((address) => familyOf(address) === family).map((address) => ({ ifindex, address })),
  );
  const far = outside[family];
  return members.flatMap(({ ifindex, address }, place): WayQuestion[] => {
    const own = { source: address, input: ifindex };
    const sibling = members[place === 0 ? 1 : 0];
    const out: WayQuestion = { direction: 'to the outside', packet: { ...own, destination: far }, wanted: undefined };
    const across = sibling && { ...own, destination: sibling.address };
    const back = uplinks.map((uplink): WayQuestion => {
      const packet = { source: far, destination: address, input: uplink.ifindex };
      return { direction: 'from the outside', packet, wanted: ifindex };
    });
    return [
      ...(uplinks.length === 0 ? [] : [out]),
      ...(across === undefined
        ? []
        : [{ direction: 'to other zones' as const, packet: across, wanted: sibling?.ifindex }]),
      ...back,
    ];
  });
}

/** The rule fits the packet, and its table says something of the destination. */
function decides(
  { from, to, input, destinations }: EarlyRule,
  { source, destination }: { readonly source: Address; readonly destination: Address },
  arrival: string | undefined,
): boolean {
  const fits = covers(from, source) && covers(to, destination) && (input === undefined || input === arrival);
  return fits && destinations.some((each) => each === 'default' || covers(each, destination));
}

function covers(prefix: string | undefined, address: Address): boolean {
  if (prefix === undefined || prefix === address) return true;
  const parsed = parsePrefix(prefix);
  return parsed !== undefined && parsed.family === familyOf(address) && contains(parsed, address);
}
