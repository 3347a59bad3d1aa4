/** The one place that knows the words and numbers in which tools and kernel refuse. */
import { type ErrorCode, ProtectNetworkError } from '../model/errors.ts';
import { GarbledMessage, NetlinkError } from '../netlink/errors.ts';

const table: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Cannot find device|No such device|does not exist|ENODEV/i, 'vanished'],
  [/No such (process|file or directory)|Cannot assign requested address/i, 'vanished'],
  [/File exists|EEXIST/i, 'exists'],
  [/Operation not permitted|Permission denied|must be root|EPERM|EACCES/i, 'permission'],
  [/Protocol not supported|Address family not supported|Unable to initialize Netlink socket/i, 'kernel-unsupported'],
];

/**
 * An error for what a tool printed: `what` says whose wish was refused, `words` are the tool's own, unless all they say is
 * that it is not permitted.
 */
export function refusal(what: string, words: string): ProtectNetworkError {
  const said = words.trim().replace(/\s+/g, ' ').slice(0, 500);
  const code = classify(said);
  const reason = code === 'permission' ? 'not permitted' : said || 'refused without a reason';
  return new ProtectNetworkError(code, `${what}: ${reason}`);
}

function classify(words: string): ErrorCode {
  return table.find(([pattern]) => pattern.test(words))?.[1] ?? 'refused';
}

const errnos: Readonly<Record<string, ErrorCode>> = {
  ENODEV: 'vanished',
  ENXIO: 'vanished',
  ESRCH: 'vanished',
  ENOENT: 'vanished',
  EADDRNOTAVAIL: 'vanished',
  EEXIST: 'exists',
  EPERM: 'permission',
  EACCES: 'permission',
  EPROTONOSUPPORT: 'kernel-unsupported',
  EAFNOSUPPORT: 'kernel-unsupported',
  ENOSYS: 'kernel-unsupported',
};

/** An error for what came from netlink; rethrows what is none of it. */
export function refusedBy(what: string, error: unknown): ProtectNetworkError {
  if (error instanceof GarbledMessage) return new ProtectNetworkError('garbled', `${what}: ${error.message}`);
  if (!(error instanceof NetlinkError)) throw error;
  return new ProtectNetworkError(errnos[error.code] ?? 'refused', `${what}: ${error.message}`);
}
