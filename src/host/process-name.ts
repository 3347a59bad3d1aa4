/** Who a process is and who started it, as far as it can still be seen: the tools that change a firewall end at once. */
import { readFileSync } from 'node:fs';

export interface ProcessName {
  readonly pid: number;
  /** At most 15 bytes, as the kernel keeps it. */
  readonly process: string;
}

/**
 * The parent of `pid`; undefined where the process is gone, where its parent is nobody in particular, and where `pid` has another
 * name: the kernel tells numbers of the initial process namespace, which may not be ours.
 */
export function parentOf(pid: number, process: string): ProcessName | undefined {
  const stat = statOf(pid);
  const parent = stat?.[1] === process ? Number(stat[2]) : Number.NaN;
  if (!Number.isInteger(parent) || parent <= 1) return undefined;
  const name = statOf(parent)?.[1];
  return name === undefined ? undefined : { pid: parent, process: name };
}

/** When a process began, in the kernel's ticks since boot: with its id it names it for good. Undefined once it has ended. */
export function startOf(pid: number): string | undefined {
  return statOf(pid)?.[3];
}

/** Process id, name, parent and start (proc_pid_stat(5)); a name may hold anything, its last bracket ends it. */
function statOf(pid: number): [string, string, string, string] | undefined {
  try {
    const match = /^(\d+) \((.*)\) \S (\d+) (?:\S+ ){17}(\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return match === null ? undefined : [match[1] ?? '', match[2] ?? '', match[3] ?? '', match[4] ?? ''];
  } catch {
    // It has ended; nothing more can be said about it.
    return undefined;
  }
}
