/** A world with all three zone directories: a control API server that is not started yet, a real xenstored, the files. */
import type { DirectoryName } from '../../src/model/directory-name.ts';
import type { ControlApiServer } from '../control-api/server.ts';
import { startXenstored, type Xenstored } from '../xenstored/xenstored.ts';
import type { Daemon } from './daemon.ts';
import { controlApiIn, directoryOf, wireZone, zoneSettings } from './directories.ts';
import { untilState } from './served.ts';
import { waitFor } from './wait-for.ts';
import { createWorld, type World } from './world.ts';
import type { Zone } from './zone.ts';

/** For what takes a moment on an idle machine, or as long as a directory that hangs is waited for. */
const deadline = 20_000;

/** Whoever opens it closes it. */
export async function openThreeDirectories(): Promise<ThreeDirectories> {
  const [world, xenstored] = await Promise.all([createWorld(), startXenstored()]);
  return new ThreeDirectories(world, await controlApiIn(world, 'edera'), xenstored);
}

export class ThreeDirectories {
  readonly world: World;
  readonly api: ControlApiServer;
  readonly xenstored: Xenstored;
  /** How each directory says that the zone has its addresses, or this one instead of its own IPv4. */
  readonly say: Readonly<Record<DirectoryName, (zone: Zone, ipv4?: string) => Promise<void>>>;

  constructor(world: World, api: ControlApiServer, xenstored: Xenstored) {
    this.world = world;
    this.api = api;
    this.xenstored = xenstored;
    this.say = {
      'control-api': async (zone, ipv4 = zone.ipv4) => api.put(wireZone('edera', zone.link, zone, { ipv4 })),
      xenstore: (zone, ipv4 = zone.ipv4) => xenstored.write(ipNodeOf(zone), `${ipv4} ${zone.ipv6}`),
      static: (zone, ipv4 = zone.ipv4) => world.writeZoneFile(zone.link, { ipv4, ipv6: zone.ipv6 }),
    };
  }

  startDaemon(directories: readonly DirectoryName[]): Promise<Daemon> {
    return this.world.startDaemon({ settings: this.#settings(directories), deadlineMs: deadline });
  }

  /** Writes other settings; returns before they are in force. */
  write(directories: readonly DirectoryName[], places: { api?: string; xenstore?: string } = {}): Promise<void> {
    return this.world.files.writeSettings(this.#settings(directories, places));
  }

  /** Writes other settings and waits until they are in force. */
  async change(daemon: Daemon, ...settings: Parameters<ThreeDirectories['write']>): Promise<void> {
    const begun = daemon.log.length;
    await this.write(...settings);
    await waitFor(() => daemon.log.slice(begun).some(({ msg }) => /^configuration reloaded/.test(String(msg))), {
      what: 'the new settings to be in force',
      deadlineMs: deadline,
    });
  }

  async close(): Promise<void> {
    this.api.kill();
    this.world.destroy();
    await this.xenstored.stop();
  }

  #settings(directories: readonly DirectoryName[], places: { api?: string; xenstore?: string } = {}) {
    return zoneSettings(directories, { api: this.api.path, xenstore: this.xenstored.socket, ...places });
  }
}

export function ipNodeOf(zone: Zone): string {
  return `/local/domain/0/backend/vif/${zone.link.slice(3).replace('.', '/')}/ip`;
}

/** Waits for the zone with the deadline of all here. */
export function untilReady(daemon: Daemon, zone: Zone): ReturnType<typeof untilState> {
  return untilState(daemon, zone.link, 'ready', deadline);
}

export async function untilEntries(daemon: Daemon, name: DirectoryName, entries: number): Promise<void> {
  await waitFor(async () => directoryOf(await daemon.status(), name)?.entries === entries, {
    what: `${entries} entries in ${name}`,
    deadlineMs: deadline,
  });
}
