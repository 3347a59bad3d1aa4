/** What the real xenstored never does, or not on demand: the client against a server that follows a script. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { encodeStrings } from '../../../src/xenstore/body.ts';
import { XenstoreClient } from '../../../src/xenstore/client.ts';
import { encodeFrame, type Frame, MessageType } from '../../../src/xenstore/frame.ts';
import { path } from '../../../src/xenstore/path.ts';
import { write } from '../../xenstored/writes.ts';
import { answer, refuse, serveAfterGreeting } from './server.ts';

const fast = { requestTimeout: 200, backoff: { first: 10, most: 50 } };

async function connect(socket: string, requestTimeout = fast.requestTimeout): Promise<XenstoreClient & Disposable> {
  const client = new XenstoreClient({ paths: [socket], ...fast, requestTimeout });
  await client.start();
  expect(client.state.kind).toBe('connected');
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

test('a directory that changes between two parts is read again from its beginning', async () => {
  const parts = [
    ['1', 'a', 'b'],
    ['2', 'c', ''],
    ['3', 'a'],
    ['3', 'c', ''],
  ];
  const offsets: string[] = [];
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      if (request.type === MessageType.directory) return refuse(socket, request, 'E2BIG');
      if (request.type !== MessageType.directoryPart) return refuse(socket, request, 'ENOENT');
      offsets.push(request.body.toString().split('\0')[1] ?? '');
      return answer(socket, request, ...(parts[offsets.length - 1] ?? []));
    },
  });
  using client = await connect(server.socket);
  expect(await client.directory(path('/big'))).toEqual(['a', 'c']);
  expect(offsets).toEqual(['0', '4', '0', '2']);
});

test('a directory that never stays still ends with EAGAIN, not in a loop', async () => {
  let generation = 0;
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      if (request.type !== MessageType.directoryPart) return refuse(socket, request, 'E2BIG');
      generation += 1;
      return answer(socket, request, String(generation), 'name');
    },
  });
  using client = await connect(server.socket);
  await expect(client.directory(path('/big'))).rejects.toMatchObject({ code: 'conflict', errno: 'EAGAIN' });
});

test('a directory without end is refused', async () => {
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      if (request.type !== MessageType.directoryPart) return refuse(socket, request, 'E2BIG');
      return answer(socket, request, '1', 'x'.repeat(4000));
    },
  });
  using client = await connect(server.socket);
  await expect(client.directory(path('/big'))).rejects.toMatchObject({ code: 'garbled' });
});

test('answers find their requests in any order, cut into single bytes and with events in between', async () => {
  const waiting: Frame[] = [];
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      if (request.type === MessageType.watch) return answer(socket, request, 'OK');
      waiting.push(request);
      if (waiting.length < 3) return undefined;
      const event = { type: MessageType.watchEvent, requestId: 77, transactionId: 8, body: encodeStrings('/a/b', '1') };
      const stream = waiting
        .reverse()
        .flatMap((frame) => [encodeFrame({ ...frame, body: frame.body }), encodeFrame(event)]);
      void dribble(Buffer.concat(stream), (byte) => socket.write(byte));
      return undefined;
    },
  });
  // Hundreds of turns of a loop that others may share.
  using client = await connect(server.socket, 20_000);
  const events: string[] = [];
  await client.watch(path('/a'), (changed) => events.push(changed));
  const values = await Promise.all(['/one', '/two', '/three'].map((name) => client.read(path(name))));
  expect(values).toEqual(['/one\0', '/two\0', '/three\0']);
  await vi.waitFor(() => expect(events).toEqual(['/a/b', '/a/b', '/a/b']));
});

test('a WATCH answered with id 0, as older kernels do on the device, counts as answered', async () => {
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      const requestId = request.type === MessageType.watch ? 0 : request.requestId;
      answer(socket, { ...request, requestId }, 'OK');
    },
  });
  using client = await connect(server.socket);
  await client.watch(path('/a'), () => undefined);
  await client.watch(path('/b'), () => undefined);
  expect(client.state.kind).toBe('connected');
});

test('a value that is no UTF-8 fails that request and nothing else', async () => {
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      socket.write(encodeFrame({ ...request, body: Buffer.of(0x61, 0xff) }));
    },
  });
  using client = await connect(server.socket);
  await expect(client.read(path('/a'))).rejects.toMatchObject({ code: 'garbled', errno: undefined });
  expect(await client.readBytes(path('/a'))).toEqual(Buffer.of(0x61, 0xff));
  expect(server.connections).toBe(1);
});

test('an unanswered request times out, breaks the connection, and the watch comes back on the next one', async () => {
  await using server = await serveAfterGreeting({
    answer: (request, socket) => {
      if (request.type === MessageType.read) return;
      answer(socket, request, 'OK');
      if (request.type !== MessageType.watch) return;
      socket.write(encodeFrame({ ...request, type: MessageType.watchEvent }));
    },
  });
  using client = await connect(server.socket);
  let fired = 0;
  await client.watch(path('/a'), () => {
    fired += 1;
  });
  await expect(client.read(path('/a'))).rejects.toMatchObject({ code: 'timeout' });
  await expect(client.read(path('/a'))).rejects.toMatchObject({ code: 'unreachable' });
  await vi.waitFor(() => expect(client.state.kind).toBe('connected'));
  await vi.waitFor(() => expect(fired).toBe(2));
  expect(server.connections).toBe(2);
});

test('a request too long for the wire is refused here, and xenstored never sees it', async () => {
  await using server = await serveAfterGreeting({ answer: (request, socket) => answer(socket, request, 'OK') });
  using client = await connect(server.socket);
  await expect(write(client, path('/a'), 'x'.repeat(4094))).rejects.toMatchObject({ errno: 'E2BIG' });
  await write(client, path('/a'), 'x'.repeat(4093));
  expect(client.state.kind).toBe('connected');
});

async function dribble(bytes: Buffer, write: (byte: Buffer) => void): Promise<void> {
  for (const byte of bytes) {
    write(Buffer.of(byte));
    await sleep(0);
  }
}
