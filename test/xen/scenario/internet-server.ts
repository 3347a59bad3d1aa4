/**
 * Program: the outside world. TCP and UDP echoes, a TCP sink on port 9 that answers with the number of bytes, and a UDP port
 * that goes on answering for ever. Says each connection, datagram, and piece of data, as one JSON line.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { lateAnswerPort } from './ports.ts';

const tcpPorts = [7, 9, 25, 53, 80, 443];
const udpPorts = [7, 53, lateAnswerPort];

/** To whom answers go on. */
const late = new Set<string>();

const servers = tcpPorts.map((port) =>
  createServer({ allowHalfOpen: true }, (client) => serve(client, port)).listen(port, '::'),
);
/** One socket per address: a socket bound to none answers with the address of the way back, not the one that was asked. */
const sockets = udpPorts.flatMap((port) =>
  addresses().map((address) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.on('message', (message, sender) => {
      say({ kind: 'udp', port, peer: sender.address, text: message.toString().trim() });
      const answer = () => socket.send(message, sender.port, sender.address);
      answer();
      const asker = `${sender.address} ${sender.port}`;
      if (port !== lateAnswerPort || late.has(asker)) return;
      late.add(asker);
      setInterval(() => {
        answer();
        say({ kind: 'late', port, peer: sender.address });
      }, 300);
    });
    socket.on('error', (error) => console.error(error.message));
    return socket.bind(port, address);
  }),
);
await Promise.all([...servers, ...sockets].map((each) => once(each, 'listening')));
say({ kind: 'listening' });

function serve(client: Socket, port: number): void {
  const peer = (client.remoteAddress ?? '').replace(/^::ffff:/, '');
  say({ kind: 'tcp', port, peer });
  client.on('error', (error) => console.error(error.message));
  let bytes = 0;
  client.on('data', (data) => {
    bytes += data.length;
    if (port === 9) return;
    say({ kind: 'data', port, peer, text: data.toString().trim().slice(-20) });
    client.write(data);
  });
  client.on('end', () => client.end(port === 9 ? `${bytes}\n` : ''));
}

function addresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => (each ?? []).map(({ address }) => address))
    .filter((address) => !address.startsWith('fe80:'));
}

function say(what: object): void {
  console.log(JSON.stringify({ at: Date.now(), ...what }));
}
