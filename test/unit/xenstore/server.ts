/** A server that speaks as a test tells it to: right, late, wrong or not at all. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeStrings } from '../../../src/xenstore/body.ts';
import { encodeFrame, type Frame, FrameDecoder, MessageType } from '../../../src/xenstore/frame.ts';

export interface ScriptedServer extends AsyncDisposable {
  readonly socket: string;
  /** How many connections there have been. */
  readonly connections: number;
}

/** `answer` gets every request; `greet` every new connection. */
export async function serve(options: {
  readonly answer?: (request: Frame, socket: Socket) => void;
  readonly greet?: (socket: Socket) => void;
}): Promise<ScriptedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'protect-network-scripted-'));
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    const decoder = new FrameDecoder();
    socket.on('data', (chunk: Buffer) => {
      for (const request of decoder.push(chunk)) options.answer?.(request, socket);
    });
    // The client hangs up while garbage is still being written: that is what is tested.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    options.greet?.(socket);
  });
  const socket = join(folder, 'socket');
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const open of sockets) open.destroy();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers the client's greeting, GET_PERMS of the root, as it should be; `answer` gets everything else. */
export function serveAfterGreeting(options: {
  answer: (request: Frame, socket: Socket) => void;
}): Promise<ScriptedServer> {
  return serve({
    answer: (request, socket) => {
      if (request.type === MessageType.getPermissions) answer(socket, request, 'n0');
      else options.answer(request, socket);
    },
  });
}

/** Answers `request` with `strings`. */
export function answer(socket: Socket, request: Frame, ...strings: string[]): void {
  socket.write(encodeFrame({ ...request, body: encodeStrings(...strings) }));
}

export function refuse(socket: Socket, request: Frame, errno: string): void {
  socket.write(encodeFrame({ ...request, type: MessageType.error, body: encodeStrings(errno) }));
}
