/**
 * The end of the daemon, which must come within seconds of being told to: until then a restart leaves zones without it.
 * Two things have been seen to keep a process: something awaited that never comes, and V8 and libuv, which join their threads
 * after the last of our code.
 */
import { ExitCode, errnoOf } from '../model/errors.ts';

/** A clean end takes 0.1 s. Below TimeoutStopSec of the unit. */
export const endWithinMs = 5000;

/** Kills this process where it is still there `endWithinMs` later, after `late` has been called. */
export function limitEnd(late: () => void): void {
  setTimeout(() => {
    try {
      late();
    } finally {
      process.kill(process.pid, 'SIGKILL');
    }
  }, endWithinMs).unref();
}

/** Becomes a program that ends at once with success: the kernel takes every thread away, and nobody joins them. */
export function endWithoutJoining(): never {
  process.emit('exit', ExitCode.ok);
  try {
    process.execve?.('/bin/true', ['true']);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
  // A host without /bin/true. What `exit` is for has been done.
  process.removeAllListeners('exit');
  process.exit(ExitCode.ok);
}
