/**
 * A listening Unix socket at a path that may hold a dead daemon's. Two hazards decide how:
 * - A socket is born with the mode that the umask leaves. So it is born in a directory that only we may enter, gets its
 *   mode there, and is then linked to its place, which never replaces anything.
 * - libuv removes the path a socket was bound to when it is closed, whoever's it is by then. Bound elsewhere, the place
 *   everybody knows is only ever removed by us, after a look at whose it is.
 */
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { errnoOf, ProtectNetworkError } from '../model/errors.ts';
import { systemError } from './errno.ts';

/** A live daemon accepts in microseconds; one that is stopped in a debugger is still alive. */
const answerMs = 1000;
const attempts = 3;

export interface ClaimedSocket {
  /** Removes the path if it is still this socket's. To be called before the server closes: until then its inode cannot be another's. */
  release(): void;
}

/**
 * Makes `server` listen at `path`, mode 0600 unless another is said, in a directory that is made (0755) if missing. Throws `conflict` where
 * another daemon answers there, `refused` where something that is no socket is in the way, `permission`.
 */
export async function claimSocket(server: Server, path: string, mode = 0o600): Promise<ClaimedSocket> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const nursery = mkdtempSync(join(dirname(path), '.pn-'));
    try {
      const born = join(nursery, 's');
      await listen(server, born);
      chmodSync(born, mode);
      const { ino } = lstatSync(born, { bigint: true });
      await place(born, path);
      return { release: () => release(path, ino) };
    } finally {
      rmSync(nursery, { recursive: true, force: true });
    }
  } catch (error) {
    if (server.listening) server.close();
    throw error instanceof ProtectNetworkError ? error : systemError(error, `cannot listen on ${path}`);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A rival that starts at the same moment may place its socket between our look and our link; then we look again. */
async function place(born: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      linkSync(born, path);
      return;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || attempt === attempts) throw error;
    }
    await removeDead(path, dirname(born));
  }
}

async function removeDead(path: string, nursery: string): Promise<void> {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw new ProtectNetworkError('refused', `${path} exists and is not a socket; it is not replaced`);
  if (await answers(path)) {
    throw new ProtectNetworkError('conflict', `another protect-network is running: it answers at ${path}`);
  }
  // Taken aside first: what is removed must be what was found dead, not what a rival has put there since.
  const aside = join(nursery, 'dead');
  if (!moved(path, aside)) return;
  if (lstatSync(aside, { bigint: true }).ino !== stats.ino) linkSync(aside, path);
  rmSync(aside);
}

/** False where a rival was faster. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** False only where the kernel says that nobody listens. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: answerMs });
    const done = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(true));
    socket.once('error', (error) => {
      const errno = errnoOf(error);
      if (errno === 'ECONNREFUSED' || errno === 'ENOENT') done(false);
      else if (errno === 'EAGAIN') done(true);
      else reject(systemError(error, `cannot tell whether another daemon listens on ${basename(path)}`));
    });
  });
}

function release(path: string, ino: bigint): void {
  if (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
}
