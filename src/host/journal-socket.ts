/**
 * Writes to the journal with fields that journalctl can filter on. It never blocks: what a journal that hangs does not take
 * waits here, up to a bound, and is counted beyond it.
 */
import { fstatSync } from 'node:fs';
import { errnoOf, messageOf } from '../model/errors.ts';
import { DatagramSocket } from '../netlink/datagram.ts';
import { encodeEntry, type JournalFields } from './journal-format.ts';

export interface JournalSocketOptions {
  readonly send: (entry: Buffer) => void;
  /** The entry that says how many were lost. */
  readonly lost: (entries: number) => JournalFields;
  /** Takes entries once the journal has closed its end, which is for good. */
  readonly instead: (fields: JournalFields) => void;
}

/** A burst of 1000 zones, twice over. */
const maxWaiting = 2_000;
const maxWaitingBytes = 2 * 1024 * 1024;
const retryMs = 10;
/** unix(7), socket(7): the reader is behind, or the kernel has no room now. */
const passing: readonly unknown[] = ['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINTR'];

/** The journal's own socket (systemd's native journal protocol). */
const journalPath = '/run/systemd/journal/socket';

/** Standard output is the journal's. */
export interface Journal {
  /** Sends with fields; undefined where nobody listens: lines then go by standard output, without. */
  readonly send: JournalSocketOptions['send'] | undefined;
}

/** The journal, where standard output is its own (systemd.exec(5), JOURNAL_STREAM). */
export function findJournal(
  variables: Readonly<Record<string, string | undefined>>,
  path = journalPath,
): Journal | undefined {
  const { dev, ino } = fstatSync(process.stdout.fd);
  if (variables['JOURNAL_STREAM'] !== `${dev}:${ino}`) return undefined;
  try {
    const socket = new DatagramSocket(path);
    return { send: (entry) => socket.send(entry) };
  } catch (error) {
    process.stderr.write(`protect-network: ${path}: ${messageOf(error)}\n`);
    return { send: undefined };
  }
}

export class JournalSocket {
  readonly #options: JournalSocketOptions;
  #waiting: { readonly fields: JournalFields; readonly entry: Buffer }[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: JournalSocketOptions) {
    this.#options = options;
  }

  write(fields: JournalFields): void {
    if (this.#isClosed) {
      this.#options.instead(fields);
      return;
    }
    const entry = encodeEntry(fields);
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes + entry.length > maxWaitingBytes) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push({ fields, entry });
    this.#waitingBytes += entry.length;
    if (this.#timer === undefined) this.flush();
  }

  /** Sends what waits, as far as it is taken now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let sent = 0;
    while (sent < this.#waiting.length && this.#send(this.#waiting[sent]?.entry)) sent += 1;
    for (const { entry } of this.#waiting.splice(0, sent)) this.#waitingBytes -= entry.length;
    if (this.#isClosed) {
      for (const { fields } of this.#waiting.splice(0)) this.#options.instead(fields);
    } else if (this.#waiting.length > 0) {
      this.#timer = setTimeout(() => this.flush(), retryMs).unref();
    } else if (this.#lost > 0) {
      const lost = this.#lost;
      this.#lost = 0;
      this.write(this.#options.lost(lost));
    }
  }

  /** False where it was not taken now. */
  #send(entry: Buffer | undefined): boolean {
    if (entry === undefined) return true;
    try {
      this.#options.send(entry);
      return true;
    } catch (error) {
      const errno = errnoOf(error);
      // Too large for this host's buffers: it alone is lost.
      if (errno === 'EMSGSIZE') this.#lost += 1;
      else this.#isClosed = !passing.includes(errno);
      return errno === 'EMSGSIZE';
    }
  }
}
