/**
 * Where the host's tools are and how they are started. The search path is fixed and the environment is made here:
 * neither PATH nor any other variable of ours decides what root executes. Nothing is started through a shell string.
 */
import { accessSync, constants } from 'node:fs';
import { execa } from 'execa';
import { ProtectNetworkError } from '../model/errors.ts';

export type ToolName =
  | 'ip'
  | 'nft'
  | 'tc'
  | 'ping'
  | 'journalctl'
  | 'iptables'
  | 'iptables-nft-save'
  | 'ip6tables-nft-save'
  | 'iptables-legacy-save'
  | 'ip6tables-legacy-save'
  | 'arptables-legacy'
  | 'ethtool'
  | 'birdc'
  | 'tcpdump';

export interface Tools {
  /** Absolute path of the tool. Throws `tool-missing`, with the Debian package that has it. */
  path(tool: ToolName): string;
  /** Runs to the end. Never throws for an exit code: the caller classifies the words on stderr. */
  run(tool: ToolName, args: readonly string[], options?: RunOptions): Promise<RunResult>;
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunOptions {
  /** An open file that becomes the process's stdin. */
  readonly stdin?: number;
  readonly timeoutMs?: number;
  /** Called with the process id before the process can have done anything. */
  readonly started?: (pid: number) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const systemDirectories = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
export const debianPackage: Record<ToolName, string> = {
  ip: 'iproute2',
  nft: 'nftables',
  tc: 'iproute2',
  ping: 'iputils-ping',
  journalctl: 'systemd',
  iptables: 'iptables',
  'iptables-nft-save': 'iptables',
  'ip6tables-nft-save': 'iptables',
  'iptables-legacy-save': 'iptables',
  'ip6tables-legacy-save': 'iptables',
  'arptables-legacy': 'arptables',
  ethtool: 'ethtool',
  birdc: 'bird2',
  tcpdump: 'tcpdump',
};
/** A killed process may be stuck in the kernel and not end: the daemon goes on without it. */
const endOfKilledMs = 2_000;
/** Twice the slowest listing seen (20,000 links, cold); a tool that takes longer is hung. */
const defaultTimeoutMs = 20_000;
/** A ruleset of 20,000 zones lists as about 12 MB of JSON. */
const maxOutputBytes = 64 * 1024 * 1024;

export function findTools(directories: readonly string[] = systemDirectories): Tools {
  const found = new Map<ToolName, string>();
  // nft would keep a history file in a HOME that exists.
  const environment = { PATH: directories.join(':'), LC_ALL: 'C', HOME: '/nonexistent' };

  function path(tool: ToolName): string {
    const known = found.get(tool) ?? directories.map((directory) => `${directory}/${tool}`).find(isExecutable);
    if (known === undefined) {
      throw new ProtectNetworkError(
        'tool-missing',
        `${tool} is not in ${directories.join(', ')}; install the package ${debianPackage[tool]}`,
      );
    }
    found.set(tool, known);
    return known;
  }

  const run: Tools['run'] = (tool, args, options) =>
    runFile(path(tool), args, { ...options, name: `${tool} ${args[0] ?? ''}`, environment });
  return { path, run, environment };
}

/** `name`: what messages call it. Runs to the end, as `Tools.run` does. */
export async function runFile(
  file: string,
  args: readonly string[],
  { name, environment, ...options }: RunOptions & Pick<Tools, 'environment'> & { readonly name: string },
): Promise<RunResult> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const child = execa(file, args, {
    // execa takes any descriptor here and types only the first three.
    stdin: options.stdin === undefined ? 'ignore' : (options.stdin as 0),
    env: environment,
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: maxOutputBytes,
  });
  if (child.pid !== undefined) options.started?.(child.pid);
  const stuck = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => stuck.resolve(undefined), timeoutMs + endOfKilledMs);
  const result = await Promise.race([child, stuck.promise]);
  clearTimeout(timer);
  if (result === undefined || result.timedOut) {
    throw new ProtectNetworkError('timeout', `${name} did not end within ${timeoutMs} ms; killed`);
  }
  if (result.exitCode === undefined) {
    throw new ProtectNetworkError('helper-died', `${name} ended without an exit code: ${result.shortMessage}`, {
      cause: result,
    });
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}
