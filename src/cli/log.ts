/** The daemon's log: pino's lines, as JSON for machines or as text with syslog levels for the journal. */
import type { Writable } from 'node:stream';
import { type DestinationStream, type Logger, pino } from 'pino';

export interface LogOptions {
  readonly logFormat: 'text' | 'json';
  readonly debug: boolean;
}

/** sd-daemon(3): the journal takes `<N>` at a line's head as its priority. By pino's level. */
const syslogLevels: Record<number, number> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

export function makeLog({ logFormat, debug }: LogOptions, out: Writable = process.stdout): Logger {
  const options = { level: debug ? 'debug' : 'info', base: null };
  return pino(options, logFormat === 'json' ? (out as DestinationStream) : textStream(out));
}

function textStream(out: Writable): DestinationStream {
  return {
    write(line: string) {
      const { level, msg } = JSON.parse(line) as { level: number; msg: string };
      out.write(`<${syslogLevels[level] ?? 6}>${msg.replaceAll('\n', `\n<${syslogLevels[level] ?? 6}>`)}\n`);
    },
  };
}
