/**
 * Tells the service manager how we are (sd_notify(3)). Node cannot send to a Unix datagram socket, so systemd's own tool
 * does, 4 ms each time; the unit allows it with NotifyAccess=all.
 */
import { execa } from 'execa';

const tool = '/usr/bin/systemd-notify';
const timeoutMs = 5_000;

export interface ServiceManager {
  readonly isThere: boolean;
  /** The longest silence it bears from us, in milliseconds; undefined where it has no watchdog for us. */
  readonly watchdogMs: number | undefined;
  /** Does nothing where nobody asked for it. Throws where the tool cannot say it. */
  tell(...assignments: string[]): Promise<void>;
}

/** Its variables are part of its protocol, and the only thing read from the environment. */
export function findServiceManager(variables: Readonly<Record<string, string | undefined>>): ServiceManager {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = variables;
  const microseconds = Number(WATCHDOG_USEC);
  const isThere = NOTIFY_SOCKET !== undefined;
  const isForUs = isThere && (WATCHDOG_PID ?? String(process.pid)) === String(process.pid);
  return {
    isThere,
    watchdogMs: isForUs && microseconds > 0 ? microseconds / 1000 : undefined,
    async tell(...assignments) {
      if (NOTIFY_SOCKET === undefined) return;
      await execa(tool, assignments, { env: { NOTIFY_SOCKET }, extendEnv: false, timeout: timeoutMs });
    },
  };
}

/** CLOCK_MONOTONIC in microseconds, which RELOADING=1 has to carry (sd_notify(3), systemd 253 and later). */
export function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1000n;
}
