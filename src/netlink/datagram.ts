/** A connected Unix datagram socket, which Node itself cannot make: systemd's notify socket, the journal's. */
import { Socket } from './libc.ts';
import { unixAddress, unixDomain } from './unix.ts';

/** SOCK_DGRAM. */
const datagram = 2;

export class DatagramSocket {
  readonly #socket: Socket;

  /** A path that begins with `@` is of the abstract namespace. Throws `NetlinkError` where nobody listens there. */
  constructor(path: string) {
    const address = unixAddress(path);
    this.#socket = new Socket(unixDomain, datagram, 0);
    try {
      this.#socket.connect(address);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** Throws `NetlinkError`: `EAGAIN` where the reader is behind, `EMSGSIZE`, `ECONNREFUSED` where it has gone. */
  send(bytes: Buffer): void {
    this.#socket.send(bytes);
  }

  close(): void {
    this.#socket.close();
  }
}
