/**
 * The C functions that this library calls, and the only file that may import node:ffi. A signature that differs from the
 * function's own is memory corruption: each is declared once, with its prototype beside it, for 64-bit Linux.
 *
 * Hazards: an exception in a callback ends the process, so that the one here only drains and defers; what libuv points to
 * must stay referenced from here; `arguments` and `return` are the only keys of a signature that count.
 */
import type * as Ffi from 'node:ffi';
import { constants } from 'node:os';
import { NetlinkError } from './errors.ts';

/** `u64` takes a BigInt only. */
type Size = bigint;

const functions = {
  // int socket(int domain, int type, int protocol);
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  // int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  bind: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  // int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  connect: { arguments: ['i32', 'buffer', 'u32'], return: 'i32' },
  // int getsockname(int sockfd, struct sockaddr *addr, socklen_t *addrlen);
  getsockname: { arguments: ['i32', 'buffer', 'buffer'], return: 'i32' },
  // int setsockopt(int sockfd, int level, int optname, const void *optval, socklen_t optlen);
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'u32'], return: 'i32' },
  // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen);
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'buffer', 'buffer'], return: 'i32' },
  // ssize_t send(int sockfd, const void *buf, size_t len, int flags);
  send: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
  // ssize_t recv(int sockfd, void *buf, size_t len, int flags);
  recv: { arguments: ['i32', 'buffer', 'u64', 'i32'], return: 'i64' },
  // int recvmmsg(int sockfd, struct mmsghdr *msgvec, unsigned int vlen, int flags, struct timespec *timeout);
  recvmmsg: { arguments: ['i32', 'buffer', 'u32', 'i32', 'pointer'], return: 'i32' },
  // int memfd_create(const char *name, unsigned int flags);
  memfd_create: { arguments: ['buffer', 'u32'], return: 'i32' },
  // int close(int fd);
  close: { arguments: ['i32'], return: 'i32' },
  // int *__errno_location(void);
  __errno_location: { arguments: [], return: 'pointer' },
} as const satisfies Ffi.FunctionDefinitions;

/** Exported by Node itself. */
const libuv = {
  // size_t uv_handle_size(uv_handle_type type);
  uv_handle_size: { arguments: ['i32'], return: 'u64' },
  // int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
  uv_poll_init: { arguments: ['pointer', 'buffer', 'i32'], return: 'i32' },
  // int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb cb);
  uv_poll_start: { arguments: ['buffer', 'i32', 'pointer'], return: 'i32' },
  // int uv_poll_stop(uv_poll_t *poll);
  uv_poll_stop: { arguments: ['buffer'], return: 'i32' },
  // void uv_close(uv_handle_t *handle, uv_close_cb close_cb);
  uv_close: { arguments: ['buffer', 'pointer'], return: 'void' },
  // void uv_unref(uv_handle_t *handle);
  uv_unref: { arguments: ['buffer'], return: 'void' },
} as const satisfies Ffi.FunctionDefinitions;

// void (*uv_poll_cb)(uv_poll_t *handle, int status, int events);
const pollCallback = { arguments: ['pointer', 'i32', 'i32'], return: 'void' } as const;
// void (*uv_close_cb)(uv_handle_t *handle);
const closeCallback = { arguments: ['pointer'], return: 'void' } as const;

/** UV_POLL of `uv_handle_type` and UV_READABLE of `uv_poll_event`, uv.h. */
const uvPoll = 8;
const uvReadable = 1;

/** SOCK_CLOEXEC and SOCK_NONBLOCK, asm-generic values: x86-64 and arm64. */
const socketFlags = 0o2000000 | 0o4000;
const messageDontWait = 0x40;
const messageTruncated = 0x20;
const messageNoSignal = 0x4000;
const solSocket = 1;

interface Loaded {
  readonly ffi: typeof Ffi;
  readonly c: Ffi.WrappedFunctionsFromDefinitions<typeof functions>;
  readonly uv: Ffi.WrappedFunctionsFromDefinitions<typeof libuv>;
  readonly library: Ffi.DynamicLibrary;
  readonly errno: bigint;
}

