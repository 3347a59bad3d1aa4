/** What can go wrong between us and xenstored, classified here and nowhere else. */
import { type ErrorCode, ProtectNetworkError } from '../model/errors.ts';

/**
 * - With `errno`: xenstored answered the request with that error (`ENOENT`, `EAGAIN`, …); the connection is fine.
 * - Without: the connection is gone (`unreachable`, `garbled`, `timeout`), or the request or its answer was unusable.
 */
export class XenstoreError extends ProtectNetworkError {
  readonly errno: string | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; errno?: string }) {
    super(code, message, options);
    this.errno = options?.errno;
  }
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'vanished',
  EEXIST: 'exists',
  EAGAIN: 'conflict',
  EACCES: 'permission',
  EPERM: 'permission',
};

/** The error for xenstored's answer `errno` to `what`, e.g. `READ /local/domain/1/name`. */
export function refusal(what: string, errno: string): XenstoreError {
  return new XenstoreError(codes[errno] ?? 'refused', `xenstored answered ${errno} to ${what}`, { errno });
}

export function garbled(message: string, cause?: unknown): XenstoreError {
  return new XenstoreError('garbled', message, { cause });
}

/** True where xenstored answered one of `errnos`, e.g. `hasErrno(error, 'ENOENT')`. */
export function hasErrno(error: unknown, ...errnos: string[]): error is XenstoreError {
  return error instanceof XenstoreError && error.errno !== undefined && errnos.includes(error.errno);
}
