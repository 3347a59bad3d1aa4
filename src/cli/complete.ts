/** What shells offer in the place of a zone: nothing that a shell could take for anything but a word. */
import { loadSettings } from '../config/load-settings.ts';
import { fetchStatus } from '../control/fetch-status.ts';
import { readStaticZones } from '../directories/static/edit.ts';
import { linkNames } from '../host/link-names.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { isZoneLink } from '../model/link-name.ts';
import { print } from './terminal.ts';

/** Somebody waits with a finger on the key. */
const limitMs = 500;
/** Names come from zones' directories: `$(…)` is one. A colon ends bash's word. */
const plainWord = /^[A-Za-z0-9][\w.@+-]*$/;

/** By the daemon, the static directory and the kernel, as far as each can be asked by this user. Never throws for one that cannot. */
export async function printZoneWords(settingsPath: string): Promise<ExitCode> {
  const known = await Promise.all([ofSettings(settingsPath), [...linkNames()].filter(isZoneLink)]);
  const words = new Set(known.flat().filter((word) => plainWord.test(word)));
  await print(
    [...words]
      .sort()
      .map((word) => `${word}\n`)
      .join(''),
  );
  return ExitCode.ok;
}

async function ofSettings(settingsPath: string): Promise<string[]> {
  const found = await unlessRefused(async () => {
    const { control, zones } = loadSettings(settingsPath).settings;
    return Promise.all([
      unlessRefused(async () => (await fetchStatus(control.socket, limitMs)).zones.flatMap(wordsOf)),
      unlessRefused(async () => (await readStaticZones(zones.staticDir)).entries.flatMap(wordsOf)),
    ]);
  });
  return (found ?? []).flatMap((words) => words ?? []);
}

function wordsOf({ link, name }: { readonly link: string; readonly name?: string | null | undefined }): string[] {
  return [link, name ?? ''];
}

async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProtectNetworkError) return undefined;
    throw error;
  }
}
