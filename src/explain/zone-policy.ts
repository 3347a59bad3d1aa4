/** What the policy files say of a zone, and what the kernel holds for it. Pure. */
import { type Address, parseAddress } from '../model/address.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { egressSets, policySets } from '../nft/names.ts';
import type { Place, PolicedZone, Policy, Transport, ZoneEgress } from '../policy/model.ts';
import { addressesNamed, addUp, policiesOf } from '../policy/select.ts';
import { elementValue } from '../rules/lookup.ts';
import { isRecord, type Ruleset } from '../rules/ruleset.ts';
import type { Facts } from './facts.ts';
import { isOwnTable } from './own-rules.ts';
import type { Snapshot } from './snapshot.ts';

/** By the files. */
export interface ZonePolicy {
  readonly zone: PolicedZone;
  /** Those with egress that are about the zone. */
  readonly policies: readonly Policy[];
  readonly egress: ZoneEgress;
}

/** An address that a name of the zone's had when it asked. */
export interface HeldLease {
  readonly name: string;
  readonly address: Address;
  readonly transport: Transport;
  readonly port: number;
  /** Until it ends. */
  readonly seconds: number;
}

/** Undefined where no policy says what the zone may reach. */
export function policyOf(text: string, snapshot: Snapshot): ZonePolicy | undefined {
  const link = parseLinkName(text);
  if (link === undefined) return undefined;
  const zone = policedZone(link, snapshot);
  const policies = policiesOf(snapshot.policies, zone).filter(({ egress }) => egress !== undefined);
  const egress = addUp(policies);
  return egress && { zone, policies, egress };
}

/** The zone behind the link, as policies see it. */
export function policedZone(link: LinkName, { zones }: Snapshot): PolicedZone {
  const { name = null, addresses = [] } = zones.find((each) => each.link === link) ?? {};
  return { link, name: name ?? undefined, addresses };
}

/** Addresses of the zones of a name, of other hosts' too. */
export function addressesOf(name: string, { zones, fleet }: Snapshot): Address[] {
  return addressesNamed(name, [...zones, ...fleet.zones]);
}

/** Whether the kernel holds a policy for the link. */
export function isPoliced(link: string, { ruleset }: Facts): boolean {
  return elementsOf(policySets.policed, ruleset).some((element) => elementValue(element) === link);
}

export function leasesOf(link: string, ruleset: Ruleset): HeldLease[] {
  const sets = Object.values(egressSets).map(({ leased }) => leased);
  return sets.flatMap((set) => elementsOf(set, ruleset)).flatMap((element) => leaseIn(element, link) ?? []);
}

/** As people say it: `9 min 59 s`. */
export function timeText(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** As programs jump to it. */
export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

function elementsOf(set: string, ruleset: Ruleset): readonly unknown[] {
  return ruleset.find(isOwnTable)?.sets.get(set)?.elements ?? [];
}

/** The daemon writes the name as the element's comment. */
function leaseIn(element: unknown, link: string): HeldLease | undefined {
  const { comment, expires } = (isRecord(element) && isRecord(element['elem']) && element['elem']) || {};
  const value = elementValue(element);
  const key: readonly unknown[] = isRecord(value) && Array.isArray(value['concat']) ? value['concat'] : [];
  const [of, text, transport, port] = key;
  const address = typeof text === 'string' ? parseAddress(text) : undefined;
  if (of !== link || address === undefined || (transport !== 'tcp' && transport !== 'udp')) return undefined;
  if (typeof port !== 'number' || typeof comment !== 'string' || typeof expires !== 'number') return undefined;
  return { name: comment, address, transport, port, seconds: expires };
}
