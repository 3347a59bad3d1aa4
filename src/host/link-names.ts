/** Which network links this network namespace has, for commands that need no more of them than their names. */
import { readFileSync } from 'node:fs';

/** Two lines of titles, and then one for each link, `  eth0: 1 2 …` (proc_pid_net(5)). */
export function linkNames(): Set<string> {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').trimEnd().split('\n').slice(2);
  return new Set(lines.map((line) => line.slice(0, line.lastIndexOf(':')).trim()));
}
