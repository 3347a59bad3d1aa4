/** Debian's real xenstored as a server on a Unix socket, without Xen; and the tools of xenstore-utils against it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackXenstored } from './packages.ts';

const run = promisify(execFile);
const startDeadline = 10_000;

export interface Xenstored {
  readonly socket: string;
  /** Writes a node with xenstore-write, as `xl` and an administrator do. */
  write(path: string, value: string): Promise<void>;
  /** Sets permissions with xenstore-chmod: `chmod('/a', 'n0', 'r5')`. */
  chmod(path: string, ...permissions: string[]): Promise<void>;
  remove(path: string): Promise<void>;
  /** Kills it and leaves it dead; its tree is gone, as is its socket file. */
  kill(): Promise<void>;
  /** Starts it again on the same socket, with an empty tree; kills it first where it runs. */
  restart(): Promise<void>;
  /** It stays and answers nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

export async function startXenstored(): Promise<Xenstored> {
  const unpacked = await unpackXenstored();
  const folder = await mkdtemp(join(tmpdir(), 'protect-network-xs-'));
  const socket = join(folder, 'run/socket');
  await mkdir(join(folder, 'run'));
  await mkdir(join(folder, 'lib'));
  const paths = {
    XENSTORED_ROOTDIR: join(folder, 'lib'),
    XENSTORED_RUNDIR: join(folder, 'run'),
    XENSTORED_PATH: socket,
  };
  const env = { ...paths, LD_LIBRARY_PATH: unpacked.libraries };
  const launch = () => start(unpacked.xenstored, socket, { ...env, LD_PRELOAD: unpacked.shim });
  let child: ChildProcess | undefined = await launch();
  const kill = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending !== undefined) await end(ending);
    await rm(socket, { force: true });
  };
  const tool = async (name: string, ...args: string[]): Promise<void> => {
    await run(join(unpacked.tools, name), args, { env });
  };
  return {
    socket,
    write: (path, value) => tool('xenstore-write', path, value),
    chmod: (path, ...permissions) => tool('xenstore-chmod', path, ...permissions),
    remove: (path) => tool('xenstore-rm', path),
    kill,
    restart: async () => {
      await kill();
      child = await launch();
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same xenstored behind a character device. `end` takes the device away. */
export async function startDevice(socket: string): Promise<{ device: string; end(): Promise<void> }> {
  const { bridge } = await unpackXenstored();
  const child = spawn(bridge, [socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  killAtExit(child);
  const [name] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  const device = String(name).trim();
  if (!device.startsWith('/dev/')) throw new Error(`the bridge to ${socket} did not start: ${device}`);
  return { device, end: () => end(child) };
}

async function start(xenstored: string, socket: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(xenstored, ['-N'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  killAtExit(child);
  const deadline = Date.now() + startDeadline;
  while (!(await accepts(socket))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      await end(child);
      throw new Error(`xenstored did not start (${child.exitCode ?? child.signalCode}): ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return child;
}

/** So that nothing is left behind where a test run is interrupted. */
function killAtExit(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}

/** Sure, and no test needs xenstored to say goodbye. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
