import { randomBytes } from 'node:crypto';
import { openSync, unlinkSync, writeSync } from 'node:fs';
import { ProtectNetworkError } from '../model/errors.ts';

/** The first is the unit's own; the others serve a daemon started by hand, or a /run that is read-only or full. */
const directories = ['/run/protect-network', '/run', '/dev/shm', '/tmp'];

/**
 * An open file with `text` in it and no name left, so that not even a crash leaves it behind. The caller closes it.
 * Its position is the beginning: nft 1.1 reads stdin from where it stands, older ones open it anew.
 */
export function namelessFile(text: string): number {
  let cause: unknown;
  for (const directory of directories) {
    try {
      return make(`${directory}/.protect-network-${randomBytes(12).toString('hex')}`, text);
    } catch (error) {
      cause = error;
    }
  }
  throw new ProtectNetworkError('refused', `no temporary file can be written in ${directories.join(', ')}`, { cause });
}

function make(path: string, text: string): number {
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, written);
  return file;
}
