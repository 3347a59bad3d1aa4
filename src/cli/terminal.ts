/** Writing for people: what may reach a terminal, and what happens when nobody reads any more. */
import { ExitCode } from '../model/errors.ts';

/** `text` without anything that could move a cursor or recolour a screen; line ends stay. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** The same for every text in a value, such as a status: names, reasons and origins come from zones' descriptions and files. */
export function allPrintable<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, each) => (typeof each === 'string' ? printable(each) : each)) as T;
}

export interface Output {
  /** Columns; infinite where nothing has to fit. */
  readonly width: number;
  readonly rows: number;
  readonly isTerminal: boolean;
  readonly hasColour: boolean;
  /** Understands no cursor movement either. */
  readonly isDumb: boolean;
  /** Linux' own, whose font has few characters. */
  readonly isLinuxConsole: boolean;
}

/** What a terminal of an unknown size is taken for: a serial line tells none. */
const usualSize = { columns: 80, rows: 24 };

/** NO_COLOR (no-color.org), `TERM=dumb` and `TERM=linux`, of which the launcher passes on that they are set and nothing else. */
export function standardOutput(noColor: boolean): Output {
  const { isTTY: isTerminal = false, columns, rows } = process.stdout;
  const isDumb = process.env['TERM'] === 'dumb';
  return {
    width: isTerminal ? columns || usualSize.columns : Number.POSITIVE_INFINITY,
    rows: rows || usualSize.rows,
    isTerminal,
    hasColour: isTerminal && !isDumb && !noColor && process.env['NO_COLOR'] === undefined,
    isDumb,
    isLinuxConsole: process.env['TERM'] === 'linux',
  };
}

/** Resolves once the system has taken everything: only then may the process end. */
export function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

export function warn(text: string): void {
  process.stderr.write(`protect-network: ${printable(text)}\n`);
}

export type WhenUnread = 'end' | 'carry on';

/**
 * A reader that goes away (`status | head`) ends a command without a word. The daemon carries on: a restart of whatever
 * collects its log must not take zones' repair away.
 */
export function handleClosedOutput(whenUnread: WhenUnread): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (whenUnread === 'end') process.exit(ExitCode.ok);
    });
  }
}
