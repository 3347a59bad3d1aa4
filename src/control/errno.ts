/** The operating system's error numbers as errors of ours, for sockets. */
import { type ErrorCode, errnoOf, messageOf, ProtectNetworkError } from '../model/errors.ts';

/** EACCES and EPERM are `permission`, everything else is `refused`, with the system's words. */
export function systemError(cause: unknown, what: string): ProtectNetworkError {
  const errno = errnoOf(cause);
  const code: ErrorCode = errno === 'EACCES' || errno === 'EPERM' ? 'permission' : 'refused';
  const reason = code === 'permission' ? 'not permitted' : messageOf(cause);
  return new ProtectNetworkError(code, `${what}: ${reason}`, { cause });
}
