/**
 * Program: `send {SOURCE SOURCE_PORT ADDRESS PORT}...` sends one datagram each, `spray SOURCE SOURCE_PORT ADDRESS PORT COUNT` one to each
 * of so many ports; `listen ADDRESS PORT` prints `listening`, then what
 * comes; `probe ADDRESS PORT MILLISECONDS` sends one and prints `refused`, or `silent` where nothing is said for so long.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const [mode, ...words] = process.argv.slice(2);
const [address = '', port = '', ...rest] = words;

if (mode === 'send') await send(words);
else if (mode === 'spray') await spray(rest);
else if (mode === 'listen') await listen();
else await probe(Number(rest[0]));

async function send(ends: readonly string[]): Promise<void> {
  for (let place = 0; place < ends.length; place += 4) {
    const [from = '', fromPort, to = '', toPort] = ends.slice(place, place + 4);
    const socket = await bound(from, Number(fromPort));
    await new Promise<void>((resolve, reject) => {
      socket.send('?', Number(toPort), to, (error) => (error ? reject(error) : resolve()));
    });
    socket.close();
  }
}

async function spray([to, first, count]: string[]): Promise<void> {
  const socket = await bound(address, Number(port));
  for (let sent = 0; sent < Number(count); sent += 1) {
    await new Promise<void>((resolve, reject) => {
      socket.send('?', Number(first) + sent, to, (error) => {
        // Nobody listens there, and says so now and then.
        if (error && (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') reject(error);
        else resolve();
      });
    });
  }
  socket.close();
}

async function listen(): Promise<void> {
  const socket = await bound(address, Number(port));
  socket.on('message', (message) => process.stdout.write(message));
  console.log('listening');
}

/** The kernel reports an ICMP error to a socket that is connected. */
async function probe(milliseconds: number): Promise<void> {
  const socket = createSocket(familyOf(address));
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') throw error;
    finish('refused');
  });
  socket.connect(Number(port), address, () => socket.send('?'));
  setTimeout(() => finish('silent'), milliseconds);
}

async function bound(source: string, sourcePort: number): Promise<Socket> {
  const socket = createSocket(familyOf(source));
  socket.bind(sourcePort, source);
  await once(socket, 'listening');
  return socket;
}

function familyOf(text: string): 'udp4' | 'udp6' {
  return isIPv6(text) ? 'udp6' : 'udp4';
}

function finish(outcome: string): void {
  process.stdout.write(`${outcome}\n`, () => process.exit(0));
}
