/** Tells the service manager how we are (sd_notify(3)), from the main process itself. */
import { DatagramSocket } from '../netlink/datagram.ts';

export interface ServiceManager {
  readonly isThere: boolean;
  /** The longest silence it bears from us, in milliseconds; undefined where it has no watchdog for us. */
  readonly watchdogMs: number | undefined;
  /** One message of all `assignments`. Does nothing where nobody asked for it; throws where it does not get through. */
  tell(...assignments: string[]): void;
}

/** Its variables are part of its protocol, and the only thing read from the environment. */
export function findServiceManager(variables: Readonly<Record<string, string | undefined>>): ServiceManager {
  const { NOTIFY_SOCKET = '', WATCHDOG_USEC, WATCHDOG_PID } = variables;
  const isThere = NOTIFY_SOCKET !== '';
  const microseconds = Number(WATCHDOG_USEC);
  const isForUs = isThere && (WATCHDOG_PID ?? String(process.pid)) === String(process.pid);
  let socket: DatagramSocket | undefined;
  return {
    isThere,
    watchdogMs: isForUs && microseconds > 0 ? microseconds / 1000 : undefined,
    tell(...assignments) {
      if (!isThere) return;
      socket ??= new DatagramSocket(NOTIFY_SOCKET);
      socket.send(Buffer.from(assignments.join('\n')));
    },
  };
}

/** CLOCK_MONOTONIC in microseconds, which RELOADING=1 has to carry (sd_notify(3), systemd 253 and later). */
export function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1000n;
}
