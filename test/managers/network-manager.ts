/** Debian's NetworkManager on a world's host, with a bus of its own. */
import type { LongRunning } from '../lab/command.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import { type Unpacked, unpackManagers } from './packages.ts';
import { PrivateRoot } from './private-root.ts';
import { startSystemBus } from './system-bus.ts';

/** `files` by name, as in NetworkManager's conf.d. */
export async function installNetworkManager(
  world: World,
  files: Readonly<Record<string, string>>,
): Promise<NetworkManager> {
  const unpacked = await unpackManagers();
  const root = new PrivateRoot(world, unpacked);
  await root.fill();
  // The host's name is the machine's, and so would be its resolver.
  const main = '[main]\nhostname-mode=none\ndns=none\nplugins=keyfile\n';
  await root.write('etc/NetworkManager/NetworkManager.conf', main);
  for (const [name, text] of Object.entries(files)) await root.write(`run/NetworkManager/conf.d/${name}`, text);
  return new NetworkManager(world, unpacked, root, await startSystemBus(world, unpacked));
}

export class NetworkManager {
  readonly #world: World;
  readonly #unpacked: Unpacked;
  readonly #root: PrivateRoot;
  readonly #bus: string;
  #process: LongRunning | undefined;

  constructor(world: World, unpacked: Unpacked, root: PrivateRoot, bus: string) {
    this.#world = world;
    this.#unpacked = unpacked;
    this.#root = root;
    this.#bus = `DBUS_SYSTEM_BUS_ADDRESS=${bus}`;
  }

  start(): void {
    this.#process = this.#root.spawn([this.#bus], '/usr/sbin/NetworkManager', ['--no-daemon']);
  }

  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM', 30_000);
  }

  /** Waits until NetworkManager has made up its mind about a link: `unmanaged`, `connecting (…)`, `disconnected`, …. */
  verdict(link: string): Promise<string> {
    return waitFor(
      async () => {
        if (this.#process?.running === false) throw new Error(this.#process.stderr.join('\n'));
        const lines = (await this.nmcli(['-t', '-f', 'DEVICE,STATE', 'device'])).split('\n');
        return lines.find((line) => line.startsWith(`${link}:`))?.slice(link.length + 1);
      },
      { what: `NetworkManager's verdict on ${link}`, deadlineMs: 30_000, everyMs: 100 },
    );
  }

  nmcli(args: readonly string[]): Promise<string> {
    const { environment, program } = this.#unpacked;
    return this.#world.host.mustExec('env', [...environment, this.#bus, program('/usr/bin/nmcli'), ...args]);
  }
}
