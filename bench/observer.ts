/** The other end of `repair-observer.ts`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Answer, Request } from './repair-observer.ts';

export class Observer {
  readonly #child;
  readonly #lines;
  /** Aborted where it ends: no answer will come. */
  readonly #ended = new AbortController();

  /** `generations`: the compiled peers/generations.c. */
  constructor(namespace: string, generations: string) {
    const script = new URL('repair-observer.ts', import.meta.url).pathname;
    const args = ['netns', 'exec', namespace, process.execPath, script, 'observe', generations];
    this.#child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#child.once('exit', () => this.#ended.abort());
  }

  async ask(request: Request): Promise<Answer> {
    const answer = once(this.#lines, 'line', { signal: this.#ended.signal });
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(String((await answer)[0])) as Answer;
  }

  stop(): void {
    this.#child.stdin.end();
  }
}
