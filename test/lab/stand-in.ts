/** The program with something else in the place of one of its tools. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
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

  private constructor(through: readonly string[], order: string) {
    this.through = through;
    this.#order = order;
  }

  /** `lacks`: an argument that it refuses from the start. */
  static async of({ files }: World, tool: 'ip' | 'nft' | 'conntrack', lacks?: string): Promise<MoodyTool> {
    const directory = join(files.directory, `moody-${tool}`);
    await mkdir(directory);
    // Under its own name, which the kernel tells of whoever changes its rules.
    const [real, script, order] = [tool, 'stand-in', 'order'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await copyFile(`/usr/sbin/${tool}`, real);
    await writeFile(script, scriptOf(real, order, lacks), { mode: 0o755 });
    const mounted = `mount --bind "$0" /usr/sbin/${tool} && exec "$@"`;
    return new MoodyTool(['unshare', '--mount', 'sh', '-c', mounted, script], order);
  }

  /** From now on, wherever its arguments contain `words`. */
  async misbehave(how: Misbehaviour, words: string): Promise<void> {
    await writeFile(this.#order, `${how}\n${words}\n`);
  }

  async behave(): Promise<void> {
    await rm(this.#order);
  }
}

function scriptOf(real: string, order: string, lacks: string | undefined): string {
  const refusal = lacks === undefined ? '' : `case "$*" in *${lacks}*) exit 1 ;; esac\n`;
  return `#!/bin/sh
${refusal}{ read -r how && read -r words; } 2>/dev/null < ${order} && case "$*" in *"$words"*)
  case $how in
    held) while [ -e ${order} ]; do sleep 0.05; done ;;
    garbled) echo '{"nftables": [{"ifname": '; exit 0 ;;
  esac ;;
esac
exec ${real} "$@"
`;
}
