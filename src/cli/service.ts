/** The daemon as a service: when it is ready, reloads and stops, in a sentence for `systemctl status`; and the watchdog. */
import { monotonicMicroseconds, type ServiceManager } from '../host/systemd.ts';
import type { Reconciler } from '../lifecycle/reconciler.ts';
import { messageOf } from '../model/errors.ts';
import { type Log, tell } from '../words/log-messages.ts';

/** How old the sentence in `systemctl status` may be. */
const lookMs = 5_000;
/** Characters; the log has the rest. */
const maxNews = 600;

export class Service {
  readonly #manager: ServiceManager;
  readonly #reconciler: Pick<Reconciler, 'records' | 'turn'>;
  readonly #log: Log<'serviceManager'>;
  #isReady = false;
  #isStopping = false;
  /** Ends the pause under way. */
  #wake: () => void = () => undefined;
  /** What became of the configuration when it was read last. */
  #news = '';

  constructor(manager: ServiceManager, reconciler: Pick<Reconciler, 'records' | 'turn'>, log: Log<'serviceManager'>) {
    this.#manager = manager;
    this.#reconciler = reconciler;
    this.#log = log;
  }

  /** Once everything is in place for the first time. */
  ready(): void {
    if (this.#isStopping) return;
    this.#isReady = true;
    this.#tell('READY=1', this.#status());
  }

  /** Puts it into the sentence, which is sent within seconds. */
  say(news: string): void {
    this.#news = news.replaceAll(/\s+/g, ' ');
  }

  /** A daemon that is not ready yet is not made so by a reload. */
  reloading(): void {
    if (this.#isReady) this.#tell('RELOADING=1', `MONOTONIC_USEC=${monotonicMicroseconds()}`);
  }

  reloaded(): void {
    if (this.#isReady) this.ready();
  }

  stopping(): void {
    this.#isStopping = true;
    this.#wake();
    this.#tell('STOPPING=1', 'STATUS=stopping; routes and rules stay as they are');
  }

  /**
   * Keeps the sentence true, and tells the watchdog twice in each of its periods that the loop has come by. A loop that
   * is stuck in a pass, or no longer starts one, is not heard of, however well timers and the control socket may do.
   * Resolves once we stop, unless the loop hangs.
   */
  async keepAlive(): Promise<void> {
    const { isThere, watchdogMs = Number.POSITIVE_INFINITY } = this.#manager;
    let told = { status: '', at: Number.NEGATIVE_INFINITY };
    while (isThere && !this.#isStopping) {
      await this.#reconciler.turn();
      const [status, at] = [this.#status(), performance.now()];
      if (!this.#isStopping && (status !== told.status || at - told.at >= watchdogMs / 4)) {
        told = { status, at };
        this.#tell('WATCHDOG=1', status);
      }
      await this.#pause(Math.min(lookMs, watchdogMs / 4));
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
  }

  #status(): string {
    const counts = new Map<string, number>();
    for (const { state } of this.#reconciler.records.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    const zones = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
    const news = this.#news.length > maxNews ? `${this.#news.slice(0, maxNews)}…` : this.#news;
    return `STATUS=zones: ${zones === '' ? 'none' : zones}${news === '' ? '' : `; ${news}`}`;
  }

  /** A service manager that cannot be told is no reason to stop. */
  #tell(...assignments: string[]): void {
    try {
      this.#manager.tell(...assignments);
    } catch (error) {
      tell(this.#log, 'serviceManager', { word: assignments[0] ?? '', reason: messageOf(error) });
    }
  }
}
