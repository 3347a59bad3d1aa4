/** A conversation over one TCP connection between a zone and the outside, which must not break. */
import { farHost } from '../../lab/addresses.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { patience, type Zone } from './zone.ts';

export interface Progress {
  /** Lines that came back. */
  readonly lines: number;
  /** What the youngest says; the same number where none is missing. */
  readonly last: number;
  readonly ended: boolean;
  /** TCP segments that the zone has sent again since it was born. */
  readonly again: number;
}

export class Stream {
  readonly #zone: Zone;

  private constructor(zone: Zone) {
    this.#zone = zone;
  }

  /** Five numbered lines a second, which an echo sends back. */
  static async start(zone: Zone): Promise<Stream> {
    const numbers = 'i=0; while [ ! -e /tmp/over ]; do i=$((i+1)); echo $i; sleep 0.2; done';
    await zone.must(
      `rm -f /tmp/over /tmp/ended; (${numbers}) | (nc.openbsd ${farHost.ipv4} 7 >/tmp/echoed; : >/tmp/ended) &`,
    );
    const stream = new Stream(zone);
    await stream.goOn();
    return stream;
  }

  async progress(): Promise<Progress> {
    const again = "awk '/^Tcp:/ { last = $13 } END { print last }' /proc/net/snmp";
    const text = await this.#zone.must(
      `n=$(wc -l </tmp/echoed); echo $n; head -n $n /tmp/echoed | tail -n 1 | grep . || echo 0; ls /tmp/ended 2>/dev/null | wc -l; ${again}`,
    );
    const [lines = 0, last = 0, ended = 0, resent = 0] = text.trim().split('\n').map(Number);
    return { lines, last, ended: ended > 0, again: resent };
  }

  /** Ten more lines, all of them, in order; throws where the connection broke. */
  async goOn(): Promise<Progress> {
    const before = (await this.#zone.must('cat /tmp/echoed 2>/dev/null | wc -l').then(Number)) + 10;
    const options = { what: `${this.#zone.name}'s connection to go on`, ...patience };
    const now = await waitFor(async () => {
      const progress = await this.progress();
      return (progress.ended || progress.lines >= before) && progress;
    }, options);
    if (now.ended || now.lines !== now.last) throw new Error(`the connection broke: ${JSON.stringify(now)}`);
    return now;
  }

  async stop(): Promise<void> {
    await this.#zone.exec(': >/tmp/over');
  }
}
