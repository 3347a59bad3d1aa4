/** TCP and UDP between places of the world: a server that says whom it sees, clients, and a transfer that must not break. */
import { join } from 'node:path';
import { z } from 'zod';
import type { LongRunning } from './command.ts';
import type { Namespace } from './namespace.ts';
import { repository } from './program.ts';
import { waitFor } from './wait-for.ts';

const node = join(repository, 'node_modules/.bin/node');
const serverPath = join(import.meta.dirname, 'echo-server.ts');
const clientPath = join(import.meta.dirname, 'echo-client.ts');

export interface EchoServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** TCP and UDP, IPv4 and IPv6, one port, which is free in any fresh namespace. Listening on return. */
export async function startEchoServer(where: Namespace, port = 7000): Promise<EchoServer> {
  const server = where.spawn(node, [serverPath, String(port)]);
  await server.waitForLine((line) => line === 'listening', { what: 'the echo server to listen', deadlineMs: 30_000 });
  return {
    port,
    pid: server.pid,
    stop: async () => {
      await server.stop('SIGKILL');
    },
  };
}

export interface ConnectOptions {
  /** Source address: one of the sender's own. */
  readonly source?: string;
  /** Default 1000. */
  readonly timeoutMs?: number;
}

const exchange = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), peer: z.string(), milliseconds: z.number() }),
  z.object({ ok: z.literal(false), error: z.string() }),
]);
/** `peer`: the client's address as the server saw it. `error`: a code such as ETIMEDOUT or ECONNREFUSED. */
export type Exchange = z.infer<typeof exchange>;

/** Connects and waits for the server's first words. */
export function tcpConnect(
  from: Namespace,
  address: string,
  port: number,
  options: ConnectOptions = {},
): Promise<Exchange> {
  return exchangeOnce('tcp', from, address, port, options);
}

/** Sends one datagram and waits for its answer. */
export function udpExchange(
  from: Namespace,
  address: string,
  port: number,
  options: ConnectOptions = {},
): Promise<Exchange> {
  return exchangeOnce('udp', from, address, port, options);
}

const progress = z.object({ bytes: z.number(), longestGapMs: z.number(), broken: z.string().nullable() });
/** `longestGapMs`: the longest time without a byte. `broken`: why the connection ended. */
export type Progress = z.infer<typeof progress>;

/** A slow endless download (1 KiB each 5 ms) over one TCP connection; data flows on return. */
export async function startTransfer(from: Namespace, address: string, port: number): Promise<Transfer> {
  const transfer = new Transfer(from.spawn(node, [clientPath, 'stream', address, String(port)]));
  await waitFor(() => transfer.progress().bytes > 0, { what: `the first byte from ${address}`, deadlineMs: 30_000 });
  return transfer;
}

/** Datagrams from one socket, each of which the server answers; answers come on return. */
export async function startQuestions(from: Namespace, address: string, port: number): Promise<Transfer> {
  const questions = new Transfer(from.spawn(node, [clientPath, 'ask', address, String(port)]));
  await waitFor(() => questions.progress().bytes > 0, { what: `an answer from ${address}`, deadlineMs: 30_000 });
  return questions;
}

export class Transfer {
  readonly #client: LongRunning;

  constructor(client: LongRunning) {
    this.#client = client;
  }

  /** As of at most 20 ms ago. */
  progress(): Progress {
    const line = this.#client.stdout.at(-1);
    if (line === undefined)
      return { bytes: 0, longestGapMs: 0, broken: this.#client.running ? null : 'the client ended' };
    return progress.parse(JSON.parse(line));
  }

  /** Waits until `bytes` more have come; throws where the connection breaks or the deadline passes. */
  async waitForMore(bytes: number, deadlineMs = 5000): Promise<Progress> {
    const goal = this.progress().bytes + bytes;
    const reached = await waitFor(
      () => (this.progress().bytes >= goal || this.progress().broken !== null) && this.progress(),
      {
        what: `${bytes} more bytes`,
        deadlineMs,
      },
    );
    if (reached.broken !== null) throw new Error(`the transfer broke: ${reached.broken}`);
    return reached;
  }

  /** Waits until nothing has come for a while. */
  async waitForSilence(whileMs = 500, deadlineMs = 15_000): Promise<void> {
    let bytes = -1;
    let since = 0;
    await waitFor(
      () => {
        const now = this.progress().bytes;
        if (now !== bytes) [bytes, since] = [now, performance.now()];
        return performance.now() - since > whileMs;
      },
      { what: 'the bytes to stop', deadlineMs, everyMs: 20 },
    );
  }

  async stop(): Promise<Progress> {
    const last = this.progress();
    await this.#client.stop('SIGKILL');
    return last;
  }
}

async function exchangeOnce(
  protocol: 'tcp' | 'udp',
  from: Namespace,
  address: string,
  port: number,
  { source, timeoutMs = 1000 }: ConnectOptions,
): Promise<Exchange> {
  const args = [
    clientPath,
    protocol,
    address,
    String(port),
    String(timeoutMs),
    ...(source === undefined ? [] : [source]),
  ];
  return exchange.parse(JSON.parse(await from.mustExec(node, args)));
}
