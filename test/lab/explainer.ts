/** `explain` on a world's host, kept running between questions. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Words } from '../../src/explain/request.ts';
import type { Report } from '../../src/explain/walk.ts';
import { repository } from './program.ts';
import type { World } from './world.ts';

/** The command line's words. */
export type Ask = Words;

export class Explainer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor({ host, files }: World) {
    const node = join(repository, 'node_modules/.bin/node');
    const program = join(import.meta.dirname, 'explain-server.ts');
    const args = ['netns', 'exec', host.name, node, program, files.config, files.settings];
    this.#child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Throws what the command would have printed on stderr. One question at a time. */
  async ask(request: Ask): Promise<Report[]> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the explainer ended');
    const answer = JSON.parse(value) as Report[] | { error: string };
    if (!Array.isArray(answer)) throw new Error(answer.error);
    return answer;
  }

  /** The world's end kills it, too. */
  stop(): void {
    this.#child.stdin.end();
    this.#reader.close();
  }
}
