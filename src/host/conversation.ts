/**
 * A long-lived tool that reads commands on stdin: `ip -batch -`, `nft -i`. Starting a process costs 3 to 16 ms, a line
 * to a running one about 1 ms (measured under Node on 2 cores, see ARCHITECTURE.md), so the daemon keeps both running.
 *
 * Neither tool says when an answer ends. After each request we send a line that the tool must refuse, with a number in
 * it; its error message is the end mark. stderr is joined to stdout so that errors stand where they happened.
 * A tool that dies, hangs or has grown old is replaced; a request that was under way then fails with `helper-died` or
 * `timeout` and its effect is unknown, which every caller answers by observing again.
 */

import { ProtectNetworkError } from '../model/errors.ts';
import { type HelperProcess, startJoined } from './spawn.ts';
import type { ToolName, Tools } from './tools.ts';

export interface ConversationOptions {
  readonly tool: ToolName;
  readonly args: readonly string[];
  /** The lines that flush the answer and provoke the end mark. */
  readonly endLines: (token: string) => readonly string[];
  /** Matches the tool's complaint about `token`, from its first character to the end of the answer. */
  readonly endMark: (token: string) => RegExp;
  /** Requests after which the process is replaced: nft grows by 0.4 KB a transaction. */
  readonly requestsPerProcess: number;
  /** Lines after which it is replaced, likewise; a request that was begun is finished. */
  readonly linesPerProcess?: number;
  /** An open file that the tool has as descriptor 3; asked for at each start. */
  readonly file?: () => number | undefined;
}

export interface Answer {
  readonly text: string;
  /** Number of the request's first line, counted from 1 as the tool does in its messages. */
  readonly firstLine: number;
}

/** The tool ended in the middle; `answer` is what it had printed of its answer by then. */
export class ConversationEnded extends ProtectNetworkError {
  readonly answer: Answer;

  constructor(message: string, answer: Answer) {
    super('helper-died', message);
    this.answer = answer;
  }
}

interface Running {
  readonly child: HelperProcess;
  requests: number;
  lines: number;
  output: string;
  waiting: { token: string; firstLine: number; ended(text: string): void; failed(error: Error): void } | undefined;
}

export class Conversation {
  readonly #tools: Tools;
  readonly #options: ConversationOptions;
  #running: Running | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  #tokens = 0;

  constructor(tools: Tools, options: ConversationOptions) {
    this.#tools = tools;
    this.#options = options;
  }

  /** The process id of the running tool, which the kernel names as the author of its changes. */
  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Starts the tool, so that the first request need not wait for it. */
  warm(): void {
    this.#ready();
  }

  /**
   * Sends the lines and returns all that the tool printed about them. One request at a time, in order; `lines` may be made
   * when their turn has come.
   */
  ask(lines: readonly string[] | (() => readonly string[]), timeoutMs = 10_000): Promise<Answer> {
    const answer = this.#queue.then(() => this.#exchange(lines, timeoutMs));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
    this.#end();
  }

  async #exchange(request: readonly string[] | (() => readonly string[]), timeoutMs: number): Promise<Answer> {
    if (this.#closed) throw new ProtectNetworkError('helper-died', `${this.#options.tool}: already closed`);
    const running = this.#ready();
    const lines = typeof request === 'function' ? request() : request;
    const token = `end-of-answer-${++this.#tokens}`;
    const sent = [...lines, ...this.#options.endLines(token)];
    const firstLine = running.lines + 1;
    running.lines += sent.length;
    running.requests += 1;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    running.waiting = { token, firstLine, ended: resolve, failed: reject };
    const timer = setTimeout(() => {
      reject(new ProtectNetworkError('timeout', `${this.#options.tool} did not answer within ${timeoutMs} ms; killed`));
      this.#end();
    }, timeoutMs);
    running.child.stdin.write(`${sent.join('\n')}\n`);
    try {
      return { text: await promise, firstLine };
    } finally {
      clearTimeout(timer);
      running.waiting = undefined;
    }
  }

  #ready(): Running {
    if (this.#running !== undefined && this.#isSpent(this.#running)) this.#end();
    this.#running ??= this.#start();
    return this.#running;
  }

  #isSpent({ requests, lines }: Running): boolean {
    const { requestsPerProcess, linesPerProcess = Number.POSITIVE_INFINITY } = this.#options;
    return requests >= requestsPerProcess || lines >= linesPerProcess;
  }

  #start(): Running {
    const { tool, args, file } = this.#options;
    const child = startJoined(this.#tools, tool, args, file?.());
    const running: Running = { child, requests: 0, lines: 0, output: '', waiting: undefined };
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => this.#heard(running, chunk));
    const gone = (reason: string) => {
      if (this.#running === running) this.#running = undefined;
      const { output: text, waiting } = running;
      const answer = { text, firstLine: waiting?.firstLine ?? 0 };
      waiting?.failed(new ConversationEnded(`${tool} ended in the middle of an answer: ${reason}`, answer));
    };
    child.stdin.on('error', (error) => gone(error.message));
    child.ended.then(gone, (error: Error) => gone(error.message));
    return running;
  }

  #heard(running: Running, chunk: string): void {
    running.output += chunk;
    const token = running.waiting?.token;
    if (token === undefined) return;
    // The mark is at the very end: looking there keeps a listing of many megabytes linear.
    const near = running.output.lastIndexOf(token);
    if (near < 0) return;
    const from = Math.max(0, running.output.lastIndexOf('\n', near - 1) - 200);
    const match = this.#options.endMark(token).exec(running.output.slice(from));
    if (match === null) return;
    const text = running.output.slice(0, from + match.index);
    running.output = '';
    running.waiting?.ended(text);
  }

  #end(): void {
    const running = this.#running;
    this.#running = undefined;
    running?.child.stdin.end();
    running?.child.kill('SIGKILL');
  }
}
