/**
 * A world of network namespaces: the dom0 host, the internet behind it, and zones. Made by `createWorld`, gone after
 * `destroy` or the end of the process, whichever comes first.
 *
 *   zone eth0 ── vif7.0 [host] uplink0 ── eth0 [internet, far host on lo]
 */
import { mkdirSync } from 'node:fs';
import { claimPrefix, destroyPrefix, directoryOf, sweepStale } from './cleanup.ts';
import { type CommandResult, ipBatch } from './command.ts';
import { type Daemon, type DaemonOptions, programPath, startDaemon } from './daemon.ts';
import { ObservedHost } from './host.ts';
import { addLink, addManyLinks, type ManyLinks } from './links.ts';
import { Namespace } from './namespace.ts';
import { hostLines, internetLines, namespaceLines, type WorldOptions } from './topology.ts';
import { WorldFiles, type ZoneFile } from './world-files.ts';
import { addZone, type Zone, type ZoneOptions } from './zone.ts';

/** Takes about 40 ms. Needs root. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  if (process.geteuid?.() !== 0) throw new Error('network namespaces need root');
  sweepStale();
  const prefix = claimPrefix();
  try {
    const world = new World(prefix);
    await ipBatch(namespaceLines(world.host.name, world.internet.name, options));
    await Promise.all([
      world.host.ip(...hostLines(options)),
      world.internet.ip(...internetLines(options)),
      world.files.writeDefaults(),
    ]);
    return world;
  } catch (error) {
    destroyPrefix(prefix);
    throw error;
  }
}

/** Runs `use` in a fresh world and destroys it, whatever happens. */
export async function withWorld<T>(options: WorldOptions, use: (world: World) => Promise<T>): Promise<T> {
  const world = await createWorld(options);
  try {
    return await use(world);
  } finally {
    world.destroy();
  }
}

export class World {
  readonly prefix: string;
  readonly host: ObservedHost;
  readonly internet: Namespace;
  readonly files: WorldFiles;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.host = new ObservedHost(`${prefix}-host`);
    this.internet = new Namespace(`${prefix}-internet`);
    const directory = directoryOf(prefix);
    mkdirSync(directory, { mode: 0o700 });
    this.files = new WorldFiles(directory);
  }

  /** A zone with its link, DOWN on the host as netback leaves it. */
  addZone(options: ZoneOptions): Promise<Zone> {
    return addZone(this.prefix, this.host, options);
  }

  /** A bare link of any name on the host, DOWN, with its peer in a shared namespace. */
  addLink(name: string): Promise<void> {
    return addLink(this.prefix, this.host, name);
  }

  /** `count` links `vif<firstDomid>.0`, `vif<firstDomid+1>.0` …, DOWN, with their peers in a shared namespace. */
  addManyLinks(count: number, firstDomid: number): Promise<ManyLinks> {
    return addManyLinks(this.prefix, this.host, count, firstDomid);
  }

  writeZoneFile(link: string, file: ZoneFile): Promise<void> {
    return this.files.writeZone(link, file);
  }

  removeZoneFile(link: string): Promise<void> {
    return this.files.removeZone(link);
  }

  /** Writes the zone's own addresses into the static directory. */
  declareZone(zone: Zone): Promise<void> {
    return this.files.writeZone(zone.link, { ipv4: zone.ipv4, ipv6: zone.ipv6 });
  }

  startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
    return startDaemon(this.host, this.files, options);
  }

  /** Runs another command of protect-network on the host, with this world's `--config` and `--settings`. */
  cli(args: readonly string[]): Promise<CommandResult> {
    return this.host.exec(programPath, [...args, ...this.files.options]);
  }

  /** Kills and deletes everything of this world; synchronous and harmless when repeated. */
  destroy(): void {
    destroyPrefix(this.prefix);
  }
}
