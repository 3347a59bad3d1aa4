/**
 * Debian's firewalld, NetworkManager, systemd and its journal's tools, and unbound, unpacked beside the system and never installed: their installation would
 * start them on the machine's own network. apt resolves what the machine lacks; the rest is the machine's. Throws with
 * what is missing; a suite that needs them fails then, and never skips.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const groups = {
  managers: ['firewalld', 'network-manager', 'systemd', 'systemd-journal-remote', 'dbus-daemon'],
  resolvers: ['unbound'],
} as const;
type Group = keyof typeof groups;

export interface Unpacked {
  readonly root: string;
  /** The unpacked program where there is one, the machine's otherwise. `path` begins with a slash. */
  program(path: string): string;
  /** For env(1): where libraries, typelibs and Python modules are found. */
  readonly environment: readonly string[];
}

const prepared = new Map<Group, Promise<Unpacked>>();

/** Once a process; the first time on a machine it takes some ten seconds. */
export function unpackManagers(): Promise<Unpacked> {
  return prepared.getOrInsertComputed('managers', prepare);
}

/** The same. */
export function unpackResolvers(): Promise<Unpacked> {
  return prepared.getOrInsertComputed('resolvers', prepare);
}

async function prepare(group: Group): Promise<Unpacked> {
  const packages = groups[group];
  const versions = await need(packages, 'apt-cache', ['policy', ...packages]);
  const hash = createHash('sha256').update(versions).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `protect-network-test-${group}-${hash}`);
  if (!existsSync(folder)) await fill(packages, folder);
  const libraries = (await Promise.all(['usr/lib', 'lib'].map((place) => librariesIn(join(folder, place))))).flat();
  const libraryPath = libraries.flatMap((path) => [path, join(path, 'systemd')]);
  return {
    root: folder,
    program: (path) => (existsSync(join(folder, path)) ? join(folder, path) : path),
    environment: [
      `LD_LIBRARY_PATH=${libraryPath.join(':')}`,
      `GI_TYPELIB_PATH=${libraries.map((path) => join(path, 'girepository-1.0')).join(':')}`,
      `PYTHONPATH=${join(folder, 'usr/lib/python3/dist-packages')}`,
      'PYTHONDONTWRITEBYTECODE=1',
    ],
  };
}

/** Some packages of Debian 12 have theirs in /lib: libdbus-1-3. */
async function librariesIn(place: string): Promise<string[]> {
  const names = existsSync(place) ? await readdir(place) : [];
  return names.filter((name) => name.includes('-linux-gnu')).map((triplet) => join(place, triplet));
}

/** Fills a folder of its own and renames it, so that two suites at once, or one interrupted, leave no half-filled cache. */
async function fill(packages: readonly string[], folder: string): Promise<void> {
  const work = await mkdtemp(`${folder}-`);
  const [archives, root] = [join(work, 'archives'), join(work, 'root')];
  try {
    await mkdir(join(archives, 'partial'), { recursive: true });
    const options = ['-o', 'Debug::NoLocking=1', '-o', `Dir::Cache::archives=${archives}`];
    const resolve = ['install', '--download-only', '--reinstall', '-y', '-qq', '--no-install-recommends'];
    await need(packages, 'apt-get', [...resolve, ...options, ...packages]);
    const debs = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
    for (const deb of debs) await need(packages, 'dpkg', ['-x', join(archives, deb), root]);
    await rename(root, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function need(packages: readonly string[], command: string, args: readonly string[]): Promise<string> {
  try {
    // What is asked of apt names the cache: in one language.
    return (await run(command, [...args], { maxBuffer: 1 << 24, env: { ...process.env, LC_ALL: 'C' } })).stdout;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`these tests need apt-get, dpkg and Debian's packages ${packages.join(', ')}: ${detail}`, {
      cause,
    });
  }
}
