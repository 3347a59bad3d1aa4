/**
 * One daemon for each network namespace, whatever its settings: an abstract Unix socket (unix(7)), whose name belongs to the
 * namespace and ends with the process that bound it. It needs no file system, and so holds with a read-only /run too.
 *
 * Anybody in the namespace may bind such a name. So whoever finds it taken asks the kernel who listens there (SO_PEERCRED):
 * a user who is neither root nor ourselves holds nobody up.
 */
import { createConnection, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ProtectNetworkError } from '../model/errors.ts';
import { listenerAt, NetlinkError, type UnixPeer } from '../netlink/index.ts';
import { bindName } from './name-lock.ts';

const lockName = 'protect-network-daemon';
const attempts = 3;
const pauseMs = 50;
const sayMs = 1000;
/** Characters; a socket's path has at most 107. */
const longestSaid = 200;

/** `pid` is undefined where it is in another PID namespace or could not be asked, `socket` where it answers nowhere. */
export type LockHolder =
  | { readonly kind: 'daemon'; readonly pid: number | undefined; readonly socket: string | undefined }
  | { readonly kind: 'stranger'; readonly pid: number | undefined; readonly user: number };

export interface NetworkLock {
  /** Why a second daemon would not be noticed; undefined where the lock is held. */
  readonly problem: string | undefined;
  release(): void;
}

/** `socket` says where the control socket is now. Throws `conflict` where another daemon has the lock. */
export async function takeNetworkLock(socket: () => string | undefined): Promise<NetworkLock> {
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer((connection) => {
      connection.on('error', () => connection.destroy());
      connection.end(`${socket() ?? ''}\n`);
    });
    if (await bindName(server, lockName)) return { problem: undefined, release: () => server.close() };
    const holder = await findLockHolder();
    if (holder?.kind === 'stranger') {
      const who = `process ${holder.pid ?? '?'} of user ${holder.user}`;
      return { problem: `${who} holds the name of the lock (@${lockName})`, release: () => undefined };
    }
    // Who held it has just ended, or has not begun to listen.
    if (holder === undefined && attempt < attempts) await delay(pauseMs);
    else throw new ProtectNetworkError('conflict', `another protect-network is running: ${describeHolder(holder)}`);
  }
}

/** Who has the lock of this network namespace; undefined where nobody has it. */
export async function findLockHolder(): Promise<LockHolder | undefined> {
  const peer = lockPeer();
  if (peer === undefined) return undefined;
  if (peer === 'unknown') return { kind: 'daemon', pid: undefined, socket: undefined };
  const { pid, user } = peer;
  const known = pid === 0 ? undefined : pid;
  if (user !== 0 && user !== process.geteuid?.()) return { kind: 'stranger', pid: known, user };
  return { kind: 'daemon', pid: known, socket: await whatItSays() };
}

/** Whoever cannot be asked counts as a daemon: two must not run unnoticed. */
function lockPeer(): UnixPeer | 'unknown' | undefined {
  try {
    return listenerAt(`@${lockName}`);
  } catch (error) {
    if (error instanceof NetlinkError) return 'unknown';
    throw error;
  }
}

/** The path that the holder of the lock tells within a second; a daemon that hangs tells none. */
function whatItSays(): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const connection = createConnection({ path: `\0${lockName}` });
    connection.setEncoding('utf8').setTimeout(sayMs, () => connection.destroy());
    connection.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > longestSaid) connection.destroy();
    });
    connection.on('error', () => undefined);
    connection.on('close', () => resolve(/^(\/[\x20-\x7e]*)/.exec(text)?.[1]));
  });
}

/** E.g. `process 812, which answers at /run/protect-network/control.sock`. */
export function describeHolder(holder: Extract<LockHolder, { kind: 'daemon' }> | undefined): string {
  const who = holder?.pid === undefined ? 'an unknown process' : `process ${holder.pid}`;
  return holder?.socket === undefined
    ? `${who}, without a control socket`
    : `${who}, which answers at ${holder.socket}`;
}
