/**
 * One connection: requests go out with an id, answers come back by it, watch events in between. It breaks once and
 * for all at the first thing that cannot be right, and then every open request fails with the same reason.
 *
 * Ids: xenstored echoes them. Older kernels' device answers WATCH and UNWATCH with id 0, in order, and leaves the ids of
 * events unset (drivers/xen/xenbus/xenbus_dev_frontend.c); hence id 0 is never ours and an event's id is not looked at.
 */
import { decodeErrno, decodeEvent } from './body.ts';
import { garbled, refusal, XenstoreError } from './errors.ts';
import { encodeFrame, type Frame, FrameDecoder, MessageType } from './frame.ts';
import { openTransport } from './open-transport.ts';
import type { Transport, TransportListener } from './transport.ts';

export interface ConnectionOptions {
  readonly paths: readonly string[];
  /** Milliseconds after which an unanswered request breaks the connection: xenstored answers in well under one. */
  readonly requestTimeout: number;
  readonly event: (path: string, token: string) => void;
  /** Called once, unless `close` was called before. */
  readonly broken: (reason: XenstoreError) => void;
}

interface Asked {
  readonly type: MessageType;
  /** For messages: `READ /local/domain/1/name`. */
  readonly what: string;
  readonly body: Buffer;
  readonly transactionId: number;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: XenstoreError) => void;
}

interface Pending extends Asked {
  readonly deadline: number;
}

const largestId = 0x7fffffff;

/** Rejects with `vanished` where no path is there, `unreachable` where one is and does not open. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const connection = new Connection(options);
  await connection.open(options.paths);
  return connection;
}

export class Connection implements TransportListener {
  readonly #options: ConnectionOptions;
  readonly #decoder = new FrameDecoder();
  /** Not sent yet, in the order of asking. */
  readonly #unsent: Asked[] = [];
  /** In the order of sending, which is the order of deadlines. */
  readonly #pending = new Map<number, Pending>();
  #transport: Transport | undefined;
  #failure: XenstoreError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastId = 0;
  #path = '';

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The socket or device in use. */
  get path(): string {
    return this.#path;
  }

  /** Why it is over; undefined while it is not. */
  get failure(): XenstoreError | undefined {
    return this.#failure;
  }

  async open(paths: readonly string[]): Promise<void> {
    const { transport, path } = await openTransport(paths, this);
    this.#path = path;
    this.#transport = transport;
  }

  /** The answer's body. Rejects with the errno xenstored answered, or with the reason the connection broke. */
  request(type: MessageType, what: string, body: Buffer, transactionId = 0): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#transport === undefined) throw new XenstoreError('unreachable', 'not connected');
      if (body.length > this.#transport.maxRequestBytes) throw refusal(what, 'E2BIG');
      this.#unsent.push({ type, what, body, transactionId, resolve, reject });
      this.#sendNext(this.#transport);
    });
  }

  received(chunk: Uint8Array): void {
    try {
      for (const frame of this.#decoder.push(chunk)) {
        if (this.#failure === undefined) this.#accept(frame);
      }
      if (this.#decoder.broken !== undefined) throw this.#decoder.broken;
    } catch (error) {
      if (!(error instanceof XenstoreError)) throw error;
      this.#break(error);
    }
  }

  closed(reason: Error): void {
    this.#break(
      reason instanceof XenstoreError
        ? reason
        : new XenstoreError('unreachable', `connection to ${this.#path} lost: ${reason.message}`, { cause: reason }),
    );
  }

  /** Idempotent. Open requests fail with `unreachable`. */
  close(): void {
    this.#end(new XenstoreError('unreachable', 'the connection was closed'));
  }

  #accept(frame: Frame): void {
    if (frame.type === MessageType.watchEvent) {
      const { path, token } = decodeEvent(frame.body);
      this.#options.event(path, token);
      return;
    }
    const requestId = frame.requestId === 0 ? this.#oldestWatchRequest() : frame.requestId;
    const pending = this.#pending.get(requestId);
    if (pending === undefined) throw garbled(`an answer to a request ${frame.requestId} that is not open`);
    if (frame.type !== pending.type && frame.type !== MessageType.error) {
      throw garbled(`an answer of type ${frame.type} to ${pending.what}`);
    }
    const errno = frame.type === MessageType.error ? decodeErrno(frame.body) : undefined;
    this.#pending.delete(requestId);
    if (errno === undefined) pending.resolve(frame.body);
    else pending.reject(refusal(pending.what, errno));
    if (this.#transport !== undefined) this.#sendNext(this.#transport);
  }

  /** Sends what may be sent: one request and its answer at a time where the transport does not pipeline. */
  #sendNext(transport: Transport): void {
    while (transport.pipelines || this.#pending.size === 0) {
      const asked = this.#unsent.shift();
      if (asked === undefined) return;
      const requestId = this.#nextId();
      this.#pending.set(requestId, { ...asked, deadline: performance.now() + this.#options.requestTimeout });
      transport.send(encodeFrame({ ...asked, requestId }));
      this.#timer ??= setTimeout(() => this.#checkDeadlines(), this.#options.requestTimeout);
    }
  }

  #oldestWatchRequest(): number {
    for (const [id, { type }] of this.#pending) {
      if (type === MessageType.watch || type === MessageType.unwatch) return id;
    }
    return 0;
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= largestId ? 1 : this.#lastId + 1;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  #checkDeadlines(): void {
    this.#timer = undefined;
    const oldest = this.#pending.values().next().value;
    if (oldest === undefined) return;
    const left = oldest.deadline - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#checkDeadlines(), left);
    else
      this.#break(new XenstoreError('timeout', `no answer to ${oldest.what} for ${this.#options.requestTimeout} ms`));
  }

  #break(reason: XenstoreError): void {
    if (this.#failure !== undefined) return;
    this.#end(reason);
    this.#options.broken(reason);
  }

  #end(reason: XenstoreError): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    clearTimeout(this.#timer);
    this.#transport?.close();
    for (const { reject } of [...this.#pending.values(), ...this.#unsent.splice(0)]) reject(reason);
    this.#pending.clear();
  }
}