let loaded: Loaded | undefined;

/** Throws `NetlinkError` with errno `ENOSYS` where this Node has no node:ffi. */
function load(): Loaded {
  if (loaded !== undefined) return loaded;
  const ffi = process.getBuiltinModule('node:ffi') as typeof Ffi | undefined;
  if (ffi === undefined)
    throw new NetlinkError('ENOSYS', `Node ${process.version} has no node:ffi; Node 26.10 or later is needed`);
  const { lib, functions: own } = ffi.dlopen(null, { ...functions, ...libuv });
  loaded = { ffi, c: own, uv: own, library: lib, errno: own.__errno_location() };
  return loaded;
}

function errno({ ffi, errno }: Loaded): number {
  return ffi.getInt32(errno);
}

function checked(what: string, result: number, of: Loaded): number {
  if (result < 0) throw NetlinkError.of(errno(of), what);
  return result;
}

/** MFD_CLOEXEC. */
const closeOnExec = 1;

/** An open file in memory, which needs no disk and goes with its descriptor. `name` is for whoever looks into /proc. */
export function memoryFile(name: string): number {
  const of = load();
  return checked('memfd_create', of.c.memfd_create(Buffer.from(`${name}\0`), closeOnExec), of);
}

/** A socket's option, which has `size` bytes; the socket may be Node's. */
export function readOption(descriptor: number, level: number, name: number, size: number): Buffer {
  const of = load();
  const [data, length] = [Buffer.alloc(size), Buffer.alloc(4)];
  length.writeInt32LE(size);
  checked(`getsockopt ${level}/${name}`, of.c.getsockopt(descriptor, level, name, data, length), of);
  return data;
}

/** A socket that never blocks and that no child process inherits. */
export class Socket {
  readonly descriptor: number;
  readonly #of = load();

