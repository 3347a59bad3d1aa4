/** Tells a story on a terminal: chapters, facts, and checks that can fail. */
import { setTimeout as pause } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { textWidth, wrapped } from '../src/cli/text-width.ts';

export type Screen = Pick<WriteStream, 'isTTY' | 'columns' | 'write'>;

export class Story {
  readonly #out: Screen;
  readonly #pauseMs: number;
  failed = false;

  /** `pauseMs`: how long a chapter's heading stands before it goes on. */
  constructor(out: Screen, pauseMs: number) {
    this.#out = out;
    this.#pauseMs = pauseMs;
  }

  async title(text: string): Promise<void> {
    this.#lines(['', ...this.#wrapped(text, '').map((line) => this.#style('1', line))]);
    await pause(this.#pauseMs);
  }

  say(text: string): void {
    this.#lines(this.#wrapped(text, '').map((line) => this.#style('2', line)));
  }

  async chapter(text: string): Promise<void> {
    this.#lines(['', ...this.#wrapped(text, '').map((line) => this.#style('1;36', line))]);
    await pause(this.#pauseMs);
  }

  fact(text: string): void {
    this.#lines(this.#wrapped(text, '  · '));
  }

  /** `look` returns what was seen, or undefined where the claim does not hold. */
  async check(claim: string, look: () => Promise<string | undefined>): Promise<void> {
    let seen: string | undefined;
    let why = '';
    try {
      seen = await look();
    } catch (error) {
      why = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (seen === undefined) this.failed = true;
    const [sign, code] = seen === undefined ? ['✗', '31'] : ['✓', '32'];
    const lines = this.#wrapped(`${claim}${why}`, `  ${sign} `);
    const last = lines.at(-1) ?? '';
    const fits = textWidth(`${last}  ${seen ?? ''}`) <= this.#width;
    if (seen !== undefined && fits) lines[lines.length - 1] = `${last}${this.#style('2', `  ${seen}`)}`;
    if (seen !== undefined && !fits) lines.push(...this.#wrapped(seen, '    ').map((line) => this.#style('2', line)));
    this.#lines(lines.map((line, place) => (place === 0 ? line.replace(sign, this.#style(code, sign)) : line)));
  }

  end(): void {
    this.#lines([
      '',
      this.failed ? 'Not everything went as it should; see above.' : 'That is all. Everything is gone again.',
    ]);
  }

  get #width(): number {
    return this.#out.isTTY ? this.#out.columns || 80 : Number.POSITIVE_INFINITY;
  }

  #wrapped(text: string, first: string): string[] {
    return wrapped(text, this.#width, first);
  }

  #style(code: string, text: string): string {
    return this.#out.isTTY && process.env['NO_COLOR'] === undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  #lines(lines: readonly string[]): void {
    this.#out.write(`${lines.join('\n')}\n`);
  }
}
