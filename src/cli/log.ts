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

/** People at a terminal get the time; the journal has its own. */
function textStream(out: Writable): DestinationStream {
  const isTerminal = 'isTTY' in out && out.isTTY === true;
  return {
    write(line: string) {
      const { level, time, msg } = JSON.parse(line) as { level: number; time: number; msg: string };
      const head = isTerminal
        ? `${new Date(time).toTimeString().slice(0, 8)} ${level >= 40 ? 'warning: ' : ''}`
        : `<${syslogLevels[level] ?? 6}>`;
      out.write(`${head}${msg.replaceAll('\n', `\n${isTerminal ? '    ' : head}`)}\n`);
    },
  };
}
