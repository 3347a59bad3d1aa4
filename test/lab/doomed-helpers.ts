/** The helper processes of this very process. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kills the children whose command line begins with `words` (less its directory); returns how many there were. */
export function killHelper(words: string): number {
  const found = children().filter((pid) => commandLine(pid).startsWith(words));
  for (const pid of found) process.kill(pid, 'SIGKILL');
  return found.length;
}

function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    read(`/proc/self/task/${task}/children`)
      .split(' ')
      .filter((pid) => pid !== '')
      .map(Number),
  );
}

function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`)
    .replaceAll('\0', ' ')
    .replace(/^\S*\//, '');
}

/** Empty where the process has just gone. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
