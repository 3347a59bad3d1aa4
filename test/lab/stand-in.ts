/** The program with something else in the place of one of its tools. */
import type { CommandResult } from './command.ts';
import { programPath } from './daemon.ts';
import type { World } from './world.ts';

/** Runs a command where `replacement` is mounted over nft, in a mount namespace that ends with it. */
export function withNft({ host, files }: World, replacement: string, args: readonly string[]): Promise<CommandResult> {
  const script = 'mount --bind "$0" /usr/sbin/nft && exec "$@"';
  const command = [programPath, ...args, ...files.options];
  return host.exec('unshare', ['--mount', 'sh', '-c', script, replacement, ...command]);
}
