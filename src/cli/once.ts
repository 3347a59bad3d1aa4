/** A single look at the host, for the commands that plan or clean up without the daemon. */
import type { ConfigPaths } from '../config/config.ts';
import { makeDirectories } from '../directories/make-directories.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import { sourceFaults } from '../faults/settings.ts';
import { createHost } from '../host/index.ts';
import type { Host } from '../host/port.ts';
import type { Desired } from '../lifecycle/desired.ts';
import { DesiredTracker } from '../lifecycle/desired-tracker.ts';
import { FleetWatch } from '../lifecycle/fleet-watch.ts';
import { subnetFaultsOf } from '../lifecycle/host-problems.ts';
import { Mirror } from '../lifecycle/mirror.ts';
import { planPass } from '../lifecycle/pass.ts';
import type { Plan } from '../lifecycle/pass-plan.ts';
import { strangeLinks } from '../lifecycle/strange-links.ts';
import { shareOf } from '../lifecycle/table-shares.ts';
import { whyTaken } from '../lifecycle/taken.ts';
import { Uplinks } from '../lifecycle/uplinks.ts';
import { type Fault, sentenceOf } from '../model/fault.ts';
import { requireNftables } from '../nft/requirements.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import { readDaemonFiles } from './daemon-files.ts';

export interface Look {
  readonly plan: Plan;
  readonly problems: readonly string[];
  readonly directories: readonly AskedDirectory[];
  readonly desired: Desired;
  /** What is wrong with the zones' subnets and with guests' links. */
  readonly faults: readonly Fault[];
  readonly nameOf: (ifindex: number) => string;
}

/** Gives `use` a host that is closed afterwards. */
export async function withHost<T>(use: (host: Host) => Promise<T>): Promise<T> {
  const host = createHost();
  try {
    await requireNftables(host.nft);
    return await use(host);
  } finally {
    await host.close();
  }
}

/** What a first pass of the daemon would do on this host now. */
export async function lookOnce(host: Host, paths: ConfigPaths): Promise<Look> {
  const config = await readDaemonFiles(paths);
  const mirror = new Mirror();
  const directories = makeDirectories(config, () => mirror.zoneLinks());
  try {
    const uplinks = new Uplinks(host, mirror, () => config);
    const none = () => undefined;
    const fleet = new FleetWatch({ host, mirror, config: () => config, news: none, carriersTurned: none });
    await Promise.all([mirror.observeAll(host), uplinks.observe()]);
    await fleet.observe(true);
    await Promise.all(directories.map((directory) => directory.start(() => undefined)));
    const asked = directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() }));
    const { policies } = config;
    const share = shareOf(host.conntrack.fill());
    const { elsewhere } = fleet;
    const known = { mirror, directories: asked, served: new Map(), share, elsewhere };
    const facts = { config, policies, hasIpv6: hasIpv6(host.sysctl), ...known };
    const desired = new DesiredTracker().update(facts);
    const plan = planPass(desired, mirror, host.sysctl, {
      links: 'all',
      ruleset: 'all',
      siblings: new Set(),
      prune: asked.every(({ snapshot }) => snapshot.state !== 'waiting'),
      served: new Map(),
      open: new Set(),
      forgotten: new Set(),
      silent: fleet.silent,
      forwarding: uplinks.plan(desired.families),
    });
    const unserved = [...desired.unserved].map(
      ([ifindex, { reason, directory, origin }]) =>
        `${mirror.links.get(ifindex)?.name}: ${reason}${directory === undefined ? '' : ` (${directory}: ${origin})`}`,
    );
    const taken = [...desired.zones.values()].flatMap((zone) => (zone.taken ? [whyTaken(zone.link, zone.taken)] : []));
    const strange = strangeLinks(mirror.links.values(), mirror.formerly, asked);
    const problems = [
      ...config.warnings,
      ...asked.flatMap(({ snapshot }) => snapshot.problems),
      ...[...desired.problems.values()].flat(),
      ...sourceFaults(config, (address) => !uplinks.lacks(address)).map(sentenceOf),
      ...unserved,
      ...taken,
      ...strange.map(sentenceOf),
    ];
    const nameOf = (ifindex: number) => mirror.links.get(ifindex)?.name ?? `if${ifindex}`;
    return {
      plan,
      problems: [...new Set(problems)],
      directories: asked,
      desired,
      faults: [...subnetFaultsOf(config, desired, nameOf), ...strange],
      nameOf,
    };
  } finally {
    await Promise.all(directories.map((directory) => directory.stop()));
  }
}
