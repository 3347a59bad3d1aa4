/** Directories that a network manager takes for its own /etc and /run, so that nothing of the machine's is read or written. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LongRunning } from '../lab/command.ts';
import type { World } from '../lab/world.ts';
import type { Unpacked } from './packages.ts';

const script = join(import.meta.dirname, 'private-root.sh');
const networkUser = 'systemd-network:x:998:998::/:/usr/sbin/nologin';

export class PrivateRoot {
  readonly etc: string;
  readonly run: string;
  readonly #world: World;
  readonly #unpacked: Unpacked;

  constructor(world: World, unpacked: Unpacked) {
    this.#world = world;
    this.#unpacked = unpacked;
    this.etc = join(world.files.directory, 'etc');
    this.run = join(world.files.directory, 'run');
  }

  async fill(): Promise<void> {
    await Promise.all([mkdir(this.etc), mkdir(this.run)]);
    for (const file of ['passwd', 'group', 'nsswitch.conf']) await cp(join('/etc', file), join(this.etc, file));
    await writeFile(join(this.etc, 'machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
    await this.#name('passwd', networkUser);
    await this.#name('group', 'systemd-network:x:998:');
  }

  /** `path` below /etc or /run, e.g. `run/systemd/network/05-zones.network`. */
  async write(path: string, text: string): Promise<void> {
    const target = join(this.#world.files.directory, path);
    await mkdir(join(target, '..'), { recursive: true });
    await writeFile(target, text);
  }

  spawn(variables: readonly string[], program: string, args: readonly string[] = []): LongRunning {
    const command = ['env', ...this.#unpacked.environment, ...variables, this.#unpacked.program(program), ...args];
    return this.#world.host.spawn('sh', [script, this.etc, this.run, ...command]);
  }

  /** A machine without systemd has no such user. */
  async #name(file: string, line: string): Promise<void> {
    const path = join(this.etc, file);
    const text = await readFile(path, 'utf8');
    if (!text.includes('systemd-network:')) await writeFile(path, `${text}${line}\n`);
  }
}
