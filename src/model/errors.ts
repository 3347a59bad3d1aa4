/**
 * The one error family. Inner functions throw it, `src/cli/main.ts` turns it into an exit code,
 * the loop turns it into a log line with what happens next.
 */

/** Exit codes after sysexits.h where it has a word for the case. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  tryAgain: 75,
  noPermission: 77,
  config: 78,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export type ErrorCode =
  | 'usage'
  | 'config-invalid'
  | 'config-unreadable'
  | 'permission'
  | 'tool-missing'
  | 'tool-outdated'
  | 'kernel-unsupported'
  | 'vanished'
  | 'exists'
  | 'conflict'
  | 'refused'
  | 'timeout'
  | 'busy'
  | 'helper-died'
  | 'unreachable'
  | 'garbled'
  | 'unexpected';

const exitCodes: Partial<Record<ErrorCode, ExitCode>> = {
  usage: ExitCode.usage,
  'config-invalid': ExitCode.config,
  'config-unreadable': ExitCode.config,
  permission: ExitCode.noPermission,
  timeout: ExitCode.tryAgain,
  busy: ExitCode.tryAgain,
  unreachable: ExitCode.tryAgain,
};

export class ProtectNetworkError extends Error {
  override readonly name = 'ProtectNetworkError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): ExitCode {
    return exitCodes[this.code] ?? ExitCode.failed;
  }
}

/** True where `error` is one of ours and carries one of `codes`. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is ProtectNetworkError {
  return error instanceof ProtectNetworkError && codes.includes(error.code);
}

/** The message of whatever was thrown, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One error that says what all of `errors` say, a line each; there is at least one. */
export function combinedError(errors: readonly unknown[]): unknown {
  const [first, ...others] = errors;
  if (others.length === 0) return first;
  const codes = errors.map((error) => (error instanceof ProtectNetworkError ? error.code : 'unexpected'));
  const code = codes.every((each) => each === codes[0]) ? (codes[0] ?? 'unexpected') : 'config-invalid';
  return new ProtectNetworkError(code, errors.map(messageOf).join('\n'), { cause: new AggregateError(errors) });
}

/** Of a system call's error, such as `ECONNREFUSED`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The system's own words name a temporary file, or nothing. */
const whyNotWritten: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EPERM: 'not permitted',
  EROFS: 'the file system is mounted read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/** An error for a file that could not be written; `outcome` says what that comes to: `nothing changed`. */
export function writingFailed(path: string, cause: unknown, outcome: string): ProtectNetworkError {
  const errno = errnoOf(cause) ?? '';
  const isDenied = errno === 'EACCES' || errno === 'EPERM';
  const why = whyNotWritten[errno];
  const words = why === undefined ? messageOf(cause) : `${outcome}: ${why}`;
  return new ProtectNetworkError(isDenied ? 'permission' : 'refused', `${path}: ${words}`, { cause });
}
