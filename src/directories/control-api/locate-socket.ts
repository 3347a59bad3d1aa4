/** Where the control API's socket is, and which socket it is: a restarted daemon binds a new one under the old path. */
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, ProtectNetworkError } from '../../model/errors.ts';

export type Place =
  | { readonly kind: 'socket'; readonly path: string; readonly identity: string }
  /** The daemon's directory is there, its socket is not: it has not started yet, or it is away. */
  | { readonly kind: 'missing'; readonly path: string }
  | { readonly kind: 'absent'; readonly path: string }
  /** Something is in the way of looking, and `reason` says what. */
  | { readonly kind: 'hidden'; readonly path: string; readonly reason: string };

export const ederaTarget = 'unix:///var/lib/edera/protect/daemon.socket';
export const krataTarget = 'unix:///var/lib/krata/daemon.socket';

/** The path of `unix:///path`. Throws `config-invalid` for any other target. */
export function socketPathOf(target: string): string {
  if (!target.startsWith('unix:///')) {
    throw new ProtectNetworkError('config-invalid', `control-api must be unix:///path/of/socket, not "${target}"`);
  }
  return target.slice('unix://'.length);
}

/** What people put into the daemon's directory where there is no such daemon: settings for us, and static zones. */
const notTheDaemons = new Set(['daemon.toml', 'network']);

/** The first of `paths` that exists; else the first whose directory tells of a daemon; else `absent`. */
export async function locateSocket(paths: readonly [string, ...string[]]): Promise<Place> {
  for (const path of paths) {
    const found = await look(path);
    if (found.kind === 'there') return { kind: 'socket', path, identity: found.identity };
    if (found.kind === 'hidden') return { kind: 'hidden', path, reason: found.reason };
  }
  for (const path of paths) {
    if (await isInstalled(dirname(path))) return { kind: 'missing', path };
  }
  return { kind: 'absent', path: paths[0] };
}

/** A directory that holds nothing but what is for us does not tell of a daemon, which would have to be waited for. */
async function isInstalled(directory: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.length === 0 || names.some((name) => !notTheDaemons.has(name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

type Look =
  | { readonly kind: 'there'; readonly identity: string }
  | { readonly kind: 'not-there' }
  | { readonly kind: 'hidden'; readonly reason: string };

/** Device, inode and birth: a freed inode's number is given out again at once, so it alone would hide a replacement. */
async function look(path: string): Promise<Look> {
  try {
    const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
    return { kind: 'there', identity: `${dev}:${ino}:${birthtimeNs}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { kind: 'not-there' }
      : { kind: 'hidden', reason: messageOf(error) };
  }
}
