/** One TCP connection of a zone's: queries with their lengths in front (RFC 7766), answered in whatever order they are ready. */
import type { Socket } from 'node:net';
import type { Forwarder } from './forwarder.ts';
import { limits } from './limits.ts';
import type { Zone } from './zones.ts';

export class Conversation {
  readonly #socket: Socket;
  readonly #forwarder: Pick<Forwarder, 'answer'>;
  readonly #source: string;
  #heard = Buffer.alloc(0);

  constructor(socket: Socket, zone: Zone, forwarder: Pick<Forwarder, 'answer'>) {
    [this.#socket, this.#forwarder] = [socket, forwarder];
    this.#source = socket.remoteAddress ?? '';
    zone.connections += 1;
    socket.setTimeout(limits.tcpIdleSeconds * 1000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => this.#hear(bytes));
    socket.once('close', () => {
      zone.connections -= 1;
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #hear(bytes: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, bytes]);
    while (this.#heard.length >= 2 && !this.#socket.destroyed) {
      const length = this.#heard.readUInt16BE(0);
      if (length > limits.queryBytes) this.end();
      if (this.#heard.length < 2 + length) break;
      const query = this.#heard.subarray(2, 2 + length);
      this.#heard = this.#heard.subarray(2 + length);
      const answer = this.#forwarder.answer(query, this.#source, false);
      if (answer instanceof Promise) void answer.then((late) => this.#tell(late));
      else this.#tell(answer);
    }
  }

  /** Who gets no answer to one query gets none to the next: the connection ends. */
  #tell(answer: Buffer | undefined): void {
    if (this.#socket.destroyed) return;
    if (answer === undefined || this.#socket.writableLength > limits.tcpUnreadBytes) {
      this.end();
      return;
    }
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    this.#socket.write(Buffer.concat([length, answer]));
  }
}
