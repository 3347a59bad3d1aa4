/**
 * What makes destruction reliable: everything of a world carries its prefix `pn-<pid>-<random>`, destruction is
 * synchronous so that it also works while the process exits, and what a killed process left is swept by the next world.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const namespaceDirectory = '/run/netns';
const livePrefixes = new Set<string>();
let hooked = false;

/** A fresh prefix whose world is destroyed at the latest when this process exits. */
export function claimPrefix(): string {
  if (!hooked) hookProcessEnd();
  const prefix = `pn-${process.pid}-${randomBytes(3).toString('hex')}`;
  livePrefixes.add(prefix);
  return prefix;
}

/** The world's directory: short, since a Unix socket's path has at most 107 bytes. */
export function directoryOf(prefix: string): string {
  return join(tmpdir(), prefix);
}

/** Kills every process in the prefix's namespaces, deletes these and the directory. Repeats are harmless. */
export function destroyPrefix(prefix: string): void {
  destroyNamespaces(list(namespaceDirectory).filter((name) => name.startsWith(`${prefix}-`)));
  rmSync(directoryOf(prefix), { recursive: true, force: true });
  livePrefixes.delete(prefix);
}

/** Removes the worlds of processes that are gone. */
export function sweepStale(): void {
  const prefixes = [...list(namespaceDirectory), ...list(tmpdir())].flatMap((name) => {
    const match = /^(pn-(\d+)-[0-9a-f]{6})(-|$)/.exec(name);
    return match?.[1] !== undefined && !isAlive(Number(match[2])) ? [match[1]] : [];
  });
  for (const prefix of new Set(prefixes)) destroyPrefix(prefix);
}

/** Kills and deletes. The kernel removes the links of a deleted namespace a moment later. */
export function destroyNamespaces(names: readonly string[]): void {
  if (names.length === 0) return;
  killInside(names);
  // -force: another test process may be sweeping the same stale world.
  const input = names.map((name) => `netns del ${name}\n`).join('');
  spawnSync('ip', ['-force', '-batch', '-'], { input });
  const left = names.filter((name) => list(namespaceDirectory).includes(name));
  if (left.length > 0) throw new Error(`namespaces could not be deleted: ${left.join(', ')}`);
}

/** Ids of the processes whose network namespace is one of `names`. */
export function processesIn(names: readonly string[]): number[] {
  const wanted = new Set(
    names.map((name) => identity(join(namespaceDirectory, name))).filter((id) => id !== undefined),
  );
  return list('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => wanted.has(identity(`/proc/${pid}/ns/net`) ?? ''))
    .map(Number);
}

/** Again and again, since a process may fork while its siblings are being killed. Zombies have no namespace and do not count. */
function killInside(names: readonly string[]): void {
  const deadline = performance.now() + 5000;
  for (let pids = processesIn(names); pids.length > 0; pids = processesIn(names)) {
    if (performance.now() > deadline) throw new Error(`processes ${pids.join(', ')} in ${names[0]} cannot be killed`);
    for (const pid of pids) unlessGone(() => process.kill(pid, 'SIGKILL'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  }
}

/** An uncaught exception also ends in `exit`; a signal does not, unless somebody listens. */
function hookProcessEnd(): void {
  hooked = true;
  process.on('exit', destroyAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      destroyAll();
      // With no other listener the signal's default, to end the process, is restored by raising it again.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

/** Every world is tried, whatever happens to the others; this runs where nobody could catch. */
function destroyAll(): void {
  for (const prefix of livePrefixes) {
    try {
      destroyPrefix(prefix);
    } catch (error) {
      console.error(error);
    }
  }
}

function isAlive(pid: number): boolean {
  return unlessGone(() => process.kill(pid, 0)) ?? false;
}

function list(directory: string): string[] {
  return unlessGone(() => readdirSync(directory)) ?? [];
}

function identity(path: string): string | undefined {
  return unlessGone(() => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  });
}

/** Undefined where the file or process has gone meanwhile; kernel threads and zombies have no readable namespace. */
function unlessGone<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EINVAL', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
