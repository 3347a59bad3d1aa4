/** Debian's firewalld on a world's host, with a configuration and a bus of its own. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult, LongRunning } from '../lab/command.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { World } from '../lab/world.ts';
import { type Unpacked, unpackManagers } from './packages.ts';
import { startSystemBus } from './system-bus.ts';

export async function installFirewalld(world: World): Promise<Firewalld> {
  const unpacked = await unpackManagers();
  const firewalld = new Firewalld(world, unpacked, await startSystemBus(world, unpacked));
  await mkdir(firewalld.configuration);
  await cp(join(unpacked.root, 'etc/firewalld'), firewalld.configuration, { recursive: true });
  return firewalld;
}

export class Firewalld {
  readonly configuration: string;
  readonly #world: World;
  readonly #unpacked: Unpacked;
  readonly #environment: readonly string[];
  #process: LongRunning | undefined;

  constructor(world: World, unpacked: Unpacked, bus: string) {
    this.configuration = join(world.files.directory, 'firewalld');
    this.#world = world;
    this.#unpacked = unpacked;
    this.#environment = [...unpacked.environment, `DBUS_SYSTEM_BUS_ADDRESS=${bus}`];
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
    const paths = ['--default-config', join(this.#unpacked.root, 'usr/lib/firewalld'), '--system-config'];
    const process = host.spawn('env', this.#python('/usr/sbin/firewalld', [...args, ...paths, this.configuration]));
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

  /** Arguments of env(1) that make it firewall-cmd. */
  get client(): readonly string[] {
    return this.#python('/usr/bin/firewall-cmd', []);
  }

  /** Runs firewall-cmd. */
  command(args: readonly string[]): Promise<CommandResult> {
    return this.#world.host.exec('env', [...this.client, ...args]);
  }

  #python(script: string, args: readonly string[]): string[] {
    const { program } = this.#unpacked;
    return [...this.#environment, program('/usr/bin/python3'), program(script), ...args];
  }
}
