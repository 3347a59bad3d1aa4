/** What is dear to make, in directories below the temporary one that are named by what they were made of. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { withProgress } from '../../scripts/progress.ts';

/** A package, or the place where packages come from, cannot be had here. */
export class Unobtainable extends Error {
  override readonly name = 'Unobtainable';
}

/** Returns the directory of this name and key, which `fill` makes where it is not there yet; half a one is never seen. */
export async function cached(
  name: string,
  key: readonly string[],
  fill: (directory: string) => Promise<void>,
): Promise<string> {
  const digest = createHash('sha256').update(key.join('\n')).digest('hex').slice(0, 16);
  const directory = join(tmpdir(), `protect-network-${name}-${digest}`);
  if (existsSync(directory)) return directory;
  const draft = `${directory}.${process.pid}`;
  try {
    mkdirSync(draft);
    await withProgress(`making ${name}`, () => fill(draft));
    renameSync(draft, directory);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return directory;
}

/** What apt would install now, one line a package. Throws `Unobtainable` where it knows no version of one. */
export async function candidates(packages: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('apt-cache', ['policy', ...packages], { env: { LC_ALL: 'C' } });
  const versions = stdout.split('\n').filter((line) => line.includes('Candidate:') && !line.includes('(none)'));
  if (versions.length !== packages.length) throw new Unobtainable(`apt does not know all of ${packages.join(' ')}`);
  return versions.map((line, place) => `${packages[place]} ${line.trim()}`);
}
