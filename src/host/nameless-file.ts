import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { ProtectNetworkError } from '../model/errors.ts';

/** The first is the unit's own; the others serve a daemon started by hand, or a /run that is read-only or full. */
const directories = ['/run/protect-network', '/run', '/dev/shm', '/tmp'];

/**
 * An open file with `text` in it and no name left, so that not even a crash leaves it behind. The caller closes it.
 * Throws `refused` where every one of the directories is missing, full or read-only.
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
  try {
    unlinkSync(path);
    write(file, text);
    return file;
  } catch (error) {
    // A disk that is full must not cost a descriptor at each try.
    closeSync(file);
    throw error;
  }
}

/**
 * Replaces the file's whole text by a script in which empty lines at the end mean nothing. They cover a little that is left
 * of the text before: to shorten a file takes some file systems milliseconds. Few, as nft reads 1000 of them in 0.3 ms,
 * and no spaces, of which it reads 4096 in 57 ms.
 * False where the disk is full; the file then holds anything.
 */
export function overwrite(file: number, script: string): boolean {
  try {
    const { size } = fstatSync(file);
    if (size > script.length + mostLines) ftruncateSync(file, 0);
    write(file, script.padEnd(Math.min(size, script.length + mostLines), '\n'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

const mostLines = 512;

function write(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, written);
}
