/** What is known of zones, from the daemon that serves them or from asking the directories once. Pure. */
import type { Status } from '../control/status.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { Desired } from '../lifecycle/desired.ts';
import type { Fault } from '../model/fault.ts';
import type { ZonesFacts } from './host-snapshot.ts';

export function zonesOfStatus({ directories, zones, faults }: Status): ZonesFacts {
  return {
    directories,
    zones: zones.map(({ link, name, addresses, directory, origin, state, reason, fix, wanted, carrier }) => ({
      link,
      addresses,
      state,
      name: name ?? undefined,
      directory: directory ?? undefined,
      origin: origin ?? undefined,
      reason,
      fix: fix ?? null,
      wanted: wanted ?? state !== 'unserved',
      carrier: carrier ?? null,
    })),
    faults,
  };
}

export interface Looked {
  readonly directories: readonly AskedDirectory[];
  readonly desired: Pick<Desired, 'zones' | 'unserved'>;
  readonly faults: readonly Fault[];
  readonly nameOf: (ifindex: number) => string;
}

export function zonesOfLook({ directories, desired, faults, nameOf }: Looked): ZonesFacts {
  const none = { reason: null, fix: null, carrier: null };
  const given = [...desired.zones.values()].map(({ link, name, addresses, directory, origin }) => ({
    ...none,
    link,
    name,
    addresses,
    directory,
    origin,
    state: 'asked' as const,
    wanted: true,
  }));
  const refused = [...desired.unserved].map(([ifindex, { reason, fix, directory, origin, isWanted }]) => ({
    ...none,
    link: nameOf(ifindex),
    name: undefined,
    addresses: [],
    directory,
    origin: origin === '' ? undefined : origin,
    state: 'unserved' as const,
    reason,
    fix: fix ?? null,
    wanted: isWanted,
  }));
  return {
    directories: directories.map(({ name, snapshot: { state, detail, problems } }) => ({
      name,
      state,
      detail,
      problems,
    })),
    zones: [...given, ...refused],
    faults,
  };
}
