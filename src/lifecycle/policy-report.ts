/** Builds what `GET /v1/policy` answers from what the daemon has opened and heard. */
import type { DenialStatus, PolicyAnswer, ZonePolicy } from '../control/policy.ts';
import type { Address } from '../model/address.ts';
import { type DenyRule, policyStates, type ZoneEgress } from '../policy/model.ts';
import { denialOf, nameDenial, nameRules, ruleFor, type ZoneAddresses } from '../policy/verdict.ts';
import type { Denial } from './denials.ts';
import type { DesiredZone } from './desired.ts';
import type { Policing } from './policing.ts';
import type { Reconciler } from './reconciler.ts';

/** `asked`: a link, or a name. */
export async function reportPolicy({ policing }: Pick<Reconciler, 'policing'>, asked: string): Promise<PolicyAnswer> {
  const all = [...(policing.desired()?.byLink.values() ?? [])];
  const found = all.filter(({ link, name }) => link === asked || name === asked);
  const names = new Map(all.flatMap(({ addresses, name }) => addresses.map((address) => [address, name] as const)));
  return { zones: await Promise.all(found.map((zone) => zonePolicy(policing, zone, names))) };
}

type ZoneNames = ReadonlyMap<string, string | undefined>;

async function zonePolicy(policing: Policing, zone: DesiredZone, names: ZoneNames): Promise<ZonePolicy> {
  const { accesses, leases, denials } = policing;
  const egress = accesses.egressOf(zone);
  const now = performance.now();
  return {
    link: zone.link,
    name: zone.name ?? null,
    policy: egress === undefined ? 'none' : policyStates[egress.mode],
    leases: leases
      .of(zone.link)
      .filter(({ until }) => until > now)
      .map(({ name, address, transport, port, until }) => {
        return { name, address, transport, port, seconds: Math.ceil((until - now) / 1000) };
      }),
    denials: egress === undefined ? [] : await stillDenied(policing, egress, denials.of(zone.link), names),
  };
}

/** Without those that a rule allows that has come since. */
async function stillDenied(
  { accesses, isOwn }: Policing,
  egress: ZoneEgress,
  denials: readonly Denial[],
  names: ZoneNames,
): Promise<DenialStatus[]> {
  const wanted: DenialStatus[] = [];
  for (const denial of denials) {
    const { at, times, mode, name = null, address = null, transport = null, port = null } = denial;
    const host = address !== null && (await isOwn(address as Address));
    if (isAllowed(egress, denial, host, (zone) => accesses.addressesOf(zone))) continue;
    const by = deniedBy(egress, denial);
    wanted.push({
      at,
      times,
      mode,
      name,
      address,
      host,
      zone: names.get(address ?? '') ?? null,
      transport,
      port,
      deniedBy: by === undefined ? null : `${by.place.file}:${by.place.line}`,
    });
  }
  return wanted;
}

function isAllowed(
  egress: ZoneEgress,
  { name, address, transport, port = 0 }: Denial,
  isHost: boolean,
  addressesOf: ZoneAddresses,
): boolean {
  if (address === undefined) return name !== undefined && nameRules(egress, name).length > 0;
  if (transport === undefined || denialOf(egress, address as Address) !== undefined) return false;
  const flow = { address: address as Address, transport, port, isHost };
  if (ruleFor(egress, flow, addressesOf) !== undefined) return true;
  const rules = name === undefined ? [] : nameRules(egress, name);
  return rules.some((rule) => rule.transport === transport && rule.ports.first <= port && port <= rule.ports.last);
}

function deniedBy(egress: ZoneEgress, { name, address }: Denial): DenyRule | undefined {
  const byAddress = address === undefined ? undefined : denialOf(egress, address as Address);
  return byAddress ?? (name === undefined ? undefined : nameDenial(egress, name));
}
