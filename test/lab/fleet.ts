/**
 * Several dom0s with real BIRD, and a router for each LAN between them:
 *
 *   zone ── vif7.0 [dom0 N] eth0 ── lan [router 1, 10.0.1.254]
 *                           eth1 ── lan [router 2, 10.0.2.254]
 *
 * Each dom0 is a world of its own, whose `uplink0` is the way to the internet and no uplink of the fleet.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ipBatch, type LongRunning } from './command.ts';
import type { Daemon } from './daemon.ts';
import { freshNamespaceLines } from './fresh-namespace.ts';
import { startFrr } from './frr.ts';
import { Namespace } from './namespace.ts';
import { addServedZone } from './served.ts';
import { farIndex } from './topology.ts';
import { waitFor } from './wait-for.ts';
import { createWorld, type World } from './world.ts';
import type { Settings } from './world-files.ts';
import type { Zone } from './zone.ts';

const examples = join(import.meta.dirname, '../../examples');

export interface FleetOptions {
  /** Of dom0s, which are called 2, 3 …; default 2. */
  readonly hosts?: number;
  /** LANs, each with a router; default 1. */
  readonly lans?: 1 | 2;
  /** The second LAN's router is FRR. */
  readonly isFrr?: boolean;
  /** Of the daemons, as `DaemonOptions` has it. */
  readonly debug?: boolean;
}

/** BIRD in one namespace, which can be killed and started again. */
export class Bird {
  readonly #namespace: Namespace;
  readonly #file: string;
  readonly #socket: string;
  #process: LongRunning | undefined;

