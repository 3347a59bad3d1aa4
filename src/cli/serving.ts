/** What the daemon serves: the control socket and, by TCP, metrics. Replaced on reload, each where its settings changed. */
import type { Config } from '../config/config.ts';
import { type ControlServer, type ControlSources, startControlServer, startMetricsServer } from '../control/server.ts';
import type { WebSources } from '../control/web.ts';
import { errnoOf, messageOf } from '../model/errors.ts';
import type { Fault } from '../model/fault.ts';
import { fault } from '../words/faults.ts';
import { findings } from '../words/findings.ts';
import { type Log, tell } from '../words/log-messages.ts';

type ControlSettings = Config['settings']['control'];

export class Serving {
  readonly #sources: ControlSources & WebSources;
  readonly #log: Log<'noControlSocket' | 'noMetrics'>;
  #control: ControlServer | undefined;
  #metrics: ControlServer | undefined;
  /** What is served now; undefined where it could not be. */
  #socket: string | undefined;
  #listen: string | undefined;
  /** Why there are no metrics by TCP. */
  #fault: Fault | undefined;

  constructor(sources: ControlSources & WebSources, log: Log<'noControlSocket' | 'noMetrics'>) {
    this.#sources = sources;
    this.#log = log;
  }

  /** Where the control socket is; undefined where there is none. */
  get socket(): string | undefined {
    return this.#socket;
  }

  get faults(): readonly Fault[] {
    return this.#fault === undefined ? [] : [this.#fault];
  }

  /**
   * Serves by `control`, and nothing twice. A new control socket stands before the old one goes; where it cannot be made, the
   * old one stays. Throws where another daemon has it, or for what only other settings can fix.
   */
  async follow(control: ControlSettings): Promise<void> {
    await this.#followListen(control.metricsListen);
    if (control.socket === this.#socket) return;
    const old = this.#control;
    try {
      this.#control = await startControlServer({ ...this.#sources, socket: control.socket });
    } catch (error) {
      // A /run that cannot be written costs `status`; zones come first.
      if (old !== undefined || !isUnwritable(error)) throw error;
      tell(this.#log, 'noControlSocket', { reason: messageOf(error) });
      return;
    }
    this.#socket = control.socket;
    await old?.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.#control?.close(), this.#metrics?.close()]);
  }

  /** A taken port must not leave zones without network. */
  async #followListen(listen: ControlSettings['metricsListen']): Promise<void> {
    if (JSON.stringify(listen) === this.#listen) return;
    // First, as the new one may be another address of the same port.
    await this.#metrics?.close();
    this.#metrics = this.#listen = this.#fault = undefined;
    if (listen === undefined) return;
    try {
      this.#metrics = await startMetricsServer({ ...this.#sources, listen });
      this.#listen = JSON.stringify(listen);
    } catch (error) {
      const [where, reason] = [{ address: listen.host, port: listen.port }, messageOf(error)];
      const { metricsForbidden, noMetrics } = findings.reported;
      // The unit allows no sockets of IP.
      const isForbidden = errnoOfCause(error) === 'EAFNOSUPPORT';
      this.#fault = isForbidden ? fault(metricsForbidden, where) : fault(noMetrics, { ...where, reason });
      const hint = isForbidden ? ` (the unit forbids it: ${metricsForbidden.fix})` : '';
      tell(this.#log, 'noMetrics', { ...where, reason: `${reason}${hint}` });
    }
  }
}

function isUnwritable(error: unknown): boolean {
  const errno = errnoOfCause(error);
  // Node says ENOENT where it cannot make a directory on a read-only file system.
  return errno === 'EROFS' || errno === 'ENOENT' || errno === 'ENOSPC' || errno === 'EDQUOT';
}

function errnoOfCause(error: unknown): string | undefined {
  return error instanceof Error ? errnoOf(error.cause) : undefined;
}
