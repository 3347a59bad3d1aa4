/**
 * Debian's packages that are measured beside us, downloaded and unpacked into a cache, never installed: their scripts
 * would touch the machine's own network. systemd-networkd's are those of test/managers.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const packages = ['xen-utils-common', 'containernetworking-plugins', 'libnftables-dev'] as const;

let prepared: Promise<string> | undefined;

/** The folder that holds what would be in `/`. Some seconds the first time on a machine. */
export function unpackPeers(): Promise<string> {
  prepared ??= prepare();
  return prepared;
}

async function prepare(): Promise<string> {
  const { stdout } = await execa('apt-cache', ['policy', ...packages], { env: { LC_ALL: 'C' } });
  const hash = createHash('sha256').update(stdout).digest('hex').slice(0, 12);
  const folder = join(tmpdir(), `protect-network-bench-peers-${hash}`);
  if (existsSync(folder)) return folder;
  const work = await mkdtemp(`${folder}-`);
  try {
    await execa('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...packages], { cwd: work });
    const root = join(work, 'root');
    for (const name of await readdir(work))
      if (name.endsWith('.deb')) await execa('dpkg', ['-x', join(work, name), root]);
    // Made beside it and renamed: a run that is interrupted leaves no half-filled cache.
    await rename(root, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}
