/**
 * A zone's link that somebody else has taken: as a port of a bridge or bond, a member of a VRF, or with a device on top of
 * it. What the zone sends never reaches this host's routes then. The one source of words for it. Pure.
 */
import type { LinkTies } from '../host/port.ts';
import { say } from '../words/say.ts';
import { reasons } from '../words/warnings.ts';

type NamedLink = LinkTies & { readonly name: string };

export interface Taken {
  /** The other device's name. */
  readonly by: string;
  /** rtnetlink's word for it; undefined while it is not known. */
  readonly kind: string | undefined;
  /** It stands on the zone's link; else the zone's link is a member of it. */
  readonly isAbove: boolean;
}

/** Devices that take frames from the link they stand on. Tunnels only send by it, and a veth names its peer. */
const takersAbove = new Set(['ipvlan', 'ipvtap', 'macsec', 'macvlan', 'macvtap', 'vlan']);
const kindNames: Readonly<Record<string, string>> = { openvswitch: 'Open vSwitch', vlan: 'VLAN', vrf: 'VRF' };

/** `above`: the links that stand on it. */
export function takenBy(
  { master }: NamedLink,
  above: readonly NamedLink[],
  named: (name: string) => NamedLink | undefined,
): Taken | undefined {
  if (master !== undefined) return { by: master, kind: named(master)?.kind, isAbove: false };
  const taker = above.find(({ kind }) => kind !== undefined && takersAbove.has(kind));
  return taker && { by: taker.name, kind: taker.kind, isAbove: true };
}

/** The same from a listing of all links. */
export function takenIn(links: readonly NamedLink[], name: string): Taken | undefined {
  const named = (wanted: string) => links.find((each) => each.name === wanted);
  const link = named(name);
  const above = links.filter(({ lower }) => lower === name);
  return link && takenBy(link, above, named);
}

export function sameTaker(one: Taken | undefined, other: Taken | undefined): boolean {
  return one?.by === other?.by && one?.kind === other?.kind && one?.isAbove === other?.isAbove;
}

/** E.g. `vif8.0 is a port of bridge xenbr0: its packets go there and not through this host's routes`. */
export function whyTaken(link: string, { by, kind, isAbove }: Taken): string {
  const device = kind === undefined ? by : `${kindNames[kind] ?? kind} ${by}`;
  if (isAbove) return say(reasons.onTop, { device, link });
  return say(reasons.taken, { link, role: kind === 'vrf' ? 'member' : 'port', device });
}

/** A command. */
export function howToFree(link: string, { by, isAbove }: Taken): string {
  return isAbove ? `ip link del ${by}` : `ip link set ${link} nomaster`;
}

/** Who is likely to have done it, and will again. */
export function whoTakes({ kind }: Taken): readonly string[] {
  if (kind !== 'bridge' && kind !== 'openvswitch') return [];
  return [
    "xl's default hotplug script (vif-bridge) puts each guest's link into a bridge: give the guest the script of docs/install-xl.md, step 3",
  ];
}
