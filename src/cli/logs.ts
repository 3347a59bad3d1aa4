/** `protect-network logs`: what the daemon, the forwarder of names and protect-daemon have written to the journal, in one stream. */
import { fetchStatus } from '../control/fetch-status.ts';
import { createJournal } from '../host/index.ts';
import type { Journal, JournalQuery } from '../host/port.ts';
import { ExitCode, hasCode, ProtectNetworkError } from '../model/errors.ts';
import { parseLinkName } from '../model/link-name.ts';
import { findControlSocket } from './control-socket.ts';
import { type JournalEntry, parseEntry } from './journal-entry.ts';
import { entryLines } from './logs-text.ts';
import { painter } from './paint.ts';
import { print, standardOutput, warn } from './terminal.ts';
import { aboutWord, aboutZone, type IsAbout } from './zone-words.ts';

export interface LogsOptions {
  readonly settingsPath: string;
  readonly follow: boolean;
  /** A link or a name. */
  readonly zone: string | undefined;
  readonly since: string | undefined;
  readonly lines: number | undefined;
  readonly noColor: boolean;
}

export const loggedUnits = ['protect-network', 'protect-network-dns', 'protect-daemon'];
const usualLines = 100;
/** How far back lines about one zone are looked for, unless people say since when: half a second of journalctl's work. */
const searchedLines = 20_000;

export async function showLogs(options: LogsOptions): Promise<ExitCode> {
  const journal = createJournal();
  if (!journal.isKept) {
    throw new ProtectNetworkError(
      'vanished',
      'this host keeps no journal (no journalctl, or no file in /var/log/journal and /run/log/journal); the daemon ' +
        "writes its log to standard output: look where your service manager puts that, or stop it and type 'protect-network run'",
    );
  }
  const { isAbout, isKnown } = await filterOf(options);
  const paint = painter(standardOutput(options.noColor).hasColour);
  const show = (entry: JournalEntry) => print(`${entryLines(entry, paint).join('\n')}\n`);
  const { last, shown } = await showPast(journal, options, isAbout, show);
  if (!options.follow) {
    if (shown === 0 && !isKnown)
      throw new ProtectNetworkError(
        'refused',
        `no zone is named '${options.zone}', and no journal line contains that name; protect-network status lists the zones`,
      );
    if (shown === 0) warn(options.zone === undefined ? 'nothing is logged' : `nothing is logged about ${options.zone}`);
    return ExitCode.ok;
  }
  const query: JournalQuery =
    last === undefined ? { units: loggedUnits, lines: 0 } : { units: loggedUnits, after: last };
  for await (const entry of entriesOf(journal, { ...query, follow: true })) if (isAbout(entry)) await show(entry);
  return ExitCode.ok;
}

/** Shows the youngest that fit, or all since a time. Returns the last entry's cursor, shown or not. */
async function showPast(
  journal: Journal,
  { since, zone, lines = since === undefined ? usualLines : undefined }: LogsOptions,
  isAbout: IsAbout,
  show: (entry: JournalEntry) => Promise<void>,
): Promise<{ last: string | undefined; shown: number }> {
  const asked = zone === undefined ? lines : since === undefined ? searchedLines : undefined;
  const youngest: JournalEntry[] = [];
  let last: string | undefined;
  let shown = 0;
  for await (const entry of entriesOf(journal, { units: loggedUnits, since, lines: asked })) {
    last = entry.cursor;
    if (!isAbout(entry)) continue;
    shown += 1;
    if (lines === undefined) await show(entry);
    else if (youngest.push(entry) > lines) youngest.shift();
  }
  for (const entry of youngest) await show(entry);
  return { last, shown };
}

export async function* entriesOf(journal: Journal, query: JournalQuery): AsyncIterable<JournalEntry> {
  let senseless = 0;
  for await (const line of journal.read(query)) {
    const entry = parseEntry(line);
    if (entry === undefined) senseless += 1;
    else yield entry;
  }
  if (senseless > 0) warn(`skipped ${senseless} unreadable journal ${senseless === 1 ? 'entry' : 'entries'}`);
}

/** With the daemon, a zone is known by all its words; without, or once the zone has gone, by the one that people say. */
async function filterOf({ zone, settingsPath }: LogsOptions): Promise<{ isAbout: IsAbout; isKnown: boolean }> {
  if (zone === undefined) return { isAbout: () => true, isKnown: true };
  const isAbout = aboutWord(zone);
  try {
    const { zones } = await fetchStatus(await findControlSocket(settingsPath));
    const known = aboutZone(zone, zones);
    return { isAbout: known ?? isAbout, isKnown: known !== undefined || parseLinkName(zone) !== undefined };
  } catch (error) {
    if (!hasCode(error, 'unreachable', 'timeout', 'permission', 'refused', 'garbled')) throw error;
    warn(`the daemon cannot be queried: only lines that contain ${zone} are shown`);
    return { isAbout, isKnown: true };
  }
}
