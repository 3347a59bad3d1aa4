/**
 * A netlink socket for requests. The kernel works on a request while it is sent: the answer is there when `send` returns, and
 * nothing here waits.
 *
 * Hazards: about 256 acknowledgements fit a receive buffer of the default size, and behind an overflow nobody knows which
 * request failed; a refused dump answers NLMSG_DONE with an errno and no error message, which looks like an empty list; a
 * dump that changed under way lacks what is there.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GarbledMessage, NetlinkError } from './errors.ts';
import { Socket } from './libc.ts';
import { addressFamily, messageFlag, messageType, netlinkDomain } from './protocol.ts';
import { Attributes, type Message, readMessages } from './reader.ts';
import { Writer } from './writer.ts';

export interface Request {
  readonly type: number;
  /** `NLM_F_REQUEST` and what its way of asking needs are added. */
  readonly flags?: number;
  /** Writes the family's header and the attributes. */
  readonly fill: (writer: Writer) => void;
}

/** SOL_NETLINK and its options, include/uapi/linux/netlink.h. */
const solNetlink = 270;
const option = { capAck: 10, extendedAck: 11, strictChecking: 12 } as const;
const sockRaw = 3;

/** The largest part of a dump is 32 KiB (netlink_recvmsg in the kernel's af_netlink.c); what we are told of is smaller. */
const receiveSize = 64 * 1024;
const bufferBytes = 4 * 1024 * 1024;
/** A quarter of what the default buffer holds. */
const requestsPerSend = 64;
/** A turn of the event loop in between costs some microseconds. */
const pieceMs = 1.5;
/** A dump that is interrupted each time is as good as it gets. */
const dumpAttempts = 5;

/** NLM_F_CAPPED, NLM_F_ACK_TLVS and NLMSGERR_ATTR_MSG. */
const extended = { capped: 0x100, attributes: 0x200, message: 1 } as const;

export class RequestSocket {
  /** By which the kernel names who made a change (`Message.port`). */
  readonly port: number;
  readonly #socket: Socket;
  readonly #buffer = Buffer.from(new ArrayBuffer(receiveSize));
  readonly #writer = new Writer();
  #sequence = 0;

  /** `protocol` is one of NETLINK_*. Throws `NetlinkError` where the kernel has no such protocol. */
  constructor(protocol: number) {
    this.#socket = openNetlink(protocol, []);
    this.port = this.#socket.name(12).readUInt32LE(4);
  }

