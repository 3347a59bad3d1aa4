/** Single datagrams between places of the world, by a program of our own: what `nc` is differs from host to host. */
import { join } from 'node:path';
import type { LongRunning } from './command.ts';
import type { Namespace } from './namespace.ts';
import { repository } from './program.ts';

const node = join(repository, 'node_modules/.bin/node');
const program = join(import.meta.dirname, 'datagram-program.ts');

export type Endpoint = readonly [address: string, port: number];
export type Pair = readonly [from: Endpoint, to: Endpoint];

/** A datagram of one byte for each pair, in their order, from addresses and ports of the sender's own. Not answered, and lost without a word. */
export async function sendDatagrams(where: Namespace, pairs: readonly Pair[]): Promise<void> {
  await where.mustExec(node, [program, 'send', ...pairs.flat(2).map(String)]);
}

/** One to each of so many ports, from the endpoint's on: as many connections, as fast as they can be sent. */
export async function sprayDatagrams(where: Namespace, from: Endpoint, to: Endpoint, count: number): Promise<void> {
  await where.mustExec(node, [program, 'spray', ...[...from, ...to, count].map(String)], { timeoutMs: 120_000 });
}

/** What comes is in `stdout`, line by line. Listening on return. */
export async function listenForDatagrams(where: Namespace, at: Endpoint): Promise<LongRunning> {
  const listener = where.spawn(node, [program, 'listen', ...at.map(String)]);
  await listener.waitForLine((line) => line === 'listening', { what: 'the listener', deadlineMs: 30_000 });
  return listener;
}

/** Whether a datagram to a port where nobody listens is refused within three seconds. */
export async function isRefused(where: Namespace, to: Endpoint): Promise<boolean> {
  const said = await where.mustExec(node, [program, 'probe', ...to.map(String), '3000']);
  return said.trim() === 'refused';
}
