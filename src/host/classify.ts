/** The one place that knows the words in which tools and kernel refuse. */
import { type ErrorCode, ProtectNetworkError } from '../model/errors.ts';

const table: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Cannot find device|No such device|does not exist|ENODEV/i, 'vanished'],
  [/No such (process|file or directory)|Cannot assign requested address/i, 'vanished'],
  [/File exists|EEXIST/i, 'exists'],
  [/Operation not permitted|Permission denied|must be root|EPERM|EACCES/i, 'permission'],
  [/Protocol not supported|Address family not supported|Unable to initialize Netlink socket/i, 'kernel-unsupported'],
];

/** An error for what a tool printed: `what` says whose wish was refused, `words` are the tool's own. */
export function refusal(what: string, words: string): ProtectNetworkError {
  const said = words.trim().replace(/\s+/g, ' ').slice(0, 500);
  return new ProtectNetworkError(classify(said), `${what}: ${said === '' ? 'refused without a word' : said}`);
}

function classify(words: string): ErrorCode {
  return table.find(([pattern]) => pattern.test(words))?.[1] ?? 'refused';
}
