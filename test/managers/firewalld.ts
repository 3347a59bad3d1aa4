/** Debian's firewalld on a world's host, with a configuration and a bus of its own. */
import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult, LongRunning } from '../lab/command.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import { type Release, releaseInUse } from '../releases/releases.ts';
import { rootOf } from '../releases/root.ts';
import { type Unpacked, unpackManagers } from './packages.ts';
import { startSystemBus } from './system-bus.ts';

const enter = join(import.meta.dirname, 'release-root.sh');

/** That of the release whose tools the tests have. */
export async function installFirewalld(world: World): Promise<Firewalld> {
  const unpacked = await unpackManagers();
  const bus = `DBUS_SYSTEM_BUS_ADDRESS=${await startSystemBus(world, unpacked)}`;
  const release = releaseInUse();
  const place = release === undefined ? unpackedPlace(unpacked, bus) : await releasePlace(world, release, bus);
  const firewalld = new Firewalld(world, place);
  await mkdir(firewalld.configuration);
  await cp(join(place.root, 'etc/firewalld'), firewalld.configuration, { recursive: true });
  return firewalld;
}

/** Where its files are. `prefix`: before paths, as the program sees them; `run`: the words ahead of a script of theirs. */
interface Place {
  readonly root: string;
  readonly prefix: string;
  readonly run: readonly string[];
}

function unpackedPlace({ root, environment, program }: Unpacked, bus: string): Place {
  return { root, prefix: root, run: ['env', ...environment, bus, program('/usr/bin/python3')] };
}

async function releasePlace({ files }: World, release: Release, bus: string): Promise<Place> {
  const root = await rootOf(release);
  return { root, prefix: '', run: ['env', bus, 'sh', enter, root, files.directory] };
}

export class Firewalld {
  readonly configuration: string;
  readonly #world: World;
  readonly #place: Place;
  #process: LongRunning | undefined;

  constructor(world: World, place: Place) {
    this.configuration = join(world.files.directory, 'firewalld');
    this.#world = world;
    this.#place = place;
  }

  /** A line of firewalld.conf, e.g. `FirewallBackend`, `iptables`. Holds from the next start. */
  async configure(key: string, value: string): Promise<void> {
    const path = join(this.configuration, 'firewalld.conf');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(new RegExp(`^${key}=.*$`, 'm'), `${key}=${value}`));
  }

  /** Returns once its rules stand. */
  async start(): Promise<void> {
    const { files, host } = this.#world;
    const args = ['--nofork', '--nopid', '--log-file', join(files.directory, 'firewalld.log')];
    const paths = ['--default-config', `${this.#place.prefix}/usr/lib/firewalld`, '--system-config'];
    const [command = '', ...words] = this.#script('/usr/sbin/firewalld');
    const process = host.spawn(command, [...words, ...args, ...paths, this.configuration]);
    this.#process = process;
    const isUp = async () => {
      const { stdout, stderr } = await this.command(['--state']);
      if (stdout.trim() === 'running') return true;
      if (process.running) throw new Error(stderr);
      return true;
    };
    await waitFor(isUp, { what: 'firewalld to run', deadlineMs: 40_000, everyMs: 100 });
    if (!process.running) throw new Error(`firewalld ended: ${[...process.stdout, ...process.stderr].join('\n')}`);
  }

  /** As its unit stops it: its rules go with it. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGTERM', 30_000);
  }

  /** Runs firewall-cmd. */
  command(args: readonly string[]): Promise<CommandResult> {
    const [command = '', ...words] = this.#client;
    return this.#world.host.exec(command, [...words, ...args]);
  }

  /** Word for word, in a shell that finds this firewall-cmd. */
  async type(line: string): Promise<void> {
    const directory = join(this.#world.files.directory, 'bin');
    const command = join(directory, 'firewall-cmd');
    await mkdir(directory, { recursive: true });
    await writeFile(command, `#!/bin/sh\nexec ${this.#client.join(' ')} "$@"\n`);
    await chmod(command, 0o700);
    const environment = `PATH=${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
    // Each firewall-cmd starts a Python.
    await this.#world.host.mustExec('env', [environment, 'sh', '-ec', line], { timeoutMs: 120_000 });
  }

  get #client(): string[] {
    return this.#script('/usr/bin/firewall-cmd');
  }

  #script(path: string): string[] {
    return [...this.#place.run, `${this.#place.prefix}${path}`];
  }
}
