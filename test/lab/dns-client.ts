/**
 * A program in a zone: asks SERVER for each `NAME/TYPE` that it is given, one after the other, and prints what it is told as JSON, a
 * line each; `null` where nothing comes within 6 s. `NAME/TYPE/tcp` asks by TCP.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { query, read } from './dns-messages.ts';

const [server = '', ...questions] = process.argv.slice(2);
const patienceMs = 6000;

for (const question of questions) {
  const [name = '', type = 'A', transport] = question.split('/');
  const bytes = query(name, type);
  const answer = await (transport === 'tcp' ? byTcp(bytes) : byUdp(bytes));
  console.log(JSON.stringify(answer === undefined ? null : read(answer)));
}

function byUdp(bytes: Buffer): Promise<Buffer | undefined> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    const end = (answer: Buffer | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), patienceMs);
    // A client takes nothing from another address than it asked.
    socket.connect(53, server, () => socket.send(bytes));
    socket.on('message', end);
    socket.on('error', () => end(undefined));
  });
}

function byTcp(bytes: Buffer): Promise<Buffer | undefined> {
  const socket = connect(53, server);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  socket.write(Buffer.concat([length, bytes]));
  let heard = Buffer.alloc(0);
  return new Promise((resolve) => {
    const end = (answer: Buffer | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patienceMs, () => end(undefined));
    socket.on('error', () => end(undefined));
    socket.on('close', () => end(undefined));
    socket.on('data', (part: Buffer) => {
      heard = Buffer.concat([heard, part]);
      if (heard.length >= 2 && heard.length >= 2 + heard.readUInt16BE(0)) end(heard.subarray(2));
    });
  });
}
