/** The system's journal, by journalctl. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { hasCode } from '../model/errors.ts';
import { refusal } from './classify.ts';
import type { Journal, JournalQuery } from './port.ts';
import type { Tools } from './tools.ts';

/** Where systemd-journald keeps its files, lasting and not (systemd-journald.service(8)). */
const directories = ['/var/log/journal', '/run/log/journal'];
/** Only what is printed: an entry has some thirty fields. Longer ones than 4096 bytes journalctl leaves out by itself. */
const fields = ['MESSAGE', 'PRIORITY', '_SYSTEMD_UNIT', 'UNIT', 'PROTECT_NETWORK_LINK', 'PROTECT_NETWORK_ZONE'];
/** Six fields, some of which may stand there several times, each byte of which may be escaped. */
const maxLineBytes = 256 * 1024;
/** Of what journalctl says on stderr. */
const maxComplaint = 2_000;

export class JournalTool implements Journal {
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  get isKept(): boolean {
    return this.#hasTool() && directories.some(holdsJournal);
  }

  async *read({ units, anyOf = [], since, lines, after, follow = false }: JournalQuery): AsyncIterable<string> {
    const args = [
      '--output=json',
      `--output-fields=${fields.join(',')}`,
      '--no-pager',
      '--quiet',
      ...units.map((unit) => `--unit=${unit}`),
      ...(since === undefined ? [] : [`--since=${since}`]),
      ...(lines === undefined ? [] : [`--lines=${lines}`]),
      ...(after === undefined ? [] : [`--after-cursor=${after}`]),
      ...(follow ? ['--follow'] : []),
      ...(follow && lines === undefined ? ['--no-tail'] : []),
      ...anyOf.flatMap((match, index) => (index === 0 ? [match] : ['+', match])),
    ];
    const child = execa(this.#tools.path('journalctl'), args, {
      stdin: 'ignore',
      buffer: false,
      reject: false,
      env: this.#tools.environment,
      extendEnv: false,
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(0, maxComplaint);
    });
    try {
      yield* boundedLines(child.stdout);
      const { exitCode } = await child;
      if (exitCode !== 0) throw refusal('journalctl', complaint);
    } finally {
      // The reader may stop in the middle.
      child.kill('SIGTERM');
    }
  }

  #hasTool(): boolean {
    try {
      this.#tools.path('journalctl');
      return true;
    } catch (error) {
      if (hasCode(error, 'tool-missing')) return false;
      throw error;
    }
  }
}

/** One directory for each machine whose journal is here. */
function holdsJournal(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const machines = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return machines.some(({ name }) => readdirSync(join(directory, name)).some((file) => file.endsWith('.journal')));
}

/** A line that is longer than any honest one comes as an empty one. */
async function* boundedLines(stream: AsyncIterable<Buffer>): AsyncIterable<string> {
  let rest = Buffer.alloc(0);
  let isTooLong = false;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([rest, chunk.subarray(start, end)]);
      yield isTooLong || line.length > maxLineBytes ? '' : line.toString('utf8');
      rest = Buffer.alloc(0);
      isTooLong = false;
      start = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > maxLineBytes) {
      isTooLong = true;
      rest = Buffer.alloc(0);
    }
  }
}
