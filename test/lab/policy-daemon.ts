/** The daemon's end of the forwarder's socket, with nothing behind it: opens what it is asked to, and says so. */
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Address } from '../../src/model/address.ts';
import { type DaemonMessage, type ForwarderMessage, forwarderMessage } from '../../src/policy/messages.ts';
import { waitFor } from './wait-for.ts';

export type Policy = Extract<DaemonMessage, { kind: 'policy' }>;

export class PolicyDaemon {
  /** Everything that the forwarder has said. */
  readonly heard: ForwarderMessage[] = [];
  /** What it answers to a lease; undefined: nothing at all. Replaced by tests. */
  answer: (lease: Extract<ForwarderMessage, { kind: 'lease' }>) => DaemonMessage | undefined = opened;
  policy: Policy;
  readonly #path: string;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, policy: Policy) {
    [this.#path, this.policy] = [path, policy];
  }

  get isConnected(): boolean {
    return this.#sockets.size > 0;
  }

  leased(name: string): Address[] {
    return this.heard.flatMap((each) => (each.kind === 'lease' && each.name === name ? each.addresses : []));
  }

  async start(): Promise<void> {
    rmSync(this.#path, { force: true });
    const server = createServer((socket) => this.#converse(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#path, resolve);
    });
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  tell(message: DaemonMessage): void {
    for (const socket of this.#sockets) socket.write(`${JSON.stringify(message)}\n`);
  }

  /** For a forwarder that is there, or comes. */
  async connected(): Promise<void> {
    await waitFor(() => this.isConnected, { what: 'the forwarder to connect', deadlineMs: 20_000 });
  }

  #converse(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    socket.write(`${JSON.stringify(this.policy)}\n`);
    createInterface({ input: socket }).on('line', (line) => {
      const message = forwarderMessage.parse(JSON.parse(line));
      this.heard.push(message);
      const answer = message.kind === 'lease' ? this.answer(message) : undefined;
      if (answer !== undefined) socket.write(`${JSON.stringify(answer)}\n`);
    });
  }
}

/** As the daemon does it: clamp(TTL, 60 s, 1 h) and ten minutes. */
function opened({ id, addresses, ttl }: Extract<ForwarderMessage, { kind: 'lease' }>): DaemonMessage {
  return { kind: 'leased', id, addresses, seconds: Math.min(3600, Math.max(60, ttl)) + 600 };
}
