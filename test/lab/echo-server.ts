/**
 * Program: node echo-server.ts PORT. Tells each TCP client and each datagram's sender the address it sees, as one JSON
 * line. A TCP client that sends something gets 1 KiB each 5 ms from then on.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';

const port = Number(process.argv[2]);
const server = createServer(serve).listen(port, '::');
const datagrams = localAddresses().map(answerDatagrams);
await Promise.all([server, ...datagrams].map((listener) => once(listener, 'listening')));
console.log('listening');

function serve(client: Socket): void {
  client.setNoDelay(true);
  client.on('error', (error) => console.error(error.message));
  client.write(greeting(client.remoteAddress ?? ''));
  client.once('data', () => {
    const chunk = Buffer.alloc(1024, 'x');
    const timer = setInterval(() => client.writableNeedDrain || client.write(chunk), 5);
    client.once('close', () => clearInterval(timer));
  });
}

/** One socket per address: a socket bound to none answers with the address of the way back, not the one that was asked. */
function answerDatagrams(address: string): DatagramSocket {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('message', (_message, sender) => {
    // An answer that cannot be sent is a lost packet: the client's deadline reports it.
    socket.send(
      greeting(sender.address),
      sender.port,
      sender.address,
      (error) => error && console.error(error.message),
    );
  });
  return socket.bind(port, address);
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
    .filter((address) => !address.startsWith('fe80:'));
}

/** For TCP one socket serves both families, so IPv4 addresses arrive mapped. */
function greeting(peer: string): string {
  return `${JSON.stringify({ peer: peer.replace(/^::ffff:/, '') })}\n`;
}
