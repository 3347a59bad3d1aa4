/**
 * A lock by an abstract Unix socket (unix(7)): its name belongs to the network namespace, ends with the process that bound it,
 * and needs no file. Anybody may bind such a name, so a user who is neither root nor ourselves holds nobody up.
 */
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ProtectNetworkError } from '../model/errors.ts';
import { listenerAt, NetlinkError } from '../netlink/index.ts';

const everyMs = 20;

/** Runs `use` while nobody else does under the same name. Throws `busy` where it is not free within `limitMs`. */
export async function withNameLock<T>(name: string, limitMs: number, use: () => Promise<T>): Promise<T> {
  const server = createServer((connection) => connection.destroy());
  const deadline = performance.now() + limitMs;
  while (!(await bindName(server, name)) && !isStrangers(name)) {
    if (performance.now() > deadline)
      throw new ProtectNetworkError('busy', `another process holds @${name}; nothing was changed`);
    await delay(everyMs);
  }
  try {
    return await use();
  } finally {
    server.close();
  }
}

/** False where the name is taken. */
export function bindName(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      // The next try adds one of its own.
      server.removeAllListeners('listening');
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(new ProtectNetworkError('refused', `cannot lock @${name}: ${error.message}`));
    });
    server.listen({ path: `\0${name}` }, () => {
      // An accept that fails (EMFILE) must not end the process.
      server.removeAllListeners('error').on('error', () => undefined);
      server.unref();
      resolve(true);
    });
  });
}

function isStrangers(name: string): boolean {
  try {
    const peer = listenerAt(`@${name}`);
    return peer !== undefined && peer.user !== 0 && peer.user !== process.geteuid?.();
  } catch (error) {
    if (error instanceof NetlinkError) return false;
    throw error;
  }
}
