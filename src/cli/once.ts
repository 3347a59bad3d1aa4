/** A single look at the host, for the commands that plan or clean up without the daemon. */
import { type ConfigPaths, loadConfig } from '../config/config.ts';
import { createHost } from '../host/index.ts';
import type { Host } from '../host/port.ts';
import { requireHost } from '../host/requirements.ts';
import type { AskedDirectory } from '../lifecycle/claims.ts';
import { computeDesired, type Desired } from '../lifecycle/desired.ts';
import { makeDirectories } from '../lifecycle/directories.ts';
import { Mirror } from '../lifecycle/mirror.ts';
import { planPass } from '../lifecycle/pass.ts';
import type { Plan } from '../lifecycle/plan.ts';
import { hasIpv6, planForwarding } from '../routes/forwarding.ts';

export interface Look {
  readonly plan: Plan;
  readonly problems: readonly string[];
  readonly directories: readonly AskedDirectory[];
  readonly desired: Desired;
  readonly nameOf: (ifindex: number) => string;
}

/** Gives `use` a host that is closed afterwards. */
export async function withHost<T>(use: (host: Host) => Promise<T>): Promise<T> {
  const host = createHost();
  try {
    await requireHost(host);
    return await use(host);
  } finally {
    await host.close();
  }
}

/** What a first pass of the daemon would do on this host now. */
export async function lookOnce(host: Host, paths: ConfigPaths): Promise<Look> {
  const config = loadConfig(paths);
  const mirror = new Mirror();
  const directories = makeDirectories(config, () => mirror.zoneLinks());
  try {
    await mirror.observeAll(host);
    await Promise.all(directories.map((directory) => directory.start(() => undefined)));
    const asked = directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() }));
    const desired = computeDesired({
      config,
      hasIpv6: hasIpv6(host.sysctl),
      links: mirror.links.values(),
      directories: asked,
      holders: mirror.holders(),
      served: new Map(),
    });
    const plan = planPass(desired, mirror, host.sysctl, {
      links: 'all',
      ruleset: 'all',
      siblings: new Set(),
      prune: asked.every(({ snapshot }) => snapshot.state !== 'waiting'),
      served: new Map(),
      open: new Set(),
      forgotten: new Set(),
      forwarding: planForwarding(host.sysctl, desired.families, await host.rtnetlink.defaultRoutes()),
    });
    const unserved = [...desired.unserved].map(([ifindex, why]) => `${mirror.links.get(ifindex)?.name}: ${why}`);
    const problems = [
      ...config.warnings,
      ...asked.flatMap(({ snapshot }) => snapshot.problems),
      ...[...desired.problems.values()].flat(),
      ...unserved,
    ];
    return {
      plan,
      problems: [...new Set(problems)],
      directories: asked,
      desired,
      nameOf: (ifindex) => mirror.links.get(ifindex)?.name ?? `if${ifindex}`,
    };
  } finally {
    await Promise.all(directories.map((directory) => directory.stop()));
  }
}
