/** Takes a changed configuration into force, and says what changed: in the log, and in `systemctl status`. */
import type { Logger } from 'pino';
import { type Config, type ConfigPaths, loadConfig } from '../config/config.ts';
import type { ConfigListener } from '../config/watch.ts';
import type { Reconciler } from '../lifecycle/reconciler.ts';
import type { Reporter } from '../lifecycle/reporter.ts';
import { messageOf } from '../model/errors.ts';
import type { Service } from './service.ts';
import { changesBetween } from './settings-text.ts';

export interface ReloadOptions {
  readonly paths: ConfigPaths;
  readonly reconciler: Reconciler;
  readonly service: Service;
  readonly reporter: Pick<Reporter, 'refusal'>;
  readonly log: Logger;
  /** Serves the control socket, and metrics, by the new settings. */
  readonly serveAnew: (fresh: Config) => Promise<void>;
}

export class Reload implements ConfigListener {
  readonly #options: ReloadOptions;
  /** One after the other, in the order in which they came. */
  #queue = Promise.resolve();
  /** The last that changed something, for `systemctl status`. */
  #lastChange = '';

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /** By SIGHUP; a change of the files is noticed without it. */
  async asked(): Promise<void> {
    const { paths, service } = this.#options;
    service.reloading();
    try {
      this.#take(loadConfig(paths), true);
    } catch (error) {
      this.rejected(error);
    }
    await this.#queue;
    service.ready();
  }

  reloaded(fresh: Config): void {
    this.#take(fresh, false);
  }

  rejected(error: unknown): void {
    const { log, service, reporter } = this.#options;
    reporter.refusal = `the configuration read last stays in force: ${messageOf(error)}`;
    log.error({ event: 'reload-refused' }, `${messageOf(error)}\nthe configuration read last stays in force`);
    service.say(`configuration refused: ${messageOf(error)}; the one read last stays in force`);
  }

  #take(fresh: Config, isAsked: boolean): void {
    this.#queue = this.#queue
      .then(() => this.#apply(fresh, isAsked))
      .catch((error: unknown) => {
        const { log, service } = this.#options;
        const sentence = `not everything of the new configuration is in force: ${messageOf(error)}`;
        log.error({ event: 'reload-incomplete' }, sentence);
        service.say(sentence);
      });
  }

  async #apply(fresh: Config, isAsked: boolean): Promise<void> {
    const { reconciler, serveAnew } = this.#options;
    const before = reconciler.state.config;
    const changes = changesBetween(before, fresh);
    await reconciler.reload(fresh);
    if (JSON.stringify(before.settings.control) !== JSON.stringify(fresh.settings.control)) await serveAnew(fresh);
    // The pass under way when it was told, and the one that knows of it.
    for (let turn = 0; turn < 2; turn++) await reconciler.turn();
    this.#tell(changes, isAsked);
    this.#options.reporter.refusal = undefined;
  }

  #tell(changes: readonly string[], isAsked: boolean): void {
    const { reconciler, reporter, service, log } = this.#options;
    const at = new Date().toTimeString().slice(0, 8);
    if (changes.length > 0) {
      const state =
        reconciler.state.failure === undefined ? 'in force, no restart needed' : 'taken up, and not all in place yet';
      log.info({ event: 'reloaded', changes }, `configuration read again; ${state}: ${changes.join('; ')}`);
      this.#lastChange = `configuration changed at ${at}: ${changes.join('; ')}`;
      service.say(this.#lastChange);
    } else if (isAsked || reporter.refusal !== undefined) {
      log.info({ event: 'reloaded', changes }, 'configuration read again; nothing in it differs from what is in force');
      service.say([this.#lastChange, `configuration read again at ${at}, no change`].filter(Boolean).join('; '));
    }
  }
}
