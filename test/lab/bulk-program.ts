/**
 * Program: node bulk-program.ts serve PORT, which says `listening`, or
 * node bulk-program.ts upload|download ADDRESS PORT BYTES, which moves so many by one TCP connection and prints in how many seconds.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';

const [what, ...rest] = process.argv.slice(2);
if (what === 'serve') {
  // A client says in a line how many bytes it wants; all else that it sends is only counted, and it hears the count at its end.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', (error) => console.error(error.message));
    let taken = 0;
    socket.once('data', (first: Buffer) => {
      const wanted = Number(first.toString('latin1', 0, first.indexOf('\n')));
      taken += first.length;
      if (wanted > 0) socket.end(Buffer.alloc(wanted, 'x'));
      socket.on('data', (chunk: Buffer) => (taken += chunk.length));
      socket.on('end', () => wanted > 0 || socket.end(String(taken)));
    });
  }).listen(Number(rest[0]), '::');
  await once(server, 'listening');
  console.log('listening');
} else {
  const [address = '', port = '', count = ''] = rest;
  const begun = performance.now();
  const socket = connect({ host: address, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  if (what === 'download') socket.write(`${count}\n`);
  else socket.end(Buffer.concat([Buffer.from('0\n'), Buffer.alloc(Number(count) - 2, 'x')]));
  const heard = await buffer(socket);
  socket.end();
  const bytes = what === 'download' ? heard.length : Number(heard.toString());
  console.log(JSON.stringify({ bytes, seconds: (performance.now() - begun) / 1000 }));
}