  constructor(namespace: Namespace, directory: string, config: string) {
    this.#namespace = namespace;
    this.#file = join(directory, `${namespace.name.split('-').at(-1)}.bird.conf`);
    this.#socket = join(directory, `${namespace.name.split('-').at(-1)}.ctl`);
    writeFileSync(this.#file, config, { mode: 0o600 });
  }

  get socket(): string {
    return this.#socket;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** As Debian's unit does it, with `BIRD_ARGS`. */
  start(args: readonly string[] = ['-R']): void {
    const pidFile = `${this.#socket}.pid`;
    this.#process = this.#namespace.spawn('bird', ['-f', '-c', this.#file, '-s', this.#socket, '-P', pidFile, ...args]);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
  }

  /** As the page on fleets has the unit stop it: the router keeps this host's routes. */
  async stopGracefully(): Promise<void> {
    await this.ask('graceful', 'restart');
    await this.#process?.ended;
  }

  reconfigure(config: string): Promise<string> {
    writeFileSync(this.#file, config);
    return this.ask('configure');
  }

  ask(...words: readonly string[]): Promise<string> {
    return this.#namespace.mustExec('birdc', ['-s', this.#socket, ...words]);
  }

  get config(): string {
    return readFileSync(this.#file, 'utf8');
  }
}

export interface Dom0 {
  readonly number: number;
  readonly world: World;
  readonly bird: Bird;
  daemon: Daemon;
  /** Of this dom0's block, or with the addresses given. */
  addZone(domid: number, addresses?: { readonly ipv4?: string | null; readonly ipv6?: string | null }): Promise<Zone>;
}

export interface Router {
  readonly namespace: Namespace;
  readonly bird: Bird;
}

export class Fleet {
  readonly hosts: readonly Dom0[];
  readonly routers: readonly Router[];

  constructor(hosts: readonly Dom0[], routers: readonly Router[]) {
    this.hosts = hosts;
    this.routers = routers;
  }

  host(number: number): Dom0 {
    const found = this.hosts.find((host) => host.number === number);
    if (found === undefined) throw new Error(`no dom0 ${number}`);
    return found;
  }

  /** Until every session of every dom0 is up. */
  async untilConnected(): Promise<void> {
    for (const { bird, number } of this.hosts) {
      await waitFor(async () => isUp(await bird.ask('show protocols'), this.routers.length), {
        what: `the BGP sessions of dom0 ${number}`,
        deadlineMs: 30_000,
        everyMs: 50,
      });
    }
  }

  destroy(): void {
    for (const { world } of this.hosts) world.destroy();
  }
}

/** `show protocols`: as many sessions are established as there are routers. */
function isUp(text: string, routers: number): boolean {
  return text.split('\n').filter((line) => /\bBGP\b.*Established/.test(line)).length === routers;
}

export function blocksOf(number: number): string[] {
  return [`10.75.${number}.0/24`, `fdd4:1476:6c7e:${number}::/64`];
}

export const prefixesOfFleet = ['10.75.0.0/16', 'fdd4:1476:6c7e::/48'];

/** Settings of a dom0 of `lans` LANs; `more` are single addresses that have come to it. */
export function fleetSettings(number: number, lans: number, more: readonly string[] = []): Settings {
  const uplinks = Array.from({ length: lans }, (_, lan) => `eth${lan}`);
  return { fleet: { block: [...blocksOf(number), ...more], prefixes: prefixesOfFleet, uplinks } };
}

/** What the packages ship for a dom0 with so many uplinks, with dom0 2's own values replaced by `number`'s. */
export function birdConfig(number: number, lans: number): string {
  const text = readFileSync(join(examples, lans === 1 ? 'bird.conf' : 'bird-two-uplinks.conf'), 'utf8');
  return text
    .replaceAll('10.0.1.2;', `10.0.1.${number};`)
    .replaceAll('4200000002;', `${hostAs(number)};`)
    .replaceAll('10.75.2.0/24', `10.75.${number}.0/24`)
    .replaceAll('fdd4:1476:6c7e:2::/64', `fdd4:1476:6c7e:${number}::/64`);
}

/** What the packages ship for a router of two dom0s, and a line for each more. */
export function routerConfig(lan: number, hosts = 2): string {
  const text = readFileSync(join(examples, 'bird-router.conf'), 'utf8');
  const more = Array.from({ length: Math.max(0, hosts - 2) }, (_, index) => index + 4);
  const lines = more.map((n) => `protocol bgp host${n} from host { neighbor 10.0.1.${n} as ${hostAs(n)}; }\n`);
  return [text, ...lines].join('').replaceAll('10.0.1.', `10.0.${lan}.`);
}

function hostAs(number: number): number {
  return 4_200_000_000 + number;
}

export async function openFleet({
  hosts: count = 2,
  lans = 1,
  isFrr = false,
  debug = true,
}: FleetOptions = {}): Promise<Fleet> {
  const worlds: World[] = [];
  try {
    for (let index = 0; index < count; index += 1) worlds.push(await createWorld());
    const [first] = worlds;
    if (first === undefined) throw new Error('a fleet without hosts');
    const routers: Router[] = [];
    for (let lan = 1; lan <= lans; lan += 1) routers.push(await makeRouter(first, lan, count));
    const hosts: Dom0[] = [];
    for (const [index, world] of worlds.entries()) {
      hosts.push(await makeHost(world, index + 2, routers, debug));
    }
    const fleet = new Fleet(hosts, routers);
    for (const { bird } of isFrr ? routers.slice(0, 1) : routers) bird.start();
    const second = routers[1];
    if (isFrr && second !== undefined) {
      const numbers = hosts.map(({ number }) => number);
      await startFrr(second.namespace, first.files.directory, 2, numbers);
    }
    for (const { bird } of hosts) bird.start();
    await fleet.untilConnected();
    return fleet;
  } catch (error) {
    for (const world of worlds) world.destroy();
    throw error;
  }
}

async function makeRouter(world: World, lan: number, hosts: number): Promise<Router> {
  const namespace = new Namespace(`${world.prefix}-router${lan}`);
  await ipBatch(freshNamespaceLines(namespace.name));
  await namespace.ip(
    'link set lo up',
    'link add lan type bridge forward_delay 0',
    `address add 10.0.${lan}.254/24 dev lan`,
    `address add fd00:${lan}::fe/64 dev lan nodad`,
    'link set lan up',
  );
  await namespace.setSysctls({ 'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1 });
  return { namespace, bird: new Bird(namespace, world.files.directory, routerConfig(lan, hosts)) };
}

async function makeHost(world: World, number: number, routers: readonly Router[], debug: boolean): Promise<Dom0> {
  for (const [index, { namespace }] of routers.entries()) {
    const link = `eth${index}`;
    await ipBatch([
      `link add host${number} ${farIndex}${number} netns ${namespace.name} type veth peer name ${link} netns ${world.host.name}`,
    ]);
    await namespace.ip(`link set host${number} master lan`, `link set host${number} up`);
    await world.host.ip(
      `address add 10.0.${index + 1}.${number}/24 dev ${link}`,
      `address add fd00:${index + 1}::${number}/64 dev ${link} nodad`,
      `link set ${link} up`,
    );
  }
  const bird = new Bird(world.host, world.files.directory, birdConfig(number, routers.length));
  const daemon = await world.startDaemon({ debug, settings: fleetSettings(number, routers.length) });
  const dom0: Dom0 = {
    number,
    world,
    bird,
    daemon,
    async addZone(domid, addresses) {
      const own = { ipv4: `10.75.${number}.${domid}`, ipv6: `fdd4:1476:6c7e:${number}::${domid}` };
      const zone = await addServedZone(world, dom0.daemon, { domid, ...own, ...addresses });
      // Nobody answers for other hosts' zones: they are not on-link.
      if (zone.ipv6 !== undefined) {
        await zone.ip(`address del ${zone.ipv6}/48 dev eth0`, `address add ${zone.ipv6}/128 dev eth0 nodad`);
      }
      return zone;
    },
  };
  return dom0;
}
