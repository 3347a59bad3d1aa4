import { once } from 'node:events';
import { connect } from 'node:net';
import { maxBodyBytes } from './frame.ts';
import type { Transport, TransportListener } from './transport.ts';

/** Connects to xenstored's Unix socket. Rejects with the system call's error. */
export async function openSocket(path: string, listener: TransportListener): Promise<Transport> {
  const socket = connect(path);
  await once(socket, 'connect');
  let open = true;
  const closed = (reason: Error): void => {
    if (!open) return;
    open = false;
    socket.destroy();
    listener.closed(reason);
  };
  socket.on('data', (chunk: Buffer) => {
    if (open) listener.received(chunk);
  });
  socket.on('error', closed);
  socket.on('close', () => closed(new Error('xenstored closed the connection')));
  return {
    maxRequestBytes: maxBodyBytes,
    pipelines: true,
    send: (message) => {
      socket.write(message);
    },
    close: () => {
      open = false;
      socket.destroy();
    },
  };
}
