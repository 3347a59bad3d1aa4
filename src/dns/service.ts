/** The forwarder as a whole: what the daemon tells decides whom it answers, where it listens and whom it asks. */
import type { Logger } from 'pino';
import type { Prefix } from '../model/address.ts';
import type { DaemonMessage } from '../policy/messages.ts';
import { isKeptFrom } from '../policy/private-addresses.ts';
import { Cache } from './cache.ts';
import { DaemonChannel } from './daemon-channel.ts';
import { Forwarder } from './forwarder.ts';
import { monotonic } from './limits.ts';
import { Listeners } from './listen.ts';
import { News } from './news.ts';
import { Upstream } from './upstream.ts';
import { ownPrefixes, Zones } from './zones.ts';

export interface DnsServiceOptions {
  /** The daemon's socket. */
  readonly path: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** How often what was held back is told. */
const reportMs = 5000;

type Told = Extract<DaemonMessage, { kind: 'policy' | 'zones' }>;

export class DnsService {
  readonly #zones = new Zones(monotonic);
  readonly #upstream = new Upstream();
  readonly #cache: Cache;
  readonly #daemon: DaemonChannel;
  readonly #forwarder: Forwarder;
  readonly #listeners: Listeners;
  readonly #news: News;
  #own: readonly Prefix[] = [];
  #toldTotals = '';
  #timer: NodeJS.Timeout | undefined;

  constructor({ path, log }: DnsServiceOptions) {
    const [zones, news] = [this.#zones, new News(log, monotonic)];
    this.#news = news;
    this.#cache = new Cache(
      (name, type) => this.#upstream.ask(name, type),
      (address) => isKeptFrom(address, this.#own),
      monotonic,
    );
    this.#daemon = new DaemonChannel({
      path,
      told: (message) => this.#apply(message),
      connected: () => news.connected(path, zones.size),
      failed: (reason) => news.notConnected(path, reason),
    });
    this.#forwarder = new Forwarder({ zones, cache: this.#cache, daemon: this.#daemon, news, now: monotonic });
    this.#listeners = new Listeners({
      forwarder: this.#forwarder,
      zones,
      listening: (addresses, port) => news.listening(addresses, port, this.#upstream.resolvers),
      failed: (address, port, reason) => news.notListening(address, port, reason),
    });
  }

  /** A sentence for `systemctl status`. */
  get status(): string {
    const daemon = this.#daemon.isUp ? 'connected to the daemon' : 'no connection to the daemon';
    return `${daemon}; policed zones: ${this.#zones.size}; answers in the cache: ${this.#cache.size}`;
  }

  start(): void {
    this.#daemon.open();
    this.#timer = setInterval(() => this.#report(), reportMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#listeners.close();
    this.#daemon.close();
  }

  /** Throws `garbled`. */
  #apply(message: Told): void {
    const own = message.kind === 'policy' ? ownPrefixes(message.own) : this.#own;
    this.#zones.apply(message);
    if (message.kind !== 'policy') return;
    this.#own = own;
    this.#upstream.use(message.resolvers);
    this.#cache.clear();
    this.#listeners.follow(message.listen.addresses, message.listen.port);
  }

  #report(): void {
    this.#forwarder.report();
    this.#news.forget();
    const totals = { ...this.#forwarder.totals, resolversAnswer: this.#news.resolversAnswer };
    const text = JSON.stringify(totals);
    if (text === this.#toldTotals) return;
    if (this.#daemon.send({ kind: 'totals', ...totals })) this.#toldTotals = text;
  }
}
