/** Both settings files as one value: everything that people, not zones or the kernel, have decided. */
import { contains, type Family, families } from '../model/address.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { loadDaemonToml } from './daemon-toml.ts';
import { loadSettings } from './load-settings.ts';
import type { Settings } from './settings.ts';
import type { Subnets } from './subnet.ts';

export interface ConfigPaths {
  /** Edera's daemon.toml. */
  readonly config: string;
  /** Our own settings. */
  readonly settings: string;
}

export interface Config {
  readonly subnets: Subnets;
  readonly settings: Settings;
  /** For people: what was read and is probably not meant. One sentence each. */
  readonly warnings: readonly string[];
  /** Where it was read; undefined for one that was not. */
  readonly origin?: ConfigOrigin | undefined;
}

export interface ConfigOrigin {
  readonly paths: ConfigPaths;
  /** False: there is no daemon.toml, and the subnets are the defaults. */
  readonly hasDaemonToml: boolean;
  /** The lines of daemon.toml that say the subnets; undefined for one that it leaves to the default. */
  readonly subnetLines: Readonly<Record<Family, number | undefined>>;
}

export const defaultConfigPaths: ConfigPaths = {
  config: '/var/lib/edera/protect/daemon.toml',
  settings: '/etc/edera/protect-network.toml',
};

/** Reads both files. Throws one error that names everything wrong in either. */
export function loadConfig(paths: ConfigPaths): Config {
  const daemon = attempt(() => loadDaemonToml(paths.config));
  const own = attempt(() => loadSettings(paths.settings));
  if (daemon.ok && own.ok) {
    const wrong = whySourceRefused(own.value.settings, daemon.value.subnets);
    if (wrong !== undefined) throw new ProtectNetworkError('config-invalid', `${paths.settings}: ${wrong}`);
    const warnings = [...daemon.value.warnings, ...own.value.warnings];
    const { subnets, lines } = daemon.value;
    const noLines = { ipv4: undefined, ipv6: undefined };
    const origin = { paths, hasDaemonToml: lines !== undefined, subnetLines: lines ?? noLines };
    return { subnets, settings: own.value.settings, warnings, origin };
  }
  throw combined([daemon, own].flatMap((outcome) => (outcome.ok ? [] : [outcome.error])));
}

/** What leaves under an address of the zones' subnet counts as untranslated, and is dropped. */
function whySourceRefused({ uplink: { source } }: Settings, subnets: Subnets): string | undefined {
  for (const family of families) {
    const [address, subnet] = [source[family], subnets[family]?.prefix];
    if (address === undefined || subnet === undefined || !contains(subnet, address)) continue;
    return `uplink.source: ${address} is in the zones' subnet ${subnet.text}; expected an address of this host towards the outside`;
  }
  return undefined;
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(load: () => T): Attempt<T> {
  try {
    return { ok: true, value: load() };
  } catch (error) {
    return { ok: false, error };
  }
}

function combined(errors: readonly unknown[]): unknown {
  const [first, ...others] = errors;
  if (others.length === 0) return first;
  const codes = errors.map((error) => (error instanceof ProtectNetworkError ? error.code : 'unexpected'));
  const code = codes.every((each) => each === codes[0]) ? (codes[0] ?? 'unexpected') : 'config-invalid';
  return new ProtectNetworkError(code, errors.map(messageOf).join('\n'), { cause: new AggregateError(errors) });
}
