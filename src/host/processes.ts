/** Which programs run beside us. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The names, of at most 15 bytes, of the processes that share our network namespace and that we may look at. */
export function processesHere(): ReadonlySet<string> {
  const here = readlinkSync('/proc/self/ns/net');
  const names = readdirSync('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? nameOf(entry, here) : []));
  return new Set(names);
}

/** Nothing where the process has ended, or lives in another network namespace. */
function nameOf(pid: string, namespace: string): string[] {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== namespace) return [];
    return [readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd()];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return [];
    throw error;
  }
}
