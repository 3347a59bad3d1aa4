/** What the daemon says and what packets show: the vocabulary of the kernel tests. */
import type { Status, ZoneState, ZoneStatus } from '../../src/control/status.ts';
import { run } from './command.ts';
import type { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';
import { ping } from './ping.ts';
import type { WorldOptions } from './topology.ts';
import { waitFor } from './wait-for.ts';
import { createWorld, type World } from './world.ts';
import type { Settings } from './world-files.ts';
import type { Zone, ZoneOptions } from './zone.ts';

/** Waits until the daemon reports `link` in `state`. */
export function untilState(
  daemon: Daemon,
  link: string,
  state: ZoneState = 'ready',
  deadlineMs = 15_000,
): Promise<ZoneStatus> {
  return waitFor(async () => (await daemon.status()).zones.find((zone) => zone.link === link && zone.state === state), {
    what: `${link} to be ${state}`,
    deadlineMs,
    everyMs: 10,
  });
}

/** Waits until the daemon reports no link of that name. */
export function untilForgotten(daemon: Daemon, link: string): Promise<true> {
  return waitFor(async () => (await daemon.status()).zones.every((zone) => zone.link !== link), {
    what: `${link} to be forgotten`,
    deadlineMs: 15_000,
  });
}

/** Waits for `count` more passes than there were: what the daemon wanted to do by itself is done then. */
export async function untilPasses(daemon: Daemon, count: number): Promise<Status> {
  const { passes } = await daemon.status();
  return waitFor(
    async () => {
      const status = await daemon.status();
      return status.passes >= passes + count && status;
    },
    { what: `${count} more passes`, deadlineMs: 10_000, everyMs: 50 },
  );
}

/** A zone with its link and its file, in either order of arrival, served on return. */
export async function addServedZone(world: World, daemon: Daemon, options: ZoneOptions): Promise<Zone> {
  const zone = await world.addZone(options);
  await world.declareZone(zone);
  await untilState(daemon, zone.link);
  return zone;
}

export interface SceneOptions extends WorldOptions {
  /** Edera's daemon.toml, instead of both default subnets. */
  readonly config?: string;
  readonly settings?: Settings;
  /** What others have done to the host before the daemon starts. */
  readonly beforeDaemon?: (world: World) => Promise<void>;
}

export interface Scene {
  readonly world: World;
  readonly daemon: Daemon;
  /** `vif7.0` and `vif8.0`, declared before the daemon starts. */
  readonly zones: readonly [Zone, Zone];
}

/** A world with a running daemon that serves two zones. Whoever opens it destroys `world`. */
export async function openScene({
  config,
  settings = {},
  beforeDaemon,
  ...options
}: SceneOptions = {}): Promise<Scene> {
  const world = await createWorld(options);
  try {
    if (config !== undefined) await world.files.writeConfig(config);
    // One after the other: the status lists them by age of their links.
    const zones: Scene['zones'] = [await world.addZone({ domid: 7 }), await world.addZone({ domid: 8 })];
    await Promise.all(zones.map((zone) => world.declareZone(zone)));
    await beforeDaemon?.(world);
    const daemon = await world.startDaemon({ settings });
    await Promise.all(zones.map((zone) => untilState(daemon, zone.link)));
    return { world, daemon, zones };
  } catch (error) {
    world.destroy();
    throw error;
  }
}

/** Runs `use` in a scene of its own and destroys it, whatever happens. */
export async function withScene<T>(options: SceneOptions, use: (scene: Scene) => Promise<T>): Promise<T> {
  const scene = await openScene(options);
  try {
    return await use(scene);
  } finally {
    scene.world.destroy();
  }
}

/** True where one echo request is answered within a second. */
export async function reaches(from: Namespace, to: string | undefined): Promise<boolean> {
  return (await ping(from, String(to))).received === 1;
}

/** True where neither of two echo requests is answered within 300 ms; an open path answers within one. */
export async function isCutOff(from: Namespace, to: string | undefined, source?: string): Promise<boolean> {
  const options = { count: 2, timeoutMs: 300, ...(source === undefined ? {} : { source }) };
  return (await ping(from, String(to), options)).received === 0;
}

/** Waits until `protect-network plan` finds nothing left to do. */
export async function untilNothingToDo(world: World): Promise<void> {
  await waitFor(async () => (await world.cli(['plan'])).stdout.startsWith('nothing to do'), {
    what: 'a plan without steps',
    deadlineMs: 30_000,
  });
}

/** The daemon's helper processes: command line without its directory, by process id. */
export async function childrenOf(daemon: Daemon): Promise<Map<number, string>> {
  const { stdout } = await run('ps', ['--ppid', String(daemon.pid), '-o', 'pid=,args=', '-ww']);
  const rows = stdout.split('\n').filter((line) => line.trim() !== '');
  return new Map(rows.map((line) => [Number.parseInt(line, 10), line.replace(/^\s*\d+ \S*\//, '')]));
}
