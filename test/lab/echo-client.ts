/**
 * Program: node echo-client.ts tcp|udp ADDRESS PORT TIMEOUT_MS [SOURCE] prints one JSON line with what came of it;
 * node echo-client.ts stream|ask ADDRESS PORT prints its progress every 20 ms until it is killed. `ask` sends a datagram
 * every 5 ms from one socket, and counts the answers.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

const [, , mode, address = '', portText, timeoutText, source] = process.argv;
const port = Number(portText);
const startedAt = performance.now();

if (mode === 'tcp') tcp();
else if (mode === 'udp') udp();
else if (mode === 'ask') ask();
else stream();

function tcp(): void {
  const socket = connect({ host: address, port, ...(source === undefined ? {} : { localAddress: source }) });
  socket.once('data', (data) => succeed(data.toString()));
  socket.once('error', (error) => fail(error));
  socket.once('end', () => fail({ message: 'closed before a byte came' }));
  setTimeout(() => fail({ message: 'ETIMEDOUT' }), Number(timeoutText));
}

function udp(): void {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.once('message', (message) => succeed(message.toString()));
  socket.once('error', (error) => fail(error));
  socket.bind({ ...(source === undefined ? {} : { address: source }) }, () => socket.send('?', port, address));
  setTimeout(() => fail({ message: 'ETIMEDOUT' }), Number(timeoutText));
}

function ask(): void {
  const progress = { bytes: 0, longestGapMs: 0, broken: null };
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.on('message', (message) => {
    progress.bytes += message.length;
  });
  // An error of one datagram (a refusal by ICMP) ends nothing.
  socket.on('error', () => undefined);
  setInterval(() => socket.send('?', port, address, () => undefined), 5);
  setInterval(() => console.log(JSON.stringify(progress)), 20);
}

function stream(): void {
  const progress = { bytes: 0, longestGapMs: 0, broken: null as string | null };
  let lastByteAt = performance.now();
  const noteGap = () => {
    progress.longestGapMs = Math.max(progress.longestGapMs, Math.round(performance.now() - lastByteAt));
  };
  const socket = connect({ host: address, port, noDelay: true });
  // The server's greeting is not counted: the stream begins with what it sends after our word.
  socket.once('data', () => {
    socket.on('data', (data) => {
      noteGap();
      lastByteAt = performance.now();
      progress.bytes += data.length;
    });
    socket.write('stream\n');
  });
  socket.once('error', (error) => {
    progress.broken = error.message;
  });
  socket.once('close', () => {
    progress.broken ??= 'closed';
  });
  setInterval(() => {
    if (progress.broken === null && progress.bytes > 0) noteGap();
    console.log(JSON.stringify(progress));
  }, 20);
}

function succeed(greeting: string): void {
  const { peer } = JSON.parse(greeting) as { peer: string };
  finish({ ok: true, peer, milliseconds: performance.now() - startedAt });
}

function fail(error: { code?: string; message: string }): void {
  finish({ ok: false, error: error.code ?? error.message });
}

function finish(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}
