/** Debian's real ufw on a host, on copies of its files: the machine's own are hidden from it by mounts that end with it. */
import { copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from './world.ts';

export type ForwardPolicy = 'DROP' | 'REJECT' | 'ACCEPT';

/** `ip netns exec` gives each program a mount namespace of its own. */
const onCopies =
  'mount --bind "$1/etc" /etc/ufw && mount --bind "$1/default" /etc/default/ufw && mount --bind "$1/run" /run && shift && exec ufw "$@"';

export class Ufw {
  readonly #world: World;
  readonly #directory: string;

  private constructor(world: World) {
    this.#world = world;
    this.#directory = join(world.files.directory, 'ufw');
  }

  /** Installed and not enabled, as the package leaves it. */
  static async install(world: World): Promise<Ufw> {
    const ufw = new Ufw(world);
    await mkdir(join(ufw.#directory, 'run'), { recursive: true });
    await cp('/etc/ufw', join(ufw.#directory, 'etc'), { recursive: true });
    await copyFile('/etc/default/ufw', join(ufw.#directory, 'default'));
    return ufw;
  }

  /** `ufw --force ARGS`: returns what it says, throws where it fails. */
  run(...args: readonly string[]): Promise<string> {
    const options = { timeoutMs: 120_000 };
    return this.#world.host.mustExec('sh', ['-c', onCopies, 'ufw', this.#directory, '--force', ...args], options);
  }

  /** In `/etc/default/ufw`; takes effect with the next `enable` or `reload`. */
  async setForwardPolicy(policy: ForwardPolicy): Promise<void> {
    const path = join(this.#directory, 'default');
    const text = await readFile(path, 'utf8');
    const line = /^DEFAULT_FORWARD_POLICY=.*$/m;
    if (!line.test(text)) throw new Error('/etc/default/ufw has no DEFAULT_FORWARD_POLICY');
    await writeFile(path, text.replace(line, `DEFAULT_FORWARD_POLICY="${policy}"`));
  }
}
