/** How our own settings file is loaded. */
import { isLoopback } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';
import { whyLinkNotTrusted, whyNotTrusted } from './read-file.ts';
import type { Settings } from './settings.ts';
import { defaultSettings, settingsSchema } from './settings-schema.ts';
import { readTomlFile } from './toml-file.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  /** What was read; undefined where there is no such file. */
  readonly text: string | undefined;
  readonly warnings: string[];
}

/**
 * The settings; all defaults where there is no such file. Throws `config-invalid`, also for a file that others than
 * root and our own user could have written: it decides what zones may reach.
 */
export function loadSettings(path: string): LoadedSettings {
  const linkDistrust = whyLinkNotTrusted(path);
  if (linkDistrust !== undefined) throw new ProtectNetworkError('config-invalid', `${path}: ${linkDistrust}`);
  const file = readTomlFile(path, settingsSchema, whyNotTrusted);
  const settings = file?.value ?? defaultSettings;
  return { settings, text: file?.text, warnings: warningsOf(path, settings) };
}

function warningsOf(path: string, { control, isolation }: Settings): string[] {
  const listen = control.metricsListen;
  const isOpen = listen !== undefined && !isLoopback(listen.host);
  return [
    ...(isOpen ? [say(hostWarnings.metricsOpen, { file: path, address: listen.host })] : []),
    ...(isolation.antiSpoof ? [] : [say(hostWarnings.antiSpoofOff, { file: path })]),
  ];
}
