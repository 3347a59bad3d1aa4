/** Reads what links have of ours. */
import type { ObservedProxies } from '../arp/model.ts';
import { observeProxies, observeSysctls } from '../arp/observe.ts';
import type { Host, Link, Rtnetlink } from '../host/port.ts';
import type { ObservedRoutes } from '../routes/model.ts';
import { observeRoutes } from '../routes/observe.ts';

/** Links first: they give the others' names their indices, and their sysctls come with them. */
export async function observeByLink({ rtnetlink, sysctl }: Host) {
  const links = await rtnetlink.links();
  const [[routes, proxies], shapers, sysctls] = await Promise.all([
    listByLink(rtnetlink, links),
    rtnetlink.shapers(),
    observeSysctls(sysctl, links),
  ]);
  return { links, routes, proxies, shapers, sysctls };
}

export function listByLink(rtnetlink: Rtnetlink, links: readonly Link[]): Promise<[ObservedRoutes, ObservedProxies]> {
  return Promise.all([observeRoutes(rtnetlink, links), observeProxies(rtnetlink)]);
}
