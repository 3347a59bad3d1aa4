/** What can be told of policies from files alone: what in their directory is not read, and what does nothing. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../config/read-file.ts';
import { PolicyBook } from '../policy/book.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { aboutNoZone, contradictions } from '../policy/notes.ts';
import { isPolicyFileName } from '../policy/policy-directory.ts';
import type { StaticZones } from './static-zones.ts';

/** One sentence each. Zones are only known where no directory but the static one is asked. */
export function policyNotes({ settings, policies }: DaemonConfig, { entries }: StaticZones): string[] {
  const isKnown = settings.zones.directories.every((name) => name === 'static');
  const book = new PolicyBook(policies);
  const notes = isKnown ? [...aboutNoZone(book, entries, settings.fleet.zones), ...contradictions(book, entries)] : [];
  return [...unreadFiles(settings.policy.dir), ...notes];
}

/** Somebody may have meant it to be a policy. */
function unreadFiles(directory: string): string[] {
  try {
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const unread = files.map(({ name }) => name).filter((name) => !isPolicyFileName(name) && !/^\.|~$/.test(name));
    return unread.sort().map((name) => `${join(directory, name)} is not read: its name does not end in .toml`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
