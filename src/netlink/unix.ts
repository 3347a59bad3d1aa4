/** Unix sockets (unix(7)): their addresses, and who listens at one. */
import { NetlinkError } from './errors.ts';
import { readOption, Socket } from './libc.ts';

/** AF_UNIX, SOCK_STREAM. */
export const unixDomain = 1;
const stream = 1;
/** SOL_SOCKET and SO_PEERCRED, asm-generic values: x86-64 and arm64. */
const [solSocket, peerCredentials] = [1, 17];
/** sizeof sun_path. */
const maxPathSize = 108;

/** struct sockaddr_un. A path that begins with `@` is of the abstract namespace. Throws `RangeError` for a longer one. */
export function unixAddress(path: string): Buffer {
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`;
  const size = Buffer.byteLength(name);
  if (size > maxPathSize) throw new RangeError(`${path} is longer than a socket's path can be`);
  const address = Buffer.alloc(2 + size);
  address.writeUInt16LE(unixDomain);
  address.write(name, 2);
  return address;
}

export interface UnixPeer {
  /** 0 where the process is in another PID namespace. */
  readonly pid: number;
  readonly user: number;
}

/** Who began to listen at a stream socket, by the kernel's word; undefined where nobody does. Throws `NetlinkError`. */
export function listenerAt(path: string): UnixPeer | undefined {
  const socket = new Socket(unixDomain, stream, 0);
  try {
    socket.connect(unixAddress(path));
    return peerOf(socket.descriptor);
  } catch (error) {
    if (NetlinkError.is(error, 'ECONNREFUSED')) return undefined;
    throw error;
  } finally {
    socket.close();
  }
}

/** Who is at the other end of a stream socket: who connected, or began to listen. Throws `NetlinkError`. */
export function peerOf(descriptor: number): UnixPeer {
  // struct ucred: pid, uid, gid.
  const credentials = readOption(descriptor, solSocket, peerCredentials, 12);
  return { pid: credentials.readInt32LE(0), user: credentials.readUInt32LE(4) };
}
