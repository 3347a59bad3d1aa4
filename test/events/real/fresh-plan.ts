/** What a first pass of another daemon would do on this host. */
import type { Config } from '../../../src/config/config.ts';
import type { ZoneDirectory } from '../../../src/directories/zone-directory.ts';
import type { Host } from '../../../src/host/port.ts';
import { computeDesired } from '../../../src/lifecycle/desired.ts';
import { Mirror } from '../../../src/lifecycle/mirror.ts';
import { planPass } from '../../../src/lifecycle/pass.ts';
import { describePlan, type Plan } from '../../../src/lifecycle/pass-plan.ts';
import { shareOf } from '../../../src/lifecycle/table-shares.ts';
import { Uplinks } from '../../../src/lifecycle/uplinks.ts';
import { hasIpv6 } from '../../../src/routes/forwarding.ts';

/** In the words of `protect-network plan`. `guestsElsewhere`: guests' renamed links, which Xen would tell of, and nobody does here. */
export async function planAnew(
  host: Host,
  config: Config,
  directories: readonly ZoneDirectory[],
  guestsElsewhere: readonly string[],
): Promise<readonly string[]> {
  const mirror = new Mirror();
  await mirror.observeAll(host);
  const desired = computeDesired({
    config,
    hasIpv6: hasIpv6(host.sysctl),
    links: mirror.links.values(),
    takenBy: (link) => mirror.takenBy(link),
    directories: directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() })),
    holders: mirror.holders(),
    guestsElsewhere,
    served: new Map(),
    share: shareOf(host.conntrack.fill()),
  });
  const uplinks = new Uplinks(host, mirror, () => config);
  await uplinks.observe();
  const plan: Plan = planPass(desired, mirror, host.sysctl, {
    links: 'all',
    ruleset: 'all',
    siblings: new Set(),
    prune: true,
    served: new Map(),
    open: new Set(),
    forgotten: new Set(),
    silent: new Set(),
    forwarding: uplinks.plan(desired.families),
  });
  // A link that cannot be opened is given its values again at each try, right or not.
  const sysctls = plan.sysctls.filter(({ value, was }) => value !== was);
  return describePlan({ ...plan, sysctls }, (ifindex) => mirror.links.get(ifindex)?.name ?? `if${ifindex}`).map(
    ({ tool, action, text }) => `${tool} ${action} ${text}`,
  );
}