  /** Throws `NetlinkError` where the kernel gives none. */
  constructor(domain: number, type: number, protocol: number) {
    this.descriptor = checked('socket', this.#of.c.socket(domain, type | socketFlags, protocol), this.#of);
  }

  /** `address` as struct sockaddr. */
  bind(address: Buffer): void {
    checked('bind', this.#of.c.bind(this.descriptor, address, address.length), this.#of);
  }

  connect(address: Buffer): void {
    checked('connect', this.#of.c.connect(this.descriptor, address, address.length), this.#of);
  }

  /** The struct sockaddr that the socket is bound to, in at most `size` bytes. */
  name(size: number): Buffer {
    const [address, length] = [Buffer.alloc(size), Buffer.alloc(4)];
    length.writeInt32LE(size);
    checked('getsockname', this.#of.c.getsockname(this.descriptor, address, length), this.#of);
    return address;
  }

  option(level: number, name: number, value: number): void {
    const data = Buffer.alloc(4);
    data.writeInt32LE(value);
    checked(`setsockopt ${level}/${name}`, this.#of.c.setsockopt(this.descriptor, level, name, data, 4), this.#of);
  }

  /** The option's value, which has `size` bytes. */
  readOption(level: number, name: number, size: number): Buffer {
    return readOption(this.descriptor, level, name, size);
  }

  /** A buffer beyond `net.core.rmem_max` or `wmem_max` is given to who has CAP_NET_ADMIN; others get what that allows. */
  bufferSize(which: 'send' | 'receive', bytes: number): void {
    const [forced, usual] = which === 'send' ? [32, 7] : [33, 8];
    try {
      this.option(solSocket, forced, bytes);
    } catch (error) {
      if (!NetlinkError.is(error, 'EPERM')) throw error;
      this.option(solSocket, usual, bytes);
    }
  }

  /** Sends the first `length` bytes as one message. */
  send(bytes: Buffer, length = bytes.length): void {
    checked('send', this.#sendNow(bytes, BigInt(length)), this.#of);
  }

  #sendNow(bytes: Buffer, length: Size): number {
    return Number(this.#of.c.send(this.descriptor, bytes, length, messageDontWait | messageNoSignal));
  }

  /** The size of the next message, put into `into`; undefined where none waits. Throws `EMSGSIZE` where it does not fit. */
  receive(into: Buffer): number | undefined {
    const flags = messageDontWait | messageTruncated;
    const size = Number(this.#of.c.recv(this.descriptor, into, BigInt(into.length), flags));
    if (size < 0) {
      const error = NetlinkError.of(errno(this.#of), 'recv');
      if (error.code === 'EAGAIN') return undefined;
      throw error;
    }
    if (size > into.length) throw new NetlinkError('EMSGSIZE', `a message of ${size} bytes, longer than the buffer`);
    return size;
  }

  /** How many messages are described in `headers` now: `count` of struct mmsghdr. As `receive`. */
  receiveMany(headers: Buffer, count: number): number {
    const flags = messageDontWait | messageTruncated;
    const received = this.#of.c.recvmmsg(this.descriptor, headers, count, flags, 0n);
    if (received >= 0) return received;
    const number = errno(this.#of);
    if (number === constants.errno.EAGAIN) return 0;
    throw NetlinkError.of(number, 'recvmmsg');
  }

  close(): void {
    checked('close', this.#of.c.close(this.descriptor), this.#of);
  }
}

/** Where a buffer's memory is, which V8 never moves if it is an ArrayBuffer's own. */
export function addressOf(memory: ArrayBuffer): bigint {
  return load().ffi.getRawPointer(memory);
}

/** Calls `ready` in Node's own event loop whenever a descriptor can be read or has an error. Keeps no process alive. */
export class Poll {
  readonly #of = load();
  /** Memory that V8 never moves. */
  readonly #handle: Buffer;
  readonly #callback: bigint;
  #closed: bigint | undefined;
  #isStopped = false;

  /** `ready` is called from within libuv: it may drain and defer by `setImmediate`, no more. What it throws is dropped. */
  constructor(descriptor: number, ready: () => void) {
    const { ffi, uv, library } = this.#of;
    this.#handle = Buffer.from(new ArrayBuffer(Number(uv.uv_handle_size(uvPoll))));
    requireSuccess('uv_poll_init', uv.uv_poll_init(ffi.getCurrentEventLoop(), this.#handle, descriptor));
    // The library holds the callback, and that holds the handle, for as long as libuv points to them.
    this.#callback = library.registerCallback(pollCallback, (_handle, status) => {
      try {
        // libuv stops at an error condition of the socket, which a receive clears.
        if (status < 0) this.#isStopped = true;
        if (this.#closed === undefined) ready();
      } catch {
        // Nothing may leave this function.
      }
    });
    this.#start();
    uv.uv_unref(this.#handle);
  }

  /** Nothing is called until `resume`. */
  pause(): void {
    if (this.#isStopped || this.#closed !== undefined) return;
    this.#isStopped = true;
    requireSuccess('uv_poll_stop', this.#of.uv.uv_poll_stop(this.#handle));
  }

  /** To be called after each `ready`, outside of it: after an error libuv has to be asked again. */
  resume(): void {
    if (!this.#isStopped || this.#closed !== undefined) return;
    this.#isStopped = false;
    this.#start();
  }

  #start(): void {
    requireSuccess('uv_poll_start', this.#of.uv.uv_poll_start(this.#handle, uvReadable, this.#callback));
  }

  /** The descriptor may be closed once this returns. */
  close(): void {
    if (this.#closed !== undefined) return;
    const { uv, library } = this.#of;
    this.#closed = library.registerCallback(closeCallback, () => {
      setImmediate(() => {
        library.unregisterCallback(this.#callback);
        if (this.#closed !== undefined) library.unregisterCallback(this.#closed);
      });
    });
    uv.uv_close(this.#handle, this.#closed);
  }
}

/** libuv returns the negative errno. */
function requireSuccess(what: string, result: number): void {
  if (result < 0) throw NetlinkError.of(-result, what);
}
