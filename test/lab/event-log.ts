/** What a monitor saw: proof that something happened, or that nothing did. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { LongRunning } from './command.ts';
import type { Namespace } from './namespace.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

export class EventLog {
  readonly #monitor: LongRunning;

  private constructor(monitor: LongRunning) {
    this.#monitor = monitor;
  }

  /** Resolves once the kernel lists the monitor as member of a multicast group: whatever happens now is seen. */
  static async start(host: Namespace, command: string, args: readonly string[]): Promise<EventLog> {
    const monitor = host.spawn(command, args);
    await waitFor(() => isSubscribed(monitor.pid), { what: `${command} ${args.join(' ')} to subscribe` });
    return new EventLog(monitor);
  }

  /** Every line so far. Events of the last moments may still be on their way: wait for one, or use `settled`. */
  get lines(): readonly string[] {
    return this.#monitor.stdout;
  }

  /** What the monitor complained about, such as lost events. */
  get complaints(): readonly string[] {
    return this.#monitor.stderr;
  }

  waitForLine(predicate: (line: string) => boolean, options?: Partial<WaitOptions>): Promise<string> {
    return this.#monitor.waitForLine(predicate, options);
  }

  /**
   * The lines of everything that happened before this call: does `marker`, an act the monitor reports in a line holding
   * `text`, and returns the lines before it. Netlink keeps the order within one socket.
   */
  async settled(marker: () => Promise<unknown>, text: string): Promise<string[]> {
    await marker();
    await this.waitForLine((line) => line.includes(text));
    return this.lines.slice(
      0,
      this.lines.findIndex((line) => line.includes(text)),
    );
  }

  async stop(): Promise<void> {
    await this.#monitor.stop();
  }
}

/** Columns of /proc/<pid>/net/netlink: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. The Pid is a port, so go by inode. */
async function isSubscribed(pid: number): Promise<boolean> {
  const [table, inodes] = await Promise.all([readFile(`/proc/${pid}/net/netlink`, 'utf8'), socketInodes(pid)]);
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .some((columns) => Number.parseInt(columns[3] ?? '0', 16) !== 0 && inodes.has(columns[9] ?? ''));
}

async function socketInodes(pid: number): Promise<Set<string>> {
  const directory = `/proc/${pid}/fd`;
  const targets = await Promise.all((await readdir(directory)).map((fd) => readlink(join(directory, fd))));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
