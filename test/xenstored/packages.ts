/**
 * Debian's xenstored, unpacked beside the system and not installed: packages come by apt-get once and stay in a cache
 * folder that is named by their version. Throws with what is missing; a suite that needs it fails then, and never skips.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const shimSource = join(import.meta.dirname, 'no-hypervisor.c');
const bridgeSource = join(import.meta.dirname, 'device-bridge.c');
const packages = [
  'xen-utils-4.17',
  'xenstore-utils',
  'libxenstore4',
  'libxenmisc4.17',
  'libxenevtchn1',
  'libxengnttab1',
  'libxentoolcore1',
  'libxentoollog1',
  'libxencall1',
  'libxenforeignmemory1',
  'libxendevicemodel1',
];

export interface Unpacked {
  readonly xenstored: string;
  /** Folder with xenstore-write, xenstore-chmod, xenstore-rm and the others. */
  readonly tools: string;
  readonly libraries: string;
  readonly shim: string;
  /** `bridge SOCKET` prints the path of a character device that leads to it. */
  readonly bridge: string;
}

let prepared: Promise<Unpacked> | undefined;

/** Once a process; the first time on a machine it takes some seconds. */
export function unpackXenstored(): Promise<Unpacked> {
  prepared ??= prepare();
  return prepared;
}

async function prepare(): Promise<Unpacked> {
  const version = await candidateVersion();
  const sources = await Promise.all([readFile(shimSource), readFile(bridgeSource)]);
  const hash = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `protect-network-test-xenstored-${version.replaceAll(/[^A-Za-z0-9.]/g, '_')}-${hash}`);
  if (!(await exists(folder))) await fill(folder);
  return {
    xenstored: join(folder, 'root/usr/lib/xen-4.17/bin/xenstored'),
    tools: join(folder, 'root/usr/bin'),
    libraries: await libraryFolder(join(folder, 'root/usr/lib')),
    shim: join(folder, 'no-hypervisor.so'),
    bridge: join(folder, 'device-bridge'),
  };
}

async function candidateVersion(): Promise<string> {
  const { stdout } = await need('apt-cache', ['show', '--no-all-versions', 'xen-utils-4.17']);
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1];
  if (version === undefined) throw new Error('apt-cache knows no xen-utils-4.17: run `apt-get update` on a Debian 12');
  return version;
}

/** Fills a folder of its own and renames it, so that two suites at once, or one interrupted, leave no half-filled cache. */
async function fill(folder: string): Promise<void> {
  const work = await mkdtemp(`${folder}-`);
  try {
    const debs = join(work, 'debs');
    await mkdir(debs);
    await need('apt-get', ['download', ...packages], debs);
    for (const deb of await readdir(debs)) await need('dpkg', ['-x', join(debs, deb), join(work, 'root')]);
    await need('gcc', ['-O1', '-shared', '-fPIC', '-o', join(work, 'no-hypervisor.so'), shimSource, '-ldl']);
    await need('gcc', ['-O1', '-o', join(work, 'device-bridge'), bridgeSource]);
    await rm(debs, { recursive: true });
    await rename(work, folder);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (!(await exists(folder))) throw error;
  }
}

async function need(command: string, args: string[], cwd?: string): Promise<{ stdout: string }> {
  try {
    return await run(command, args, { ...(cwd === undefined ? {} : { cwd }), maxBuffer: 1 << 24 });
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the xenstored tests need apt-get, dpkg, gcc and Debian 12's Xen packages: ${detail}`, { cause });
  }
}

/** lib/<multiarch triplet>, whichever machine this is. */
async function libraryFolder(lib: string): Promise<string> {
  const triplet = (await readdir(lib)).find((name) => name.includes('-linux-gnu'));
  if (triplet === undefined) throw new Error(`no libraries were unpacked into ${lib}`);
  return join(lib, triplet);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
