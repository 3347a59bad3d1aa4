/** Sockets bound to addresses that no link has yet (ip(7), IP_FREEBIND), which Node itself cannot make. */
import { isIPv4 } from 'node:net';
import { addressBytes } from './ip.ts';
import { Socket } from './libc.ts';

/** linux/socket.h, linux/in.h, linux/in6.h; the numbers are those of x86-64 and arm64. */
const [inet, inet6] = [2, 10];
const [stream, datagram] = [1, 2];
const [solSocket, reuseAddress] = [1, 2];
const [ipLevel, freebind] = [0, 15];
const [ipv6Level, ipv6Only, ipv6Freebind] = [41, 26, 78];

/**
 * A descriptor for node:dgram's `bind` or node:net's `listen`, which own it from then on. Needs no privilege above port 1023.
 * Throws `NetlinkError`: `EADDRINUSE`, `EAFNOSUPPORT`.
 */
export function freelyBound(kind: 'udp' | 'tcp', address: string, port: number): number {
  const isVersion4 = isIPv4(address);
  const socket = new Socket(isVersion4 ? inet : inet6, kind === 'udp' ? datagram : stream, 0);
  try {
    // Connections that end do not keep the port from a forwarder that starts anew. Of datagrams it would have two share one.
    if (kind === 'tcp') socket.option(solSocket, reuseAddress, 1);
    if (!isVersion4) socket.option(ipv6Level, ipv6Only, 1);
    socket.option(isVersion4 ? ipLevel : ipv6Level, isVersion4 ? freebind : ipv6Freebind, 1);
    socket.bind(internetAddress(address, port));
    return socket.descriptor;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** struct sockaddr_in and struct sockaddr_in6. */
function internetAddress(address: string, port: number): Buffer {
  const bytes = addressBytes(address);
  const isVersion4 = bytes.length === 4;
  const result = Buffer.alloc(isVersion4 ? 16 : 28);
  result.writeUInt16LE(isVersion4 ? inet : inet6, 0);
  result.writeUInt16BE(port, 2);
  result.set(bytes, isVersion4 ? 4 : 8);
  return result;
}
