/** What the loop is put together from besides what it always has, and how each calls for a pass. */
import type { Config } from '../config/config.ts';
import { AskedDirectories, type MakeDirectories } from '../directories/asked-directories.ts';
import type { Host } from '../host/port.ts';
import type { Policy } from '../policy/model.ts';
import { tell } from '../words/log-messages.ts';
import { ConntrackPurges } from './conntrack-purges.ts';
import type { DesiredTracker } from './desired-tracker.ts';
import { FleetWatch } from './fleet-watch.ts';
import { ForeignWatch } from './foreign-watch.ts';
import type { Mirror } from './mirror.ts';
import { Observation } from './observation.ts';
import { Policing } from './policing.ts';
import type { PassFailure, Reporter } from './reporter.ts';
import { SysctlWatches } from './sysctl-watches.ts';
import { TableShares } from './table-shares.ts';
import { carriers } from './timing.ts';
import { Uplinks } from './uplinks.ts';

export interface ReconcilerOptions {
  readonly host: Host;
  readonly config: Config;
  readonly policies?: readonly Policy[];
  readonly makeDirectories: MakeDirectories;
  readonly reporter: Reporter;
}

export interface Hooks {
  readonly mirror: Mirror;
  readonly desired: DesiredTracker;
  readonly config: () => Config;
  /** Calls for a pass, in a few words. */
  readonly news: (what: string) => void;
  /** The link has lost its carrier for a while, or has it again. */
  readonly carrierTurned: (ifindex: number) => void;
  readonly failed: (error: Error, what: PassFailure) => void;
}

export function partsOf(options: ReconcilerOptions, { mirror, desired, config, news, carrierTurned, failed }: Hooks) {
  const { host, reporter } = options;
  return {
    directories: new AskedDirectories({
      config: options.config,
      make: options.makeDirectories,
      links: () => mirror.zoneLinks(),
      news,
      failed: (name, error) => reporter.directoryFailed(name, error),
    }),
    observation: new Observation(host, mirror),
    sysctlWatches: new SysctlWatches(host.sysctl, () => news('some links cannot be watched')),
    purges: new ConntrackPurges({
      conntrack: host.conntrack,
      news: () => news('connections are forgotten'),
      failed: (error) => failed(error, 'unforgottenConnections'),
    }),
    foreign: new ForeignWatch(host, config, () => news('other firewalls changed')),
    uplinks: new Uplinks(host, mirror, config, news),
    shares: new TableShares({
      host,
      zones: () => desired.desired?.zones.values() ?? [],
      resized: () => news('the table of connections has another size'),
      failed: (error) => failed(error, 'undoneChanges'),
    }),
    fleet: new FleetWatch({
      ...{ host, mirror, config, news },
      carriersTurned: (ifindex, isSilent) => {
        const link = mirror.links.get(ifindex)?.name ?? `if${ifindex}`;
        if (isSilent) tell(reporter.log, 'withdrawn', { link, n: carriers.patienceMs / 1000 }, { link, ifindex });
        else tell(reporter.log, 'announced', { link }, { link, ifindex });
        carrierTurned(ifindex);
      },
    }),
    policing: new Policing({
      host,
      desired: () => desired.desired,
      accesses: desired.accesses,
      log: reporter.log,
      failed: (error) => failed(error, 'undoneChanges'),
    }),
  };
}

export type Parts = ReturnType<typeof partsOf>;
