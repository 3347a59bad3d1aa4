/** Lines that come by the thousand, written together once in a turn of the event loop. */
import { print } from './terminal.ts';

export class LineWriter {
  #lines: string[] = [];
  #writing: Promise<void> | undefined;

  add(line: string): void {
    this.#lines.push(line);
    this.#writing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#write());
  }

  /** Once everything is written. */
  async end(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** A pipe that nobody reads holds the process up, here: meanwhile the kernel counts what it cannot queue. */
  async #write(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      await print(`${lines.join('\n')}\n`);
    }
    this.#writing = undefined;
  }
}
