/** What is known of zones, from the daemon that serves them or from asking the directories once. Pure. */
import type { Status } from '../control/status.ts';
import type { AskedDirectory } from '../directories/zone-directory.ts';
import type { Desired } from '../lifecycle/desired.ts';
import type { ZonesFacts } from './host-snapshot.ts';

export function zonesOfStatus({ directories, zones }: Status): ZonesFacts {
  return {
    directories,
    zones: zones.map(({ link, name, addresses, directory, origin, state, reason }) => ({
      link,
      addresses,
      state,
      name: name ?? undefined,
      directory: directory ?? undefined,
      origin: origin ?? undefined,
      reason: reason ?? undefined,
    })),
  };
}

export function zonesOfLook(
  directories: readonly AskedDirectory[],
  { zones, unserved }: Pick<Desired, 'zones' | 'unserved'>,
  nameOf: (ifindex: number) => string,
): ZonesFacts {
  const given = [...zones.values()].map(({ link, name, addresses, directory, origin }) => ({
    link,
    name,
    addresses,
    directory,
    origin,
    state: 'asked' as const,
    reason: undefined,
  }));
  const none = [...unserved].map(([ifindex, reason]) => ({
    link: nameOf(ifindex),
    name: undefined,
    addresses: [],
    directory: undefined,
    origin: undefined,
    state: 'unserved' as const,
    reason,
  }));
  return {
    directories: directories.map(({ name, snapshot: { state, detail, problems } }) => ({
      name,
      state,
      detail,
      problems,
    })),
    zones: [...given, ...none],
  };
}
