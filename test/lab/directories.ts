/** The zone directories of a world other than the static one, and what the daemon says about them. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DirectoryStatus, Status } from '../../src/control/status.ts';
import type { DirectoryState } from '../../src/directories/zone-directory.ts';
import type { DirectoryName } from '../../src/model/directory-name.ts';
import { domidOf } from '../../src/model/link-name.ts';
import { ControlApiServer, type Flavour, type WireZone } from '../control-api/server.ts';
import { ederaZone, krataZone } from '../control-api/zones.ts';
import type { Daemon } from './daemon.ts';
import { waitFor } from './wait-for.ts';
import type { World } from './world.ts';
import type { Settings } from './world-files.ts';
import type { Zone } from './zone.ts';

/** A control API server with a directory of its own in the world's, as Edera's daemon has; not started. */
export async function controlApiIn(world: World, flavour: Flavour, name = 'edera'): Promise<ControlApiServer> {
  const path = join(world.files.directory, name, 'daemon.socket');
  await mkdir(dirname(path), { recursive: true });
  return new ControlApiServer(path, flavour);
}

/** The `zones` section that names the directories and where they are. */
export function zoneSettings(
  directories: readonly DirectoryName[],
  places: { readonly api?: string; readonly xenstore?: string } = {},
): Settings {
  const { api, xenstore } = places;
  return {
    zones: {
      directories,
      ...(api === undefined ? {} : { 'control-api': `unix://${api}` }),
      ...(xenstore === undefined ? {} : { xenstore }),
    },
    // The safety net: here it would only repair, behind the test's back, what an event should have.
    reconcile: { 'resync-seconds': 600 },
  };
}

export interface Told {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  /** It was destroyed, and this is its last event. */
  readonly ended?: boolean;
}

/** `zone` as either service tells it, with the subnet's prefix as krata writes it. */
export function wireZone(flavour: Flavour, id: string, zone: Zone, told: Told = {}): WireZone {
  const { ipv4 = zone.ipv4, ipv6 = zone.ipv6, ended = false } = told;
  const domid = domidOf(zone.link);
  if (flavour === 'krata') {
    return krataZone(
      id,
      domid,
      ipv4 === undefined ? '' : `${ipv4}/16`,
      ipv6 === undefined ? '' : `${ipv6}/48`,
      ended ? 5 : 2,
    );
  }
  const addresses = [ipv4, ipv6].filter((address) => address !== undefined);
  return ederaZone(id, domid, addresses, { link: zone.link, state: ended ? 6 : 3 });
}

export function directoryOf({ directories }: Status, name: DirectoryName): DirectoryStatus | undefined {
  return directories.find((directory) => directory.name === name);
}

/** Waits until the daemon reports the directory in `state`. */
export function untilDirectory(
  daemon: Daemon,
  name: DirectoryName,
  state: DirectoryState,
  deadlineMs = 20_000,
): Promise<DirectoryStatus> {
  return waitFor(
    async () => {
      const directory = directoryOf(await daemon.status(), name);
      return directory?.state === state && directory;
    },
    { what: `${name} to be ${state}`, deadlineMs, everyMs: 20 },
  );
}

/** What the host holds for a link or address: routes, proxy entries, rules and set elements, as lines of its snapshot. */
export async function tracesOf(world: World, ...names: readonly (string | undefined)[]): Promise<string[]> {
  const snapshot = await world.host.snapshot();
  const wanted = names.filter((name) => name !== undefined);
  return snapshot.split('\n').filter((line) => !isKernels(line) && wanted.some((name) => namesIt(line, name)));
}

/** An IPv6 link that is up has routes which nobody made. */
function isKernels(line: string): boolean {
  return /^(fe80::\/64|(local|anycast|multicast) (fe80:|ff00:))/.test(line);
}

/** `10.75.1.7` is not part of `10.75.1.70`, nor `vif7.0` of `vif7.01`. */
function namesIt(line: string, name: string): boolean {
  return new RegExp(`(?<![0-9a-z.:])${name.replaceAll('.', '\\.')}(?![0-9a-z:]|\\.[0-9])`).test(line);
}