  /** One change or question. Returns what the kernel says before it acknowledges. Throws `NetlinkError` where it refuses. */
  ask({ type, flags = 0, fill }: Request): Message[] {
    const sequence = this.#next();
    this.#writer.clear();
    this.#writer.message({ type, flags: flags | messageFlag.acknowledge, sequence }, fill);
    this.#send();
    const answers: Message[] = [];
    let refusal: NetlinkError | undefined;
    let isAnswered = false;
    this.#receive((message) => {
      if (message.sequence !== sequence) return;
      if (message.type === messageType.error) {
        isAnswered = true;
        refusal = refusalIn(message);
      } else answers.push({ ...message, payload: Buffer.from(message.payload) });
    });
    if (refusal !== undefined) throw refusal;
    if (!isAnswered) throw unanswered();
    return answers;
  }

  /** Each by itself: one that is refused does not stop those after it. What came of each, in the same order. */
  askEach(requests: readonly Request[]): (NetlinkError | undefined)[] {
    const outcomes: (NetlinkError | undefined)[] = [];
    for (let start = 0; start < requests.length; start += requestsPerSend) {
      outcomes.push(...this.#askSome(requests.slice(start, start + requestsPerSend)));
    }
    return outcomes;
  }

  #askSome(requests: readonly Request[]): (NetlinkError | undefined)[] {
    const first = this.#sequence + 1;
    this.#writer.clear();
    for (const { type, flags = 0, fill } of requests) {
      this.#writer.message({ type, flags: flags | messageFlag.acknowledge, sequence: this.#next() }, fill);
    }
    const outcomes = requests.map((): NetlinkError | undefined => unanswered());
    this.#send();
    this.#receive((message) => {
      const place = message.sequence - first;
      if (message.type === messageType.error && place >= 0 && place < outcomes.length) {
        outcomes[place] = refusalIn(message);
      }
    });
    return outcomes;
  }

  /** All that `request` lists. Asked again where the list changed under way. Throws `NetlinkError` where it is refused. */
  dump<Item>(request: Request, read: (message: Message) => Item | undefined): Item[] {
    for (let attempt = 1; ; attempt += 1) {
      const { items, isInterrupted } = this.#dumpOnce(request, read);
      if (!isInterrupted || attempt === dumpAttempts) return items;
    }
  }

  #dumpOnce<Item>(request: Request, read: (message: Message) => Item | undefined) {
    const dump = this.#beginDump(request, read);
    this.#receive((message) => dump.hear(message));
    return dump.end();
  }

  /**
   * The same for what takes long: the event loop turns after each millisecond or two. Asks for nothing else meanwhile, and throws
   * `EBUSY` where it is asked to. What changed under way is not asked for again.
   */
  async dumpInPieces<Item>(request: Request, read: (message: Message) => Item | undefined): Promise<Item[]> {
    const dump = this.#beginDump(request, read);
    for (let begun = performance.now(); this.#receiveOne((message) => dump.hear(message)); ) {
      if (performance.now() - begun < pieceMs) continue;
      await nextTurn();
      begun = performance.now();
    }
    return dump.end().items;
  }

  #beginDump<Item>({ type, flags = 0, fill }: Request, read: (message: Message) => Item | undefined): Dump<Item> {
    const sequence = this.#next();
    this.#writer.clear();
    this.#writer.message({ type, flags: flags | messageFlag.dump, sequence }, fill);
    this.#send();
    return new Dump(sequence, read);
  }

  /** Messages that the kernel takes together, as nfnetlink's batches are. Each that it has to say about them is handed on. */
  talk(write: (writer: Writer, nextSequence: () => number) => void, hear: (message: Message) => void): void {
    this.#writer.clear();
    write(this.#writer, () => this.#next());
    this.#send();
    this.#receive(hear);
  }

  close(): void {
    this.#socket.close();
  }

  #next(): number {
    this.#sequence = (this.#sequence % 0x7fffffff) + 1;
    return this.#sequence;
  }

  #send(): void {
    const { bytes, length } = this.#writer;
    if (length > bufferBytes / 4) this.#socket.bufferSize('send', length * 4);
    this.#socket.send(bytes);
  }

  /** Everything that waits is read, also where a part of it is an error: what stayed would be the next request's answer. */
  #receive(hear: (message: Message) => void): void {
    let failure: unknown;
    for (let isMore = true; isMore; ) {
      try {
        isMore = this.#receiveOne(hear);
      } catch (error) {
        failure ??= passing(error);
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** False where nothing waits. */
  #receiveOne(hear: (message: Message) => void): boolean {
    const size = this.#socket.receive(this.#buffer);
    if (size === undefined) return false;
    for (const message of readMessages(this.#buffer.subarray(0, size))) hear(message);
    return true;
  }
}

class Dump<Item> {
  readonly #items: Item[] = [];
  readonly #sequence: number;
  readonly #read: (message: Message) => Item | undefined;
  #isInterrupted = false;
  #end: Message | undefined;

  constructor(sequence: number, read: (message: Message) => Item | undefined) {
    this.#sequence = sequence;
    this.#read = read;
  }

  hear(message: Message): void {
    if (message.sequence !== this.#sequence) return;
    this.#isInterrupted ||= (message.flags & messageFlag.dumpInterrupted) !== 0;
    if (message.type === messageType.done || message.type === messageType.error) {
      this.#end = { ...message, payload: Buffer.from(message.payload) };
      return;
    }
    const item = this.#read(message);
    if (item !== undefined) this.#items.push(item);
  }

  /** Throws what the kernel refused it for. */
  end(): { readonly items: Item[]; readonly isInterrupted: boolean } {
    if (this.#end === undefined) throw unanswered();
    const refusal = refusalIn(this.#end);
    // Newer kernels end a dump that changed in this way.
    const isInterrupted = this.#isInterrupted || refusal?.code === 'EINTR';
    if (refusal !== undefined && refusal.code !== 'EINTR') throw refusal;
    return { items: this.#items, isInterrupted };
  }
}

/** What leaves the rest of the queue to be read; anything else is thrown at once. */
function passing(error: unknown): unknown {
  if (NetlinkError.is(error, 'ENOBUFS')) return new NetlinkError('ENOBUFS', 'answers of the kernel are lost');
  if (error instanceof GarbledMessage || NetlinkError.is(error, 'EMSGSIZE')) return error;
  throw error;
}

/** A bound socket of a netlink protocol, a member of `groups`. */
export function openNetlink(protocol: number, groups: readonly number[]): Socket {
  const socket = new Socket(netlinkDomain, sockRaw, protocol);
  try {
    socket.bufferSize('receive', bufferBytes);
    socket.bufferSize('send', bufferBytes);
    for (const name of Object.values(option)) socket.option(solNetlink, name, 1);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(netlinkDomain);
    socket.bind(address);
    // NETLINK_ADD_MEMBERSHIP.
    for (const group of groups) socket.option(solNetlink, 1, group);
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket;
}

/** The errno of an NLMSG_ERROR or NLMSG_DONE; undefined where it is none, which is an acknowledgement. */
export function refusalIn({ payload, flags, type }: Message): NetlinkError | undefined {
  if (payload.length < 4) throw new GarbledMessage(`an acknowledgement of ${payload.length} bytes`);
  const errno = -payload.readInt32LE();
  if (errno <= 0) return undefined;
  return NetlinkError.of(errno, 'the kernel refused', explanationIn(payload, flags, type));
}

function explanationIn(payload: Buffer, flags: number, type: number): string | undefined {
  if ((flags & extended.attributes) === 0) return undefined;
  // Behind the errno, an error message has the request's header, and all of the request where it was not capped.
  const header = type === messageType.done ? 0 : 16;
  if (payload.length < 4 + header) return undefined;
  const request = header === 0 || (flags & extended.capped) !== 0 ? header : payload.readUInt32LE(4);
  try {
    return new Attributes(payload, 4 + ((request + 3) & ~3)).text(extended.message);
  } catch {
    // The errno says enough.
    return undefined;
  }
}

function unanswered(): NetlinkError {
  return new NetlinkError('ENODATA', 'the kernel did not answer');
}

export function familyNumber(family: 'ipv4' | 'ipv6'): number {
  return family === 'ipv4' ? addressFamily.ipv4 : addressFamily.ipv6;
}
