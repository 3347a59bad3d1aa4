/** Where the daemon answers, according to our settings file. */
import { existsSync, lstatSync } from 'node:fs';
import { fileError } from '../config/read-file.ts';
import { messageOf } from '../model/errors.ts';
import { warn } from './terminal.ts';

/** The same as in `defaultSettings`; a test holds the two together. */
export const defaultControlSocket = '/run/protect-network/control.sock';

/**
 * Reading the settings imports the whole schema (some 200 ms from source), so a host without that file, which is the
 * usual one, does without. Throws what `loadSettings` throws where there is no socket at the usual place either.
 */
export async function findControlSocket(settingsPath: string): Promise<string> {
  if (isAbsent(settingsPath)) return defaultControlSocket;
  const { loadSettings } = await import('../config/settings.ts');
  try {
    return loadSettings(settingsPath).settings.control.socket;
  } catch (error) {
    // The daemon goes on with what it read last, and this is when one wants to look. Where it does not answer at its
    // usual place either, the broken file is what has to be mended first.
    if (!existsSync(defaultControlSocket)) throw error;
    warn(`${messageOf(error)}\nasking at ${defaultControlSocket}`);
    return defaultControlSocket;
  }
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    throw fileError(path, error);
  }
}
