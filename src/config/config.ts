/** Both settings files as one value: everything that people, not zones or the kernel, have decided. */
import { contains, type Family, families, familyNames, holds } from '../model/address.ts';
import { combinedError } from '../model/errors.ts';
import { loadDaemonToml } from './daemon-toml.ts';
import { type LoadedSettings, loadSettings } from './load-settings.ts';
import type { Settings } from './settings.ts';
import { type Subnets, withBlocks } from './subnet.ts';
import { invalid } from './toml-file.ts';
import { locatorOf, type Position } from './toml-locate.ts';

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
    refuseInnerSource(paths.settings, own.value, daemon.value.subnets);
    const warnings = [...daemon.value.warnings, ...own.value.warnings];
    const { lines } = daemon.value;
    const subnets = subnetsIn(paths.settings, own.value, daemon.value.subnets);
    const noLines = { ipv4: undefined, ipv6: undefined };
    const origin = { paths, hasDaemonToml: lines !== undefined, subnetLines: lines ?? noLines };
    return { subnets, settings: own.value.settings, warnings, origin };
  }
  throw combinedError([daemon, own].flatMap((outcome) => (outcome.ok ? [] : [outcome.error])));
}

/** What leaves under an address of the zones' subnet counts as untranslated, and is dropped. */
function refuseInnerSource(file: string, { settings, text = '' }: LoadedSettings, subnets: Subnets): void {
  const { source } = settings.uplink;
  for (const family of families) {
    const [address, subnet] = [source[family], subnets[family]?.prefix];
    if (address === undefined || subnet === undefined || !contains(subnet, address)) continue;
    const sentence = `uplink.source: ${address} is in the zones' subnet ${subnet.text}; expected an address of this host towards the outside`;
    throw invalid(file, text, [{ ...placeOfSource(text, address), sentence }]);
  }
}

/** The zones' subnets, and of each the blocks that are this host's. Throws where one is no part of them. */
function subnetsIn(file: string, { settings, text = '' }: LoadedSettings, subnets: Subnets): Subnets {
  const { fleet } = settings;
  const locate = locatorOf(text);
  const problems = fleet.block.flatMap((block, index) => {
    const subnet = subnets[block.family]?.prefix;
    if (subnet !== undefined && holds(subnet, block)) return [];
    const why =
      subnet === undefined
        ? `${familyNames[block.family]} is switched off for zones; expected no block of it`
        : `is not in the zones' subnet ${subnet.text}; expected a part of it`;
    return [{ ...locate(['fleet', 'block', index], 'value'), sentence: `fleet.block: ${block.text}: ${why}` }];
  });
  if (problems.length > 0) throw invalid(file, text, problems);
  return withBlocks(subnets, fleet.block);
}

/** The address itself where it stands there as the kernel spells it, the list otherwise. */
function placeOfSource(text: string, address: string): Position {
  const [locate, lines] = [locatorOf(text), text.split('\n')];
  const places = [0, 1].map((index) => locate(['uplink', 'source', index], 'value'));
  const place = places.find(({ line, column }) => lines[line - 1]?.startsWith(address, column));
  return place ?? locate(['uplink', 'source'], 'value');
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

function attempt<T>(load: () => T): Attempt<T> {
  try {
    return { ok: true, value: load() };
  } catch (error) {
    return { ok: false, error };
  }
}
