/** `protect-network dns`: the forwarder of names, a process without privileges beside the daemon. */
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import type { ConfigPaths } from '../config/config.ts';
import { loadSettings } from '../config/load-settings.ts';
import { DnsService } from '../dns/service.ts';
import { findJournal } from '../host/journal-socket.ts';
import { findServiceManager, type ServiceManager } from '../host/systemd.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { limitEnd } from './end.ts';
import { type LogOptions, makeLog } from './log.ts';

/** How old the sentence in `systemctl status` may be. */
const lookMs = 5000;

/** Runs until SIGTERM or SIGINT. Throws where the settings cannot be read or are wrong. */
export async function runForwarder({ settings }: ConfigPaths, options: LogOptions): Promise<ExitCode> {
  const path = join(dirname(socketIn(settings)), 'dns.sock');
  const log = makeLog(options, findJournal(process.env));
  // Collects before the heap has grown to a multiple of what is alive.
  setFlagsFromString('--optimize-for-size');
  const manager = findServiceManager(process.env);
  const service = new DnsService({ path, log });
  const stopped = untilStopped();
  service.start();
  // Not once the daemon has been heard: where it is not there, waiting for it is what this program does.
  tell(manager, log, 'READY=1', `STATUS=${service.status}`);
  const keepAlive = setInterval(
    () => tell(manager, log, 'WATCHDOG=1', `STATUS=${service.status}`),
    Math.min(lookMs, (manager.watchdogMs ?? Number.POSITIVE_INFINITY) / 4),
  );
  const signal = await stopped;
  log.info({ event: 'stopping' }, `${signal}: stopping; what is open to zones stays open, new names fail`);
  limitEnd(() => log.error({ event: 'stopping' }, 'the forwarder did not stop in time: killed'));
  tell(manager, log, 'STOPPING=1');
  clearInterval(keepAlive);
  service.stop();
  return ExitCode.ok;
}

/** Throws `permission` with what to type where this user may not read the settings. */
function socketIn(path: string): string {
  try {
    return loadSettings(path).settings.control.socket;
  } catch (cause) {
    if (!hasCode(cause, 'permission')) throw cause;
    const hint = 'the forwarder reads them as its own user; expected a file and directories that all users may read';
    throw new ProtectNetworkError('permission', `${cause.message}; ${hint}`, { cause });
  }
}

/** A service manager that cannot be told is no reason to stop. */
function tell(manager: ServiceManager, log: Pick<Logger, 'warn'>, ...assignments: string[]): void {
  try {
    manager.tell(...assignments);
  } catch (error) {
    log.warn(
      { event: 'service-manager' },
      `cannot notify the service manager of ${assignments[0]}: ${messageOf(error)}`,
    );
  }
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}
