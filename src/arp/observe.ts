/** Reads sysctls and neighbour proxies of links. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Link, Rtnetlink, Sysctl } from '../host/port.ts';
import { sysctlName } from '../host/sysctl.ts';
import { type Address, families } from '../model/address.ts';
import { parseLinkName } from '../model/link-name.ts';
import type { ObservedProxies, SysctlChange, SysctlValues } from './model.ts';
import { linkSysctls, type WantedSysctl } from './sysctls.ts';

/** Of which the sysctls are read between two turns of the event loop: about 5 ms of work. */
const linksPerTurn = 16;

/**
 * The wanted sysctls that have another value now, or had when `known` was read. One that does not exist (no IPv6 on this
 * host, link gone) is left out.
 */
export function observeDrift(
  sysctl: Sysctl,
  ifindex: number,
  wanted: readonly WantedSysctl[],
  known?: SysctlValues,
): SysctlChange[] {
  return wanted.flatMap(({ path, value }) => {
    // What was not there may have come.
    const was = known?.get(sysctlName(path)) ?? sysctl.read(path);
    return was === undefined || was === value ? [] : [{ path, value, ifindex, was }];
  });
}

/** Those of all zone links, by ifindex: a link that is born again under its name has nothing here. */
export async function observeSysctls(sysctl: Sysctl, links: readonly Link[]): Promise<Map<number, SysctlValues>> {
  const observed = new Map<number, SysctlValues>();
  for (const { ifindex, name } of links) {
    const link = parseLinkName(name);
    if (link === undefined) continue;
    const wanted = linkSysctls(link, { families, antiSpoof: true });
    observed.set(ifindex, new Map(wanted.map(({ path }) => [sysctlName(path), sysctl.read(path)])));
    if (observed.size % linksPerTurn === 0) await nextTurn();
  }
  return observed;
}

export async function observeProxies(rtnetlink: Rtnetlink, links: readonly Link[]): Promise<ObservedProxies> {
  const indices = new Map(links.map((link) => [link.name, link.ifindex]));
  const observed: ObservedProxies = new Map();
  for (const { address, device } of await rtnetlink.proxies()) {
    const ifindex = indices.get(device);
    if (ifindex === undefined) continue;
    const known = observed.get(ifindex);
    if (known === undefined) observed.set(ifindex, new Set([address]));
    else known.add(address);
  }
  return observed;
}

export async function observeLinkProxies(rtnetlink: Rtnetlink, ifindex: number): Promise<Set<Address>> {
  return new Set((await rtnetlink.proxies({ ifindex })).map(({ address }) => address));
}
