/** Reads sysctls and neighbour proxies of links. */
import type { Link, Rtnetlink, Sysctl } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import type { ObservedProxies, SysctlChange } from './model.ts';
import type { WantedSysctl } from './sysctls.ts';

/** The wanted sysctls that have another value now. One that does not exist (no IPv6 on this host, link gone) is left out. */
export function observeDrift(sysctl: Sysctl, ifindex: number, wanted: readonly WantedSysctl[]): SysctlChange[] {
  return wanted.flatMap(({ path, value }) => {
    const was = sysctl.read(path);
    return was === undefined || was === value ? [] : [{ path, value, ifindex, was }];
  });
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
