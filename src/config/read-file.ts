/**
 * Reading a file that decides what root does: bounded, never blocking, and with an eye on who else could have
 * written it. Ownership is judged on the open file, so that nothing can be swapped between the check and the read.
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { type ErrorCode, errnoOf, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { shellWord } from '../model/shell.ts';
import { say } from '../words/say.ts';
import { directoryWarnings, hostWarnings } from '../words/warnings.ts';

export interface FileText {
  readonly text: string;
  readonly stats: BigIntStats;
}

/** What is behind a path: size, owner and times, in the shape that both the check and the cache need. */
export type FileOwnership = Pick<BigIntStats, 'mode' | 'uid'>;

/**
 * The text of a regular file of at most `maxBytes`, or undefined where there is none. Throws `permission`,
 * `config-unreadable` (a directory, a FIFO, too large, an I/O error) or `config-invalid` (not UTF-8).
 */
export function readBoundedFile(
  path: string,
  options: { maxBytes: number; follow: boolean; judge?: (stats: BigIntStats) => string | undefined },
): FileText | undefined {
  // O_NONBLOCK: opening a FIFO that has no writer would otherwise block the whole daemon.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (options.follow ? 0 : constants.O_NOFOLLOW);
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    if (!isMissing(error)) throw fileError(path, error);
    // Somebody meant a file to be here: the defaults would be a surprise, and may be the less safe ones.
    if (isDangling(path)) throw unreadable(path, 'is a dangling symbolic link');
    return undefined;
  }
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) throw unreadable(path, stats.isDirectory() ? 'is a directory' : 'is not a regular file');
    const distrust = options.judge?.(stats);
    if (distrust !== undefined) throw new ProtectNetworkError('config-invalid', `${path}: ${distrust}`);
    return { text: decode(path, readAtMost(path, descriptor, Number(stats.size), options.maxBytes)), stats };
  } catch (error) {
    throw error instanceof ProtectNetworkError ? error : fileError(path, error);
  } finally {
    closeSync(descriptor);
  }
}

/** Equal as long as a file is the same with the same content and owner: change time is part of it, as owner and mode change nothing else. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** Why somebody other than root and this process's user could have written it, or undefined. */
export function whyNotTrusted(stats: FileOwnership): string | undefined {
  const mode = (stats.mode & 0o7777n).toString(8).padStart(4, '0');
  if ((stats.mode & 0o022n) !== 0n) {
    return say(hostWarnings.writableByOthers, { mode });
  }
  if (stats.uid !== 0n && stats.uid !== BigInt(process.geteuid?.() ?? 0)) {
    return say(hostWarnings.ownedByOther, { uid: stats.uid });
  }
  return undefined;
}

/** The command after which `whyNotTrusted` has nothing to say of `path`. */
export function howToRestrict(path: string, mode = 'go-w'): string {
  const word = shellWord(path);
  return `chown -h root ${word} && chmod ${mode} ${word}`;
}

/** The same question about the symbolic link at `path`, if it is one; its permission bits mean nothing, its owner does. */
export function whyLinkNotTrusted(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats?.isSymbolicLink() !== true) return undefined;
  const distrust = whyNotTrusted({ uid: stats.uid, mode: 0n });
  return distrust === undefined ? undefined : `the symbolic link is not trusted: ${distrust}`;
}

/** True for the errors that mean "there is no such file", a missing parent included. */
export function isMissing(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** An operating system error as one of ours: EACCES and EPERM are `permission`, the rest `config-unreadable`. */
export function fileError(path: string, cause: unknown): ProtectNetworkError {
  const errno = errnoOf(cause);
  const code: ErrorCode = errno === 'EACCES' || errno === 'EPERM' ? 'permission' : 'config-unreadable';
  const reason = reasons[errno ?? ''] ?? messageOf(cause);
  return new ProtectNetworkError(code, say(directoryWarnings.unreadFile, { file: path, reason }), { cause });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  ELOOP: 'a symbolic link that is not followed',
};

function isDangling(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw fileError(path, error);
  }
}

function readAtMost(path: string, descriptor: number, size: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(Math.min(size, maxBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    const got = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (got === 0) return buffer.subarray(0, length);
    length += got;
  }
  throw unreadable(path, size > maxBytes ? `is larger than ${maxBytes} bytes` : 'grew while it was read');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(path: string, bytes: Buffer): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    const before = bytes.toString('utf8').split('\ufffd', 1)[0] ?? '';
    const lines = before.split('\n');
    const place = { file: path, line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
    throw new ProtectNetworkError('config-invalid', say(directoryWarnings.notUtf8, place), { cause });
  }
}

function unreadable(path: string, reason: string): ProtectNetworkError {
  return new ProtectNetworkError('config-unreadable', say(directoryWarnings.notAFile, { file: path, what: reason }));
}
