/** Where the daemon answers, according to our settings file. */
import { existsSync, lstatSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { fileError, readBoundedFile, whyLinkNotTrusted, whyNotTrusted } from '../config/read-file.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { warn } from './terminal.ts';

/** The same as in `defaultSettings`; a test holds the two together. */
export const defaultControlSocket = '/run/protect-network/control.sock';

/** sun_path has 108 bytes (unix(7)), one of which ends it. */
const maxSocketPath = 107;

/**
 * Reading the settings builds the whole schema (30 ms, some 200 from source), so a file that plainly says where the socket
 * is, or says nothing of it, is not judged any further: that is the daemon's. Throws what `loadSettings` throws where
 * there is no socket at the usual place either.
 */
export async function findControlSocket(settingsPath: string): Promise<string> {
  const plain = plainSocket(settingsPath);
  if (plain !== undefined) return plain;
  const { loadSettings } = await import('../config/load-settings.ts');
  try {
    return loadSettings(settingsPath).settings.control.socket;
  } catch (error) {
    // The daemon goes on with what it read last, and this is when one wants to look. Where it does not answer at its
    // usual place either, the broken file is what has to be fixed first.
    if (!existsSync(defaultControlSocket)) throw error;
    warn(`${messageOf(error)}\ntrying ${defaultControlSocket}`);
    return defaultControlSocket;
  }
}

/** Undefined where only the whole of `loadSettings` can tell. */
function plainSocket(settingsPath: string): string | undefined {
  if (isAbsent(settingsPath)) return defaultControlSocket;
  try {
    if (whyLinkNotTrusted(settingsPath) !== undefined) return undefined;
    const file = readBoundedFile(settingsPath, { maxBytes: maxPlainBytes, follow: true, judge: whyNotTrusted });
    const control: unknown = parse(file?.text ?? '')['control'] ?? {};
    if (typeof control !== 'object' || control === null) return undefined;
    const socket = 'socket' in control ? control.socket : defaultControlSocket;
    return isPlainPath(socket) ? socket : undefined;
  } catch (error) {
    if (error instanceof ProtectNetworkError || error instanceof TomlError) return undefined;
    throw error;
  }
}

/** A file of settings has 2 KiB. */
const maxPlainBytes = 64 * 1024;

function isPlainPath(value: unknown): value is string {
  return typeof value === 'string' && /^(\/[\w.-]+)+$/.test(value) && value.length <= maxSocketPath;
}

function isAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    throw fileError(path, error);
  }
}
