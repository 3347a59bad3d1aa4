/** A report as one file: for root only, whole or not at all, and never over another one. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createTarGzip } from 'nanotar';
import { errnoOf, ProtectNetworkError, writingFailed } from '../model/errors.ts';

export interface ArchivedFile {
  readonly name: string;
  readonly text: string;
}

const mode = 0o600;

/** gzipped tar; all files in one `directory`. `time`: Unix milliseconds. */
export function archive(directory: string, files: readonly ArchivedFile[], time: number): Promise<Uint8Array> {
  const attrs = { mode: mode.toString(8), uid: 0, gid: 0, user: 'root', group: 'root', mtime: time };
  return createTarGzip(files.map(({ name, text }) => ({ name: `${directory}/${name}`, data: text, attrs })));
}

/** Throws `exists`, `permission`, or `refused` with the system's words; then nothing is left behind. */
export function writeNewFile(path: string, content: Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    writeWhole(temporary, content);
    // Unlike a rename, it does not replace what is there.
    linkSync(temporary, path);
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw new ProtectNetworkError('exists', `${path} exists; nothing was written`, { cause });
    throw writingFailed(path, cause, 'not written');
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeWhole(path: string, content: Uint8Array): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    for (let written = 0; written < content.length; ) written += writeSync(descriptor, content, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
