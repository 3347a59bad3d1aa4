/**
 * A fresh Debian root with what a package depends on and nothing else, from Debian packages. Kept below the temporary
 * directory as an archive, for each set of versions. Needs root and mmdebstrap.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

export const suite = 'bookworm';

/** Returns a tar archive. */
export async function debianRoot(packages: readonly string[], say: (text: string) => void): Promise<string> {
  const { stdout } = await execa('apt-cache', ['policy', 'base-files', 'libc6', ...packages], { env: { LC_ALL: 'C' } });
  const versions = stdout.split('\n').filter((line) => line.includes('Candidate:'));
  const key = createHash('sha256')
    .update([...packages, ...versions].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const archive = join(tmpdir(), `protect-network-root-${key}.tar`);
  if (existsSync(archive)) return archive;
  say('making a Debian root; kept for the next time');
  const draft = `${archive}.${process.pid}.tar`;
  try {
    const options = ['--variant=essential', '--mode=root', '--aptopt=APT::Install-Recommends "false"'];
    await execa('mmdebstrap', [...options, `--include=${packages.join()}`, suite, draft, ...(await debianSources())]);
    renameSync(draft, archive);
  } finally {
    rmSync(draft, { force: true });
  }
  return archive;
}

/** This machine's sources of Debian, or what they are for another release of it: `trixie` for `bookworm`, and so on. */
export async function debianSources(release = suite): Promise<string[]> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)';
  const { stdout } = await execa('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  const ours = lines.filter(([, part = '', , origin]) => origin === 'Debian' && part.startsWith(suite));
  if (ours.length === 0) throw new Error(`apt has no source of Debian ${suite}`);
  const sources = ours.map(([uri, part = '', component]) => `deb ${uri} ${part.replace(suite, release)} ${component}`);
  return [...new Set(sources)];
}
