/**
 * Tells the service manager how we are (sd_notify(3)). Node can write to a Unix datagram socket and not make one, so the
 * launcher makes it (`connect-systemd.pl`) and says by NOTIFY_FD which descriptor it is.
 */
import { writeSync } from 'node:fs';

export interface ServiceManager {
  readonly isThere: boolean;
  /** The longest silence it bears from us, in milliseconds; undefined where it has no watchdog for us. */
  readonly watchdogMs: number | undefined;
  /** One message of all `assignments`. Does nothing where nobody asked for it; throws where it does not get through. */
  tell(...assignments: string[]): void;
}

/** Its variables are part of its protocol, and the only thing read from the environment. */
export function findServiceManager(variables: Readonly<Record<string, string | undefined>>): ServiceManager {
  const { NOTIFY_FD, WATCHDOG_USEC, WATCHDOG_PID } = variables;
  const descriptor = /^[0-9]{1,5}$/.test(NOTIFY_FD ?? '') ? Number(NOTIFY_FD) : undefined;
  const microseconds = Number(WATCHDOG_USEC);
  const isForUs = descriptor !== undefined && (WATCHDOG_PID ?? String(process.pid)) === String(process.pid);
  return {
    isThere: descriptor !== undefined,
    watchdogMs: isForUs && microseconds > 0 ? microseconds / 1000 : undefined,
    tell(...assignments) {
      if (descriptor !== undefined) writeSync(descriptor, assignments.join('\n'));
    },
  };
}

/** CLOCK_MONOTONIC in microseconds, which RELOADING=1 has to carry (sd_notify(3), systemd 253 and later). */
export function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1000n;
}
