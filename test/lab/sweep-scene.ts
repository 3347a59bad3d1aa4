/**
 * The scene of the crash sweeps: a host that others use as well, a zone that talks all the time, a neighbour that forges
 * all the time, and a guest that comes and goes and forges as well. The host's state is compared as text.
 */
import { farHost } from './addresses.ts';
import type { LongRunning } from './command.ts';
import { type EchoServer, startEchoServer, startTransfer, type Transfer } from './echo.ts';
import { foreignRuleset, foreignThings, furnish } from './foreign.ts';
import { pause, waitFor } from './wait-for.ts';
import { createWorld, type World } from './world.ts';
import type { Zone } from './zone.ts';

/** Nobody but forgers talks to these. */
const trap = { ipv4: '198.51.100.66', ipv6: '2001:db8:99::66' };
/** A free address of the subnet, and the world's; a sibling's is added. */
const forgeries = { ipv4: ['10.75.0.99', '203.0.113.8'], ipv6: ['fdd4:1476:6c7e::99', '2001:db8:77::8'] };
type Family = keyof typeof trap;

export class SweepScene {
  readonly world: World;
  readonly talker: Zone;
  readonly forger: Zone;
  readonly guest: Zone;
  #server: EchoServer | undefined;
  #transfer: Transfer | undefined;
  readonly #forgers = new Map<Family, LongRunning[]>();
  #foreign = '';

  private constructor(world: World, zones: readonly Zone[]) {
    const [talker, forger, guest] = zones;
    if (talker === undefined || forger === undefined || guest === undefined) throw new Error('three zones are needed');
    this.world = world;
    this.talker = talker;
    this.forger = forger;
    this.guest = guest;
  }

  /** Three zones with a link and a file, and no daemon. Whoever opens it destroys `world`. */
  static async open(): Promise<SweepScene> {
    const world = await createWorld();
    try {
      const zones = await Promise.all([7, 8, 10].map((domid) => world.addZone({ domid })));
      await Promise.all(zones.map((zone) => world.declareZone(zone)));
      await furnish(world, [trap.ipv4, trap.ipv6]);
      const scene = new SweepScene(world, zones);
      scene.#foreign = await foreignThings(world);
      return scene;
    } catch (error) {
      world.destroy();
      throw error;
    }
  }

  /** A TCP connection to the far host, from the talker or from the host itself. */
  async startTalking(from: 'talker' | 'host'): Promise<void> {
    this.#server = await startEchoServer(this.world.internet);
    this.#transfer = await startTransfer(
      from === 'host' ? this.world.host : this.talker,
      farHost.ipv4,
      this.#server.port,
    );
  }

  /** A hundred forged packets a second from each of both zones, for each source and family, until `stopForging`. */
  async startForging(families: readonly Family[]): Promise<void> {
    // Something of its own as well, so that there are connections to be forgotten.
    this.guest.spawn('ping', ['-q', '-n', '-i', '0.05', farHost.ipv4]);
    for (const family of families) {
      const sources = [...forgeries[family], String(this.talker[family])];
      const started: LongRunning[] = [];
      for (const zone of [this.forger, this.guest]) {
        for (const source of sources) {
          if (!this.#forgers.has(family)) await zone.forge(source);
          started.push(zone.spawn('ping', ['-q', '-n', '-i', '0.01', '-I', source, trap[family]]));
        }
      }
      this.#forgers.set(family, started);
    }
  }

  async stopForging(family: Family): Promise<void> {
    await Promise.all((this.#forgers.get(family) ?? []).map((ping) => ping.stop('SIGKILL')));
  }

  /** Packets of forgers that came out. */
  async escaped(): Promise<number> {
    const listing = await this.world.internet.mustExec('nft', ['list', 'table', 'inet', 'trap']);
    return [...listing.matchAll(/counter packets (\d+)/g)].reduce((sum, [, packets]) => sum + Number(packets), 0);
  }

  /** Throws where the talker's connection has broken, stands still, or a forger has given up. */
  async expectUnharmed(): Promise<void> {
    await this.#transfer?.waitForMore(1, 30_000);
    const dead = [...this.#forgers.values()].flat().filter(({ running }) => !running);
    if (dead.length > 0) throw new Error(`a forger ended: ${dead[0]?.stderr.join('\n')}`);
    const now = await foreignThings(this.world);
    if (now !== this.#foreign) throw new Error(`foreign things were\n${this.#foreign}\nand are\n${now}`);
  }

  /**
   * All that could be ours, and all around it: routes, proxies, rules, and every sysctl of the zones' links. The kernel's
   * own IPv6 routes stand in the order in which links got their addresses, which is nobody's doing: routes are sorted.
   */
  async state(): Promise<string> {
    const { host } = this.world;
    const links = [this.talker, this.forger, this.guest].map(({ link }) => link);
    const directories = [...links, 'all', 'uplink0'].flatMap((link) => [
      ...['ipv4', 'ipv6'].flatMap((family) =>
        ['conf', 'neigh'].map((group) => `/proc/sys/net/${family}/${group}/${link}`),
      ),
    ]);
    // Exits with an error for directories of links that are not there, and for the one file that nobody may read.
    const sysctls = (await host.exec('grep', ['-rs', '.', ...directories, '/proc/sys/net/ipv4/ip_forward'])).stdout;
    const [routes = '', proxies = '', rules = ''] = (await host.snapshot()).split('\n\n');
    return [sorted(routes), proxies, byTable(rules), sorted(sysctls)].join('\n\n');
  }

  /** The state once it has not changed for a while: a link's own address comes a moment after its carrier. */
  async settledState(): Promise<string> {
    let before = await this.state();
    return waitFor(
      async () => {
        await pause(300);
        const now = await this.state();
        const isSettled = now === before;
        before = now;
        return isSettled && now;
      },
      { what: 'a state that stays', deadlineMs: 20_000 },
    );
  }

  /** What `nft flush ruleset` does on a host whose other tools put theirs back. */
  async flushRuleset(): Promise<void> {
    await this.world.host.nft(`flush ruleset; ${foreignRuleset}`);
  }

  /** As before any daemon: nothing of ours, and the links of `zones` new and down. */
  async makeFresh(zones: readonly Zone[]): Promise<void> {
    const { host } = this.world;
    // First: with its guard gone, IPv6 of a link that is up would be forwarded.
    for (const zone of zones) await zone.unlink();
    await this.flushRuleset();
    for (const family of ['-4', '-6']) {
      for (const table of ['main', 'local']) {
        await host.exec('ip', [family, 'route', 'flush', 'table', table, 'proto', '75']);
      }
    }
    await host.setSysctls({ 'net/ipv4/ip_forward': 0, 'net/ipv6/conf/all/forwarding': 0 });
    for (const zone of zones) await zone.relink();
  }

  async close(): Promise<void> {
    await this.#transfer?.stop();
    await this.#server?.stop();
    this.world.destroy();
  }
}

/** A table that is made anew stands behind the others. */
function byTable(rules: string): string {
  return sorted(rules.replaceAll('\n', '\0').replaceAll('\0{"table"', '\n{"table"')).replaceAll('\0', '\n');
}

function sorted(lines: string): string {
  return lines.split('\n').sort().join('\n');
}
