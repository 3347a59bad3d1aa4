/** A xenstored on a real socket that answers with the input's frames, one for each request. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listDomains, readDomain } from '../../../src/directories/xenstore/domain.ts';
import { parseAddress } from '../../../src/model/address.ts';
import { encodeFrame, type Frame, FrameDecoder, MessageType } from '../../../src/xenstore/frame.ts';
import { XenstoreClient } from '../../../src/xenstore/index.ts';
import { framesOf, mutateFrames } from '../mutate-frames.ts';
import { type Outcome, outcomeOf, promised, type Target } from '../target.ts';
import { frame } from './xenstore.ts';

const dom0 = frame(MessageType.getPermissions, 0, 'n0\0');
const begun = frame(MessageType.transactionStart, 0, '9\0');
const ok = frame(MessageType.transactionEnd, 0, 'OK\0');
const folder = (...names: string[]) => frame(MessageType.directory, 0, ...names.map((name) => `${name}\0`));
const value = (text: string) => frame(MessageType.read, 0, text);

/** Answers of a host with one domain, in the order of the client's requests: greeting, list, domain. */
const seed = [
  ...[dom0, folder('7'), dom0, begun, begun, folder('0'), dom0, dom0, value('web'), dom0, dom0],
  ...[value('10.75.0.7 fdd4:1476:6c7e::7'), dom0, dom0, ok, ok, folder('zone'), begun, dom0, dom0, dom0, ok],
];
/** Far more than one reading of the list and of one domain takes, retried transactions included. */
const maxRequests = 2000;

export async function xenstoreServer(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-fuzz-'));
  const path = join(directory, 's');
  const sockets = new Set<Socket>();
  let answers: Frame[] = [];
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const decoder = new FrameDecoder();
    socket.on('data', (chunk: Buffer) => {
      for (const request of decoder.push(chunk)) {
        requests += 1;
        socket.write(encodeFrame(replyTo(request, answers.shift())));
      }
    });
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    name: 'xenstore-server',
    seeds: [Buffer.concat(seed)],
    mutate: mutateFrames,
    feed: async (input) => {
      answers = framesOf(input);
      requests = 0;
      const outcome = await readHost(path);
      promised(requests <= maxRequests, `${requests} requests`);
      return outcome;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Addressed to the request, and of its type where the input does not insist: else hardly anything would be read. */
function replyTo(request: Frame, answer: Frame | undefined): Frame {
  const missing = { ...request, type: MessageType.error, body: Buffer.from('ENOENT\0') };
  if (answer === undefined) return missing;
  const type = answer.type === MessageType.error || answer.type === MessageType.watchEvent ? answer.type : request.type;
  return { ...answer, type, requestId: answer.requestId === 0xffffffff ? 4711 : request.requestId };
}

async function readHost(path: string): Promise<Outcome> {
  const client = new XenstoreClient({ paths: [path], requestTimeout: 50, backoff: { first: 60_000, most: 60_000 } });
  try {
    await client.start();
    if (client.state.kind === 'disconnected') throw client.state.error;
    const { domids, problems } = await listDomains(client);
    promised(domids.size <= 32_752, 'more domains than there can be');
    const reading = await readDomain(client, 7, undefined);
    const entries = reading?.entries ?? [];
    promised(
      entries.every(({ addresses }) => addresses.every((each) => parseAddress(each) === each)),
      'no address',
    );
    return outcomeOf(`${domids.size} ${problems.length} ${reading?.problems.length} ${entries.length}`, reading);
  } finally {
    client.close();
  }
}
