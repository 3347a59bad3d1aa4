/** What a control API may answer: replies as bytes, and a whole server that means no good. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { readZone } from '../../../src/directories/control-api/control-zone.ts';
import { resolveEntries } from '../../../src/directories/control-api/entries.ts';
import { methodsOf, type ServiceName } from '../../../src/directories/control-api/messages.ts';
import { follow } from '../../../src/directories/control-api/session.ts';
import { familyOf, parseAddress } from '../../../src/model/address.ts';
import { domidOf, parseLinkName } from '../../../src/model/link-name.ts';
import { ederaZone, krataZone } from '../../control-api/zones.ts';
import { mutateProtobuf } from '../mutate-protobuf.ts';
import { type Outcome, outcomeOf, promised, type Target } from '../target.ts';

const services: readonly ServiceName[] = ['protect.control.v1', 'krata.v1.control'];
const links = ['vif3.0', 'vif7.0', 'vif7.1'].flatMap((name) => parseLinkName(name) ?? []);

const seeds: readonly Buffer[] = [
  ...[
    [ederaZone('a', 7, ['10.75.0.7', 'fdd4:1476:6c7e::7'])],
    [ederaZone('b', 3, ['10.75.0.3/16'], { state: 6 }), ederaZone('c', 9, [], { backend: 2 })],
    [ederaZone('d', 4, ['10.75.0.4'], { interfaces: [{ hostInterface: 'vif7.0', addresses: ['x'] }] })],
  ].map((zones) => encoded('edera', 'protect.control.v1', zones)),
  ...[[krataZone('a', 3, '10.75.0.3/16', 'fdd4:1476:6c7e::3/48'), krataZone('b', 7, '10.75.0.7/16')]].map((zones) =>
    encoded('krata', 'krata.v1.control', zones),
  ),
];

/** A reply's bytes, read as either service's. What protobuf refuses ends the call in grpc-js, and goes no further. */
export function controlApiZones(): Target {
  return {
    name: 'control-api-zones',
    seeds,
    mutate: mutateProtobuf,
    feed: (input) => {
      const outcomes = services.map((service) => read(service, input));
      return { kind: outcomes.map(({ kind }) => kind).join(), size: outcomes.reduce((sum, { size }) => sum + size, 0) };
    },
  };
}

function read(service: ServiceName, input: Buffer): Outcome {
  let reply: { zones?: unknown };
  try {
    reply = methodsOf(service).listZones.responseDeserialize(input) as { zones?: unknown };
  } catch (error) {
    return { kind: 'no message', size: String(error).length };
  }
  promised(Array.isArray(reply.zones), 'a reply without a list');
  const zones = (reply.zones as unknown[]).map((raw) => readZone(service, raw));
  const { entries, problems } = resolveEntries(zones, links);
  for (const { link, addresses } of entries) {
    promised(parseLinkName(link) === link && domidOf(link) > 0, `${link} is no zone's link`);
    promised(
      addresses.every((each) => parseAddress(each) === each && familyOf(each).length === 4),
      'no address',
    );
  }
  promised(problems.length <= 201, 'more problems than anybody reads');
  promised(problems.every(isPlain), 'a problem that a terminal obeys');
  const words = problems[0]?.replaceAll(/"[^"]*"|\S*\d\S*/g, '_').slice(0, 60);
  return outcomeOf(`${Math.min(entries.length, 9)} ${words}`, { entries, problems });
}

function isPlain(text: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text.replaceAll('\n', ''));
}

/** A session with a real server on a real socket: gRPC with the input as its reply, or the input instead of HTTP/2. */
export async function controlApiServer(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'protect-network-fuzz-'));
  let input: Buffer = Buffer.alloc(0);
  const polite = new Server();
  for (const service of services) polite.addService(...handlersOf(service, () => input));
  const [politePath, rudePath] = [join(directory, 'polite'), join(directory, 'rude')];
  await new Promise((resolve) => polite.bindAsync(`unix://${politePath}`, ServerCredentials.createInsecure(), resolve));
  const sockets = new Set<Socket>();
  const rude = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    socket.end(input);
  });
  await new Promise<void>((resolve) => rude.listen(rudePath, resolve));
  // An empty SETTINGS frame, its acknowledgement, HEADERS and DATA of stream 1.
  const http2 = '000000040000000000000000040100000000000001010400000001880000050000000000010000000000';
  return {
    name: 'control-api-server',
    seeds: [...seeds, Buffer.from(http2, 'hex')],
    mutate: mutateProtobuf,
    feed: async (bytes) => {
      input = bytes;
      return await session(bytes.at(-1) === 0 || bytes.length % 8 === 0 ? rudePath : politePath);
    },
    close: async () => {
      polite.forceShutdown();
      for (const socket of sockets) socket.destroy();
      rude.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Until the first list is there, or is refused. */
async function session(path: string): Promise<Outcome> {
  const listed = new AbortController();
  let outcome: Outcome = { kind: 'nothing', size: 0 };
  const onZones = (service: ServiceName, zones: ReadonlyMap<unknown, { readonly problems: readonly string[] }>) => {
    outcome = outcomeOf(`${service} ${Math.min(zones.size, 9)}`, [...zones.values()]);
    listed.abort();
  };
  await follow(path, { onZones, onWatch: () => undefined }, listed.signal);
  return outcome;
}

type Service = Parameters<Server['addService']>;

function handlersOf(service: ServiceName, reply: () => Buffer): Service {
  const method = (name: string) => ({
    path: `/${service}.ControlService/${name}`,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  const answer = (call: ServerWritableStream<Buffer, Buffer>) => {
    call.write(reply());
    call.end();
  };
  return [
    { ListZones: method('ListZones'), WatchEvents: method('WatchEvents') },
    { ListZones: answer, WatchEvents: answer },
  ] as unknown as Service;
}

/** The bytes of a ListZonesReply, by the .proto files of the test server. */
function encoded(file: string, service: ServiceName, zones: readonly object[]): Buffer {
  const definition = loadSync(join(import.meta.dirname, `../../control-api/${file}.proto`), { defaults: true });
  const methods = definition[`${service}.ControlService`] as unknown as {
    ListZones: { responseSerialize(value: object): Buffer };
  };
  return methods.ListZones.responseSerialize({ zones });
}
