/** Where the daemon answers, according to our settings file. */
import { lstatSync } from 'node:fs';
import { fileError } from '../config/read-file.ts';

/** The same as in `defaultSettings`; a test holds the two together. */
export const defaultControlSocket = '/run/protect-network/control.sock';

/**
 * Reading the settings imports the whole schema (some 200 ms from source), so a host without that file, which is the
 * usual one, does without. Throws what `loadSettings` throws.
 */
export async function findControlSocket(settingsPath: string): Promise<string> {
  if (isAbsent(settingsPath)) return defaultControlSocket;
  const { loadSettings } = await import('../config/settings.ts');
  return loadSettings(settingsPath).settings.control.socket;
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    throw fileError(path, error);
  }
}
