/** A line of the log in the shapes in which it is written. Pure. */
import type { JournalFields } from '../host/journal-format.ts';
import { localTime } from './units.ts';

/** What pino makes of a call: its own three, and the fields of the call. */
export type LogLine = { readonly level: number; readonly time: number; readonly msg: string } & Readonly<
  Record<string, unknown>
>;

/** sd-daemon(3): the journal takes `<N>` at a line's head as its priority. By pino's level. */
const syslogLevels: Readonly<Record<number, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };

export function syslogLevel(level: number): number {
  return syslogLevels[level] ?? 6;
}

/** For people, at a terminal or in a file: `2026-03-01 12:00:05 warning: …`, further lines indented. */
export function textOf({ level, time, msg }: LogLine): string {
  const weight = level >= 50 ? 'error: ' : level >= 40 ? 'warning: ' : '';
  return `${localTime(time)} ${weight}${msg.replaceAll('\n', '\n    ')}\n`;
}

/** For the journal by way of standard output: it has its own time. */
export function prioritised({ level, msg }: LogLine): string {
  const head = `<${syslogLevel(level)}>`;
  return `${head}${msg.replaceAll('\n', `\n${head}`)}\n`;
}

/** What journalctl can filter on, by the names that the log's own fields have. */
export const journalNames: Readonly<Record<string, string>> = {
  event: 'PROTECT_NETWORK_EVENT',
  link: 'PROTECT_NETWORK_LINK',
  links: 'PROTECT_NETWORK_LINK',
  zone: 'PROTECT_NETWORK_ZONE',
  zones: 'PROTECT_NETWORK_ZONE',
  ifindex: 'PROTECT_NETWORK_IFINDEX',
  state: 'PROTECT_NETWORK_STATE',
  addresses: 'PROTECT_NETWORK_ADDRESS',
  directory: 'PROTECT_NETWORK_DIRECTORY',
  origin: 'PROTECT_NETWORK_ORIGIN',
  reason: 'PROTECT_NETWORK_REASON',
  kinds: 'PROTECT_NETWORK_KIND',
  culprits: 'PROTECT_NETWORK_CULPRIT',
  cause: 'PROTECT_NETWORK_CAUSE',
  source: 'PROTECT_NETWORK_SOURCE',
  destination: 'PROTECT_NETWORK_DESTINATION',
  milliseconds: 'PROTECT_NETWORK_MILLISECONDS',
};

export function journalFields(line: LogLine): JournalFields {
  const own = Object.entries(journalNames).flatMap(([key, name]) => {
    const value = line[key];
    if (value === undefined || value === null) return [];
    return [[name, Array.isArray(value) ? value.map(String) : String(value)] as const];
  });
  return {
    MESSAGE: line.msg,
    PRIORITY: String(syslogLevel(line.level)),
    SYSLOG_IDENTIFIER: 'protect-network',
    ...Object.fromEntries(own),
  };
}
