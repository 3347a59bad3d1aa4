/** Refuses with one sentence where this Node, kernel or machine is not what the declarations in `libc.ts` are for. */
import { endianness } from 'node:os';
import { NetlinkError } from './errors.ts';
import { Poll } from './libc.ts';
import { getLink, readLink } from './link.ts';
import { messageFlag, protocol } from './protocol.ts';
import { readMessages } from './reader.ts';
import { openNetlink, RequestSocket } from './socket.ts';
import { Writer } from './writer.ts';

/** A busy machine's event loop turns within milliseconds. */
const deadlineMs = 5_000;

/**
 * Opens a socket, asks for the loopback link, and hears one answer through the event loop. Changes nothing.
 * Rejects with `NetlinkError`.
 */
export async function selfTest(): Promise<void> {
  if (endianness() !== 'LE') throw new NetlinkError('ENOSYS', 'netlink needs a little-endian machine');
  const socket = new RequestSocket(protocol.route);
  try {
    requireLoopback(socket.ask(getLink(1)).map((message) => readLink(message)?.name ?? ''));
  } finally {
    socket.close();
  }
  requireLoopback(await heardNames());
}

function heardNames(): Promise<string[]> {
  const socket = openNetlink(protocol.route, []);
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const buffer = Buffer.from(new ArrayBuffer(64 * 1024));
  const poll = new Poll(socket.descriptor, () => {
    const size = socket.receive(buffer);
    setImmediate(() => {
      const messages = size === undefined ? [] : readMessages(buffer.subarray(0, size));
      resolve(messages.map((message) => readLink(message)?.name ?? ''));
    });
  });
  const { type, fill } = getLink(1);
  socket.send(new Writer().message({ type, flags: messageFlag.request, sequence: 1 }, fill).bytes);
  const timer = setTimeout(
    () => reject(new NetlinkError('ETIME', `Node's event loop did not hear the kernel within ${deadlineMs} ms`)),
    deadlineMs,
  );
  return promise.finally(() => {
    clearTimeout(timer);
    poll.close();
    socket.close();
  });
}

function requireLoopback(names: readonly string[]): void {
  if (names[0] !== 'lo')
    throw new NetlinkError(
      'EPROTO',
      `the kernel answers in a way that is not understood: link 1 is "${names[0] ?? ''}"`,
    );
}
