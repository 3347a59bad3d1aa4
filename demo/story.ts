/** Tells a story on a terminal: chapters, facts, and checks that can fail. */
import { setTimeout as pause } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';

export class Story {
  readonly #out: WriteStream;
  readonly #pauseMs: number;
  failed = false;

  /** `pauseMs`: how long a chapter's heading stands before it goes on. */
  constructor(out: WriteStream, pauseMs: number) {
    this.#out = out;
    this.#pauseMs = pauseMs;
  }

  async title(text: string): Promise<void> {
    this.#line(`\n${this.#style('1', text)}`);
    await pause(this.#pauseMs);
  }

  say(text: string): void {
    this.#line(this.#style('2', text));
  }

  async chapter(text: string): Promise<void> {
    this.#line(`\n${this.#style('1;36', text)}`);
    await pause(this.#pauseMs);
  }

  fact(text: string): void {
    this.#line(`  · ${text}`);
  }

  /** `look` returns what was seen, or undefined where the claim does not hold. */
  async check(claim: string, look: () => Promise<string | undefined>): Promise<void> {
    let seen: string | undefined;
    try {
      seen = await look();
    } catch (error) {
      this.#line(`  ${this.#style('31', '✗')} ${claim}: ${error instanceof Error ? error.message : String(error)}`);
      this.failed = true;
      return;
    }
    if (seen === undefined) this.failed = true;
    const sign = seen === undefined ? this.#style('31', '✗') : this.#style('32', '✓');
    this.#line(`  ${sign} ${claim}${seen === undefined ? '' : this.#style('2', `  ${seen}`)}`);
  }

  end(): void {
    this.#line(
      this.failed ? '\nNot everything went as it should; see above.' : '\nThat is all. Everything is gone again.',
    );
  }

  #style(code: string, text: string): string {
    return this.#out.isTTY && process.env['NO_COLOR'] === undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}
