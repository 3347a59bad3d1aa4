/** Our own settings file: its shape as the rest of the program sees it, and how it is loaded. */

import type { DirectoryName } from '../lifecycle/directory.ts';
import type { Address, Prefix } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { whyLinkNotTrusted, whyNotTrusted } from './read-file.ts';
import { settingsSchema } from './settings-schema.ts';
import { readTomlFile } from './toml-file.ts';

export type Verdict = 'allow' | 'deny';

export interface ListenAddress {
  readonly host: Address;
  /** 1..65535. */
  readonly port: number;
}

export interface Settings {
  readonly zones: {
    /** Asked in this order; the first that knows a link wins. */
    readonly directories: readonly DirectoryName[];
    /** A gRPC target, `unix:///absolute/path`. */
    readonly controlApi: string;
    /** A socket or device; undefined: the first there is of the usual ones. */
    readonly xenstore: string | undefined;
    readonly staticDir: string;
  };
  readonly uplink: {
    /** Empty: whatever a zone's traffic leaves by that is not another zone's link. */
    readonly interfaces: readonly string[];
  };
  readonly forward: {
    readonly placement: 'auto' | 'first';
    /** Exactly one bit of the 32-bit packet mark, or 0 for none. */
    readonly mark: number;
  };
  readonly isolation: {
    readonly antiSpoof: boolean;
    readonly zoneToZone: Verdict;
    readonly metadata: Verdict;
    /** What `metadata` is about, host addresses as /32 and /128. */
    readonly metadataAddresses: readonly Prefix[];
    readonly host: Verdict;
  };
  readonly reconcile: {
    /** Seconds between passes that no event asked for, 1..86400. */
    readonly resyncSeconds: number;
  };
  readonly control: {
    readonly socket: string;
    readonly metricsListen: ListenAddress | undefined;
  };
}

/** What holds where the settings file says nothing. */
export const defaultSettings: Settings = settingsSchema.parse({});

/**
 * The settings; all defaults where there is no such file. Throws `config-invalid`, also for a file that others than
 * root and our own user could have written: it decides what zones may reach.
 */
export function loadSettings(path: string): { settings: Settings; warnings: string[] } {
  const linkDistrust = whyLinkNotTrusted(path);
  if (linkDistrust !== undefined) throw new ProtectNetworkError('config-invalid', `${path}: ${linkDistrust}`);
  const settings = readTomlFile(path, settingsSchema, whyNotTrusted)?.value ?? defaultSettings;
  return { settings, warnings: warningsOf(path, settings) };
}

function warningsOf(path: string, settings: Settings): string[] {
  const listen = settings.control.metricsListen;
  if (listen === undefined || listen.host.startsWith('127.') || listen.host === '::1') return [];
  return [`${path}: control.metrics-listen: metrics on ${listen.host} can be read by others than this host`];
}
