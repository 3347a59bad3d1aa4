/**
 * promtool of Debian's prometheus, taken out of its package and never installed: the package would start a server. Kept
 * below the temporary directory for each version. Throws with what is missing; who needs it fails then, and never skips.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** Runs promtool; returns whether it was content, and all it said. */
export async function promtool(...args: string[]): Promise<{ isContent: boolean; said: string }> {
  prepared ??= prepare();
  const { exitCode, all } = await execa(await prepared, args, { all: true, reject: false });
  return { isContent: exitCode === 0, said: all };
}

let prepared: Promise<string> | undefined;

/** Returns the program's path. The first time on a machine it takes some five seconds and 19 MB from Debian's archive. */
async function prepare(): Promise<string> {
  try {
    const { stdout } = await execa('apt-cache', ['show', '--no-all-versions', 'prometheus'], { env: { LC_ALL: 'C' } });
    const hash = createHash('sha256').update(stdout).digest('hex').slice(0, 12);
    const folder = join(tmpdir(), `protect-network-test-promtool-${hash}`);
    const program = join(folder, 'usr/bin/promtool');
    if (!existsSync(program)) await fill(folder);
    return program;
  } catch (cause) {
    throw new Error("this needs apt-get, dpkg-deb, tar and Debian's package prometheus", { cause });
  }
}

/** Fills a folder of its own and renames it, so that two runs at once, or one interrupted, leave no half-filled cache. */
async function fill(folder: string): Promise<void> {
  const work = mkdtempSync(`${folder}-`);
  try {
    await execa('apt-get', ['download', '-qq', 'prometheus'], { cwd: work });
    const deb = readdirSync(work).find((name) => name.endsWith('.deb')) ?? 'prometheus.deb';
    await execa('dpkg-deb', ['--fsys-tarfile', deb], { cwd: work, buffer: false }).pipe(
      'tar',
      ['-xf', '-', './usr/bin/promtool'],
      { cwd: work },
    );
    rmSync(join(work, deb));
    renameSync(work, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
