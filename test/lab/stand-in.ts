/** The program with something else in the place of one of its tools. */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from './command.ts';
import { programPath } from './daemon.ts';
import type { World } from './world.ts';

/** Runs a command where `replacement` is mounted over nft, in a mount namespace that ends with it. */
export function withNft({ host, files }: World, replacement: string, args: readonly string[]): Promise<CommandResult> {
  const script = 'mount --bind "$0" /usr/sbin/nft && exec "$@"';
  const command = [programPath, ...args, ...files.options];
  return host.exec('unshare', ['--mount', 'sh', '-c', script, replacement, ...command]);
}

/** `held`: does nothing until the order is taken back, then what it was told. `garbled`: prints half a document, and succeeds. */
export type Misbehaviour = 'held' | 'garbled';

/** One of the daemon's tools, which goes wrong on order. The daemon is started `through` it. */
export class MoodyTool {
  readonly through: readonly string[];
  readonly #order: string;
  readonly #calls: string;

  private constructor(through: readonly string[], directory: string) {
    this.through = through;
    this.#order = join(directory, 'order');
    this.#calls = join(directory, 'calls');
  }

  static async of({ files }: World, tool: 'nft'): Promise<MoodyTool> {
    const directory = join(files.directory, `moody-${tool}`);
    await mkdir(directory);
    // Under its own name, which the kernel tells of whoever changes its rules.
    const [real, script] = [join(directory, tool), join(directory, 'stand-in')];
    await copyFile(`/usr/sbin/${tool}`, real);
    await writeFile(script, scriptOf(real, directory), { mode: 0o755 });
    const mounted = `mount --bind "$0" /usr/sbin/${tool} && exec "$@"`;
    return new MoodyTool(['unshare', '--mount', 'sh', '-c', mounted, script], directory);
  }

  /** From now on, wherever its arguments contain `words`. */
  async misbehave(how: Misbehaviour, words: string): Promise<void> {
    await writeFile(this.#order, `${how}\n${words}\n`);
  }

  /** The arguments of each call so far. */
  async calls(): Promise<string[]> {
    return (await readFile(this.#calls, 'utf8')).split('\n').filter((line) => line !== '');
  }

  async behave(): Promise<void> {
    await rm(this.#order);
  }
}

function scriptOf(real: string, directory: string): string {
  const order = join(directory, 'order');
  return `#!/bin/sh
echo "$*" >> ${join(directory, 'calls')}
{ read -r how && read -r words; } 2>/dev/null < ${order} && case "$*" in *"$words"*)
  case $how in
    held) while [ -e ${order} ]; do sleep 0.05; done ;;
    garbled) echo '{"nftables": [{"ifname": '; exit 0 ;;
  esac ;;
esac
exec ${real} "$@"
`;
}
