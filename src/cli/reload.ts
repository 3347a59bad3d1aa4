/** Takes a changed configuration into force, and says what changed: in the log, and in `systemctl status`. */
import type { ConfigPaths } from '../config/config.ts';
import type { ReloadListener } from '../config/watch.ts';
import type { Reconciler } from '../lifecycle/reconciler.ts';
import type { Reporter } from '../lifecycle/reporter.ts';
import { messageOf } from '../model/errors.ts';
import { type DaemonConfig, isSameConfig, loadDaemonConfig } from '../policy/daemon-config.ts';
import { type Log, logMessages, tell, tellSaid } from '../words/log-messages.ts';
import { say } from '../words/say.ts';
import { policyChanges } from './policy-changes.ts';
import type { Service } from './service.ts';
import type { Serving } from './serving.ts';
import { changesBetween } from './settings-text.ts';

export interface ReloadOptions {
  readonly paths: ConfigPaths;
  /** What is in force at first. */
  readonly config: DaemonConfig;
  readonly reconciler: Reconciler;
  readonly service: Service;
  readonly reporter: Pick<Reporter, 'refusal'>;
  readonly log: Log;
  readonly serving: Pick<Serving, 'follow'>;
}

export class Reload implements ReloadListener<DaemonConfig> {
  readonly #options: ReloadOptions;
  #inForce: DaemonConfig;
  /** One after the other, in the order in which they came. */
  #queue = Promise.resolve();
  /** The last that changed something, for `systemctl status`. */
  #lastChange = '';

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#inForce = options.config;
  }

  /** By SIGHUP; a change of the files is noticed without it. */
  async asked(): Promise<void> {
    const { paths, service } = this.#options;
    service.reloading();
    try {
      this.#take(await loadDaemonConfig(paths, this.#inForce), true);
    } catch (error) {
      this.rejected(error);
    }
    await this.#queue;
    service.reloaded();
  }

  reloaded(fresh: DaemonConfig): void {
    this.#take(fresh, false);
  }

  rejected(error: unknown): void {
    const { log, service, reporter } = this.#options;
    reporter.refusal = `the previous configuration stays in force: ${messageOf(error)}`;
    tell(log, 'reloadRefused', { mistake: messageOf(error) });
    service.say(`configuration refused: ${messageOf(error)}; the previous one stays in force`);
  }

  #take(fresh: DaemonConfig, isAsked: boolean): void {
    this.#queue = this.#queue
      .then(() => this.#apply(fresh, isAsked))
      .catch((error: unknown) => {
        const { log, service } = this.#options;
        const sentence = say(logMessages.reloadIncomplete.words, { reason: messageOf(error) });
        tellSaid(log, 'reloadIncomplete', sentence);
        service.say(sentence);
      });
  }

  async #apply(fresh: DaemonConfig, isAsked: boolean): Promise<void> {
    const { reconciler, serving } = this.#options;
    const before = this.#inForce;
    const changes = [...changesBetween(before, fresh), ...policyChanges(before.policies, fresh.policies)];
    this.#inForce = fresh;
    if (fresh.policies !== before.policies) reconciler.enforce(fresh.policies);
    // A pass over everything, which a policy alone does not need.
    if (isAsked || !isSameConfig(fresh, before)) await reconciler.reload(fresh);
    await serving.follow(fresh.settings.control);
    // The pass under way when it was told, and the one that knows of it.
    for (let turn = 0; turn < 2; turn++) await reconciler.turn();
    this.#tell(changes, isAsked);
    this.#options.reporter.refusal = undefined;
  }

  #tell(changes: readonly string[], isAsked: boolean): void {
    const { reconciler, reporter, service, log } = this.#options;
    const at = new Date().toTimeString().slice(0, 8);
    if (changes.length > 0) {
      const key = reconciler.state.failure === undefined ? 'reloaded' : 'reloadedInPart';
      tell(log, key, { changes: changes.join('; ') }, { changes });
      this.#lastChange = `configuration changed at ${at}: ${changes.join('; ')}`;
      service.say(this.#lastChange);
    } else if (isAsked || reporter.refusal !== undefined) {
      tell(log, 'unchanged', {}, { changes });
      service.say([this.#lastChange, `configuration reloaded at ${at}: no changes`].filter(Boolean).join('; '));
    }
  }
}
