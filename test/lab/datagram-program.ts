/**
 * Program: `send SOURCE SOURCE_PORT ADDRESS PORT` sends one datagram, `spray SOURCE SOURCE_PORT ADDRESS PORT COUNT` one to each
 * of so many ports; `listen ADDRESS PORT` prints `listening`, then what
 * comes; `probe ADDRESS PORT MILLISECONDS` sends one and prints `refused`, or `silent` where nothing is said for so long.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const [mode, address = '', port = '', ...rest] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');

if (mode === 'send') await send(rest);
else if (mode === 'spray') await spray(rest);
else if (mode === 'listen') await listen();
else await probe(Number(rest[0]));

async function send([to, toPort]: string[]): Promise<void> {
  await bind();
  socket.send('?', Number(toPort), to, (error) => {
    if (error) throw error;
    socket.close();
  });
}

async function spray([to, first, count]: string[]): Promise<void> {
  await bind();
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
  socket.on('message', (message) => process.stdout.write(message));
  await bind();
  console.log('listening');
}

/** The kernel reports an ICMP error to a socket that is connected. */
async function probe(milliseconds: number): Promise<void> {
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') throw error;
    finish('refused');
  });
  socket.connect(Number(port), address, () => socket.send('?'));
  setTimeout(() => finish('silent'), milliseconds);
}

async function bind(): Promise<void> {
  socket.bind(Number(port), address);
  await once(socket, 'listening');
}

function finish(outcome: string): void {
  process.stdout.write(`${outcome}\n`, () => process.exit(0));
}
