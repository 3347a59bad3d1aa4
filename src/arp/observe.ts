/** Reads sysctls and neighbour proxies of links. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Link, Rtnetlink, Sysctl } from '../host/port.ts';
import { sysctlName } from '../host/sysctl.ts';
import { type Address, type Family, families } from '../model/address.ts';
import { parseLinkName } from '../model/link-name.ts';
import { linkSysctls, opensLink, type WantedSysctl } from './link-sysctls.ts';
import type { ObservedProxies, SysctlChange, SysctlValues } from './model.ts';

/** Of which the sysctls are read between two turns of the event loop: about 5 ms of work. */
const linksPerTurn = 16;

/**
 * The wanted sysctls that have another value now, or had when `known` was read. One that does not exist (no IPv6 on this
 * host, link gone) is left out. `opening`: the link, where it is being opened; then those that are right already are
 * written, too, since a value of IPv4's `conf` and of `neigh` that was never written on a link goes on following `default`'s
 * (devinet_copy_dflt_conf and neigh_copy_dflt_parms of Linux), without an event; `forwarding` alone follows `all` only.
 */
export function observeDrift(
  sysctl: Sysctl,
  ifindex: number,
  wanted: readonly WantedSysctl[],
  { known, opening }: { readonly known?: SysctlValues | undefined; readonly opening?: Link | undefined } = {},
): SysctlChange[] {
  return wanted.flatMap(({ path, value }): SysctlChange[] => {
    if (opening !== undefined && path.group === 'neigh' && hasFamily(opening, path.family))
      return [{ path, value, ifindex, was: undefined }];
    // What was not there may have come.
    const was = known?.get(sysctlName(path)) ?? opening?.settings?.(path) ?? sysctl.read(path);
    const followsDefault = opening !== undefined && !opensLink({ path });
    return was === undefined || (was === value && !followsDefault) ? [] : [{ path, value, ifindex, was }];
  });
}

/** Its own event says so. `neigh`'s values are not in it, and are written whatever they are. */
function hasFamily({ settings }: Link, family: Family): boolean {
  return settings?.({ family, group: 'conf', key: 'forwarding' }) !== undefined;
}

/** Those of all zone links, which were just listed, by ifindex: a link that is born again under its name has nothing here. */
export async function observeSysctls(sysctl: Sysctl, links: readonly Link[]): Promise<Map<number, SysctlValues>> {
  const observed = new Map<number, SysctlValues>();
  for (const { ifindex, name, settings } of links) {
    const link = parseLinkName(name);
    if (link === undefined) continue;
    const wanted = linkSysctls(link, { families, antiSpoof: true });
    observed.set(ifindex, new Map(wanted.map(({ path }) => [sysctlName(path), settings?.(path) ?? sysctl.read(path)])));
    if (observed.size % linksPerTurn === 0) await nextTurn();
  }
  return observed;
}

export async function observeProxies(rtnetlink: Rtnetlink): Promise<ObservedProxies> {
  const observed: ObservedProxies = new Map();
  for (const { address, ifindex } of await rtnetlink.proxies()) {
    const known = observed.get(ifindex);
    if (known === undefined) observed.set(ifindex, new Set([address]));
    else known.add(address);
  }
  return observed;
}

export async function observeLinkProxies(rtnetlink: Rtnetlink, ifindex: number): Promise<Set<Address>> {
  return new Set((await rtnetlink.proxies({ ifindex })).map(({ address }) => address));
}
