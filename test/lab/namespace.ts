/** A network namespace as a place to run programs in. */
import { type CommandOptions, type CommandResult, ipBatch, LongRunning, mustRun, run } from './command.ts';

export class Namespace {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a program inside; a failing exit code is a result, not an error. */
  exec(command: string, args: readonly string[] = [], options?: CommandOptions): Promise<CommandResult> {
    return run('ip', this.#inside(command, args), options);
  }

  /** Runs a program that must succeed; returns its stdout. */
  mustExec(command: string, args: readonly string[] = [], options?: CommandOptions): Promise<string> {
    return mustRun('ip', this.#inside(command, args), options);
  }

  /** Starts a program that runs on; the world's end kills it. */
  spawn(command: string, args: readonly string[] = [], onLine?: (line: string) => void): LongRunning {
    return new LongRunning('ip', this.#inside(command, args), onLine);
  }

  /** Runs `ip` commands (without the word `ip`) in one process. */
  ip(...commands: readonly string[]): Promise<void> {
    return ipBatch(commands, ['-n', this.name]);
  }

  /** `key` in slashes, below /proc/sys: `net/ipv4/conf/vif7.0/proxy_arp`. Undefined where there is none. */
  async sysctl(key: string): Promise<string | undefined> {
    const { stdout, exitCode } = await this.exec('cat', [`/proc/sys/${key}`]);
    return exitCode === 0 ? stdout.trim() : undefined;
  }

  async setSysctls(values: Readonly<Record<string, string | number>>): Promise<void> {
    await this.mustExec('sysctl', ['-q', '-w', ...assignments(values)]);
  }

  /** `ip netns exec` replaces itself by the program, so the process id is the program's. It also mounts a /sys of its own. */
  #inside(command: string, args: readonly string[]): string[] {
    return ['netns', 'exec', this.name, command, ...args];
  }
}

/** The same as `setSysctls` as one line of a batch that runs in the machine's own namespace. */
export function sysctlLine(namespace: string, values: Readonly<Record<string, string | number>>): string {
  return `netns exec ${namespace} sysctl -q -w ${assignments(values).join(' ')}`;
}

/** Slashes, since sysctl(8) would read the dot of a link's name as a separator. */
function assignments(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).map(([key, value]) => `${key}=${value}`);
}
