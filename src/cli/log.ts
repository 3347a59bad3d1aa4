/** The daemon's log: pino's lines, with fields to the journal, as text with syslog levels, or as JSON for machines. */
import type { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';
import { type Journal, JournalSocket } from '../host/journal-socket.ts';
import { logMessages } from '../words/log-messages.ts';
import { say } from '../words/say.ts';
import { journalFields, type LogLine, prioritised, syslogLevel, textOf } from './log-line.ts';

export interface LogOptions {
  readonly logFormat: 'text' | 'json';
  readonly debug: boolean;
}

/** Of lines that whoever reads standard output has not taken yet, in bytes; what comes then is counted, not kept. */
const maxUnread = 1024 * 1024;

/** `journal`: undefined where standard output is not the journal's. */
export function makeLog(
  { logFormat, debug }: LogOptions,
  journal: Journal | undefined,
  out: Writable = process.stdout,
): Logger {
  const options = { level: debug ? 'debug' : 'info', base: null };
  const bounded = boundedStream(out);
  if (logFormat === 'json') return pino(options, { write: (line) => bounded(line, lostLine) });
  const words = journal === undefined ? textOf : prioritised;
  const asText = (line: LogLine) => bounded(words(line), (lost) => words(lostOf(lost)));
  return pino(options, parsed(journal?.send === undefined ? asText : toJournal(journal.send, asText)));
}

function toJournal(send: NonNullable<Journal['send']>, asText: (line: LogLine) => void): (line: LogLine) => void {
  const journal = new JournalSocket({
    send,
    lost: (entries) => journalFields(lostOf(entries)),
    instead: ({ MESSAGE, PRIORITY }) =>
      asText({ level: levelOf(String(PRIORITY)), time: Date.now(), msg: String(MESSAGE) }),
  });
  // The last words of a daemon that ends: one attempt is all there is time for.
  process.once('exit', () => journal.flush());
  return (line) => journal.write(journalFields(line));
}

function parsed(write: (line: LogLine) => void): DestinationStream {
  return { write: (line: string) => write(JSON.parse(line) as LogLine) };
}

/** A reader that hangs must not make us grow: Node keeps what a pipe does not take. */
function boundedStream(out: Writable): (text: string, lostText: (lines: number) => string) => void {
  let lost = 0;
  return (text, lostText) => {
    if (out.writableLength > maxUnread) {
      lost += 1;
      return;
    }
    out.write(lost === 0 ? text : `${lostText(lost)}${text}`);
    lost = 0;
  };
}

function lostOf(lines: number): LogLine {
  const { event, words } = logMessages.linesLost;
  const msg = say(words, { n: lines, lines: lines === 1 ? 'line' : 'lines' });
  return { level: 40, time: Date.now(), event, msg };
}

function lostLine(lines: number): string {
  return `${JSON.stringify(lostOf(lines))}\n`;
}

function levelOf(priority: string): number {
  return [50, 40, 30, 20].find((level) => syslogLevel(level) === Number(priority)) ?? 30;
}
