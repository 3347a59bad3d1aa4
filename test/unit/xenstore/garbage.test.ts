/** A xenstored that has gone mad must cost no crash, no memory and no silence. */
import type { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { XenstoreDirectory } from '../../../src/directories/xenstore/directory.ts';
import { encodeStrings } from '../../../src/xenstore/body.ts';
import { XenstoreClient } from '../../../src/xenstore/client.ts';
import { encodeFrame, type Frame, MessageType } from '../../../src/xenstore/frame.ts';
import { heldBytes } from './memory.ts';
import { serve } from './server.ts';

const header = (type: number, id: number, length: number) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(id, 4);
  bytes.writeUInt32LE(length, 12);
  return bytes;
};

/** What it answers to the first request, and what is said of it. */
const madness: Record<string, { answer: (request: Frame, socket: Socket) => void; code: string; message: RegExp }> = {
  'an unknown type': {
    answer: (request, socket) => socket.write(header(4711, request.requestId, 0)),
    code: 'garbled',
    message: /unknown type 4711/,
  },
  'an oversized frame': {
    answer: (request, socket) => socket.write(header(request.type, request.requestId, 0xffffffff)),
    code: 'garbled',
    message: /4294967295 bytes/,
  },
  'garbage in one piece with a good answer': {
    answer: (request, socket) =>
      socket.write(Buffer.concat([encodeFrame({ ...request, body: encodeStrings('n0') }), header(4711, 0, 0)])),
    code: 'garbled',
    message: /unknown type 4711/,
  },
  'an answer nobody asked for': {
    answer: (request, socket) => socket.write(encodeFrame({ ...request, requestId: 99 })),
    code: 'garbled',
    message: /request 99 that is not open/,
  },
  'an answer of another type': {
    answer: (request, socket) => socket.write(encodeFrame({ ...request, type: MessageType.mkdir })),
    code: 'garbled',
    message: /answer of type 12/,
  },
  'an error without a name': {
    answer: (request, socket) =>
      socket.write(encodeFrame({ ...request, type: MessageType.error, body: Buffer.of(0xff, 0) })),
    code: 'garbled',
    message: /UTF-8/,
  },
  'an event that is none': {
    answer: (request, socket) =>
      socket.write(encodeFrame({ ...request, type: MessageType.watchEvent, body: encodeStrings('/a') })),
    code: 'garbled',
    message: /without path and token/,
  },
  'half a frame and the end': {
    answer: (request, socket) => socket.end(header(request.type, request.requestId, 100)),
    code: 'unreachable',
    message: /closed the connection/,
  },
  'half a frame and nothing more': {
    answer: (request, socket) => socket.write(header(request.type, request.requestId, 100)),
    code: 'timeout',
    message: /no answer to GET_PERMS/,
  },
};

test.each(Object.entries(madness))(
  '%s: the client says what is wrong, and tries again',
  async (_name, { answer, ...said }) => {
    await using server = await serve({ answer });
    const client = new XenstoreClient({
      paths: [server.socket],
      requestTimeout: 100,
      backoff: { first: 10, most: 20 },
    });
    try {
      await client.start();
      expect(client.state).toMatchObject({
        kind: 'disconnected',
        error: { code: said.code, message: expect.stringMatching(said.message) },
      });
      await vi.waitFor(() => expect(server.connections).toBeGreaterThan(2));
    } finally {
      client.close();
    }
  },
);

test.each(Object.entries(madness))('%s: the directory waits, with the reason', async (name, { answer, message }) => {
  if (name.endsWith('nothing more')) return;
  await using server = await serve({ answer });
  const directory = new XenstoreDirectory({ path: server.socket });
  try {
    await directory.start(() => undefined);
    expect(directory.snapshot()).toMatchObject({
      state: 'waiting',
      entries: [],
      detail: expect.stringMatching(message),
    });
  } finally {
    await directory.stop();
  }
});

test('events without end: the timeout ends it, and memory stays', async () => {
  const event = { type: MessageType.watchEvent, requestId: 0, transactionId: 0, body: encodeStrings('/a', 'none') };
  const flood = Buffer.concat(Array.from({ length: 2000 }, () => encodeFrame(event)));
  const pour = (socket: Socket): void => {
    if (!socket.destroyed) socket.write(flood, () => pour(socket));
  };
  await using server = await serve({ greet: pour });
  const client = new XenstoreClient({ paths: [server.socket], requestTimeout: 300, backoff: { first: 10, most: 20 } });
  try {
    const before = heldBytes();
    await client.start();
    expect(client.state).toMatchObject({ kind: 'disconnected', error: { code: 'timeout' } });
    await vi.waitFor(() => expect(server.connections).toBeGreaterThan(2), { timeout: 5000 });
    await vi.waitFor(() => expect(heldBytes() - before).toBeLessThan(20e6));
  } finally {
    client.close();
  }
});
