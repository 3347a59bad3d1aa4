/** A client of xenstored that stays: it reconnects with backoff and re-establishes its watches. See README.md. */
import { type Backoff, delayAfter } from '../model/backoff.ts';
import { encodeStrings } from './body.ts';
import { type Connection, openConnection } from './connection.ts';
import { XenstoreError } from './errors.ts';
import { MessageType } from './frame.ts';
import { path, type WatchPath } from './path.ts';
import { type Request, Store } from './store.ts';
import { type Ending, runTransaction } from './transaction.ts';

export interface ClientOptions {
  /** Sockets or devices; each attempt takes the first that is there. */
  readonly paths: readonly string[];
  /** Milliseconds; default 5000. */
  readonly requestTimeout?: number;
  /** Default 50 to 5000 ms. */
  readonly backoff?: Backoff;
  /** Milliseconds until it is looked again where none of `paths` is there; default 1000. */
  readonly lookAgain?: number;
  readonly onState?: (state: ClientState) => void;
}

export type ClientState =
  | { readonly kind: 'connecting' }
  /** xenstored answered and all watches stand. */
  | { readonly kind: 'connected'; readonly path: string }
  /** `error.code` is `vanished` where none of the paths is there. The next attempt is in `retryIn` milliseconds. */
  | { readonly kind: 'disconnected'; readonly error: XenstoreError; readonly retryIn: number }
  | { readonly kind: 'closed' };

export interface Watch {
  /** Ends it: the listener is not called any more from now on. */
  close(): Promise<void>;
}

interface WatchRecord {
  readonly path: WatchPath;
  readonly token: string;
  readonly listener: (path: string) => void;
}

const defaults = { requestTimeout: 5000, backoff: { first: 50, most: 5000 }, lookAgain: 1000 };
const defaultAttempts = 10;

/** All verbs of `Store` outside any transaction, watches, and transactions. While disconnected they reject at once. */
export class XenstoreClient extends Store {
  readonly #options: ClientOptions & typeof defaults;
  readonly #watches = new Map<string, WatchRecord>();
  readonly #send: Request;
  /** Set while `connected`. */
  #connection: Connection | undefined;
  /** The latest connection, greeted or not. */
  #opening: Connection | undefined;
  #state: ClientState = { kind: 'connecting' };
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #lastToken = 0;

  constructor(options: ClientOptions) {
    const send: Request = async (type, what, body, transactionId) =>
      this.#current().request(type, what, body, transactionId);
    super(send);
    this.#send = send;
    this.#options = { ...defaults, ...options };
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Begins to connect and to stay connected; resolves after the first attempt, whatever came of it. Once only. */
  async start(): Promise<void> {
    await this.#attempt();
  }

  /** Ends the connection and all watches. Idempotent; open requests reject. */
  close(): void {
    clearTimeout(this.#retry);
    this.#watches.clear();
    this.#enter({ kind: 'closed' });
    this.#opening?.close();
    this.#connection = undefined;
  }

  /**
   * Calls `listener` with the path of every change at or below `watched`, and with `watched` itself once at first and
   * once after every reconnection (xenstored does that for each new watch), which means: read again. It may be called
   * before this resolves; it must not throw. Rejects where xenstored refuses; then there is no watch.
   * Changes of permissions count as changes; those of a node above `watched` do not, its removal does.
   */
  async watch(watched: WatchPath, listener: (path: string) => void): Promise<Watch> {
    this.#lastToken += 1;
    const record: WatchRecord = { path: watched, token: String(this.#lastToken), listener };
    const connection = this.#current();
    this.#watches.set(record.token, record);
    try {
      await establish(connection, record);
    } catch (error) {
      this.#watches.delete(record.token);
      throw error;
    }
    return { close: () => this.#unwatch(record) };
  }

  /**
   * Runs `body` with a store inside a transaction, again where it conflicted (EAGAIN), `attempts` times at most.
   * `body` says by `end` whether it counts; it may run several times and should have no effect elsewhere.
   */
  transaction<T>(body: (store: Store) => Promise<Ending<T>>, attempts = defaultAttempts): Promise<T> {
    const connection = this.#current();
    return runTransaction((...request) => connection.request(...request), body, attempts);
  }

  async #unwatch(record: WatchRecord): Promise<void> {
    if (!this.#watches.delete(record.token) || this.#connection === undefined) return;
    await this.#send(MessageType.unwatch, `UNWATCH ${record.path}`, encodeStrings(record.path, record.token));
  }

  #current(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    throw new XenstoreError('unreachable', 'not connected to xenstored');
  }

  async #attempt(): Promise<void> {
    if (this.#state.kind === 'closed') return;
    this.#enter({ kind: 'connecting' });
    try {
      await this.#connect();
    } catch (error) {
      if (!(error instanceof XenstoreError)) throw error;
      this.#disconnected(error);
    }
  }

  async #connect(): Promise<void> {
    const { paths, requestTimeout } = this.#options;
    const connection = await openConnection({
      paths,
      requestTimeout,
      event: (changed, token) => this.#watches.get(token)?.listener(changed),
      broken: (reason) => {
        if (this.#connection !== undefined) this.#disconnected(reason);
      },
    });
    this.#opening = connection;
    if (this.#state.kind === 'closed') connection.close();
    try {
      await greet(connection);
      await Promise.all([...this.#watches.values()].map((record) => establish(connection, record)));
      // The last answer and what broke the connection may have come in one piece.
      if (connection.failure !== undefined) throw connection.failure;
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#failures = 0;
    this.#connection = connection;
    this.#enter({ kind: 'connected', path: connection.path });
  }

  #disconnected(error: XenstoreError): void {
    this.#connection = undefined;
    if (this.#state.kind === 'closed') return;
    this.#failures += 1;
    const { backoff, lookAgain } = this.#options;
    const retryIn = error.code === 'vanished' ? lookAgain : delayAfter(this.#failures, backoff, 1 - Math.random() / 2);
    this.#retry = setTimeout(() => void this.#attempt(), retryIn);
    this.#enter({ kind: 'disconnected', error, retryIn });
  }

  #enter(state: ClientState): void {
    if (this.#state.kind === 'closed') return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}

async function establish(connection: Connection, { path: watched, token }: WatchRecord): Promise<void> {
  await connection.request(MessageType.watch, `WATCH ${watched}`, encodeStrings(watched, token));
}

/** Any answer will do, an errno too: it shows that there is a xenstored behind the socket. */
async function greet(connection: Connection): Promise<void> {
  try {
    await new Store((...request) => connection.request(...request)).permissions(path('/'));
  } catch (error) {
    if (!(error instanceof XenstoreError) || error.errno === undefined) throw error;
  }
}
