/** Starts the helpers that live as long as the daemon. */
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import type { ToolName, Tools } from './tools.ts';

export interface HelperProcess {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with a few words on how the process ended. */
  readonly ended: Promise<string>;
}

/** The constant first argument of `sh -c`: joins stderr to stdout, which Node cannot, and becomes the tool itself. */
const joinStreams = 'exec "$0" "$@" 2>&1';

/**
 * Starts `tool` with stderr joined to stdout. The kernel kills it when the daemon's main thread dies, so that not even
 * SIGKILL leaves a helper behind (PR_SET_PDEATHSIG, by util-linux's setpriv). `file` becomes its descriptor 3.
 */
export function startJoined(tools: Tools, tool: ToolName, args: readonly string[], file?: number): HelperProcess {
  const command = [tools.path('setpriv'), '--pdeathsig', 'KILL', tools.path(tool), ...args];
  const child = execa(tools.path('sh'), ['-c', joinStreams, ...command], {
    stdio: file === undefined ? ['pipe', 'pipe', 'inherit'] : ['pipe', 'pipe', 'inherit', file as 3],
    buffer: false,
    reject: false,
    env: tools.environment,
    extendEnv: false,
  });
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    kill: (signal) => {
      child.kill(signal);
    },
    ended: child.then((result) => {
      if (result.signal !== undefined) return `killed by ${result.signal}`;
      return result.exitCode === undefined
        ? (result.shortMessage ?? 'could not be started')
        : `exit code ${result.exitCode}`;
    }),
  };
}
