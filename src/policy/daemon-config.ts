/** Everything that people have decided: both settings files, and the policies in the directory that ours names. */
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Config, type ConfigPaths, loadConfig } from '../config/config.ts';
import { defaultSettings } from '../config/settings-schema.ts';
import type { Subnets } from '../config/subnet.ts';
import { headline } from '../config/toml-decode.ts';
import { type Reading, type ReloadListener, type ReloadWatch, type Source, watchSources } from '../config/watch.ts';
import { familyNames } from '../model/address.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';
import type { Policy } from './model.ts';
import { loadPolicies, type Policies } from './policy-directory.ts';
import { conflictsIn, insideSubnets } from './publish.ts';

export interface DaemonConfig extends Config {
  /** The same list as before where every policy is; a rule that stands in another line is not the same, as its place is told. */
  readonly policies: readonly Policy[];
  /** What the next reading need not read again. */
  readonly files: Policies['files'];
}

/**
 * Reads everything. Throws one error that names everything wrong in either settings file, or else in any policy file. What
 * `last` has read and has not changed since is not read again.
 */
export async function loadDaemonConfig(paths: ConfigPaths, last?: DaemonConfig): Promise<DaemonConfig> {
  return withPolicies(loadConfig(paths), last);
}

/** Follows both settings files and the policies, missing ones included. `current` is what the caller has in force. */
export function watchDaemonConfig(
  paths: ConfigPaths,
  listener: ReloadListener<DaemonConfig>,
  current?: DaemonConfig,
): Promise<ReloadWatch> {
  return watchSources({ read: (last) => read(paths, last), isSame }, listener, current);
}

async function withPolicies(config: Config, last: DaemonConfig | undefined): Promise<DaemonConfig> {
  const { dir } = config.settings.policy;
  const known = last?.settings.policy.dir === dir ? last.files : undefined;
  const { policies: read, warnings, files } = await loadPolicies(dir, known);
  const isSameList =
    read.length === last?.policies.length && read.every((policy, index) => policy === last.policies[index]);
  const policies = isSameList ? last.policies : read;
  return {
    ...config,
    policies,
    files,
    warnings: [
      ...config.warnings,
      ...warnings,
      ...policies.flatMap((policy) => offWarnings(policy, config.subnets)),
      ...publishWarnings(policies, config.subnets),
    ],
  };
}

/** That a rule opens nothing, since zones have no addresses of its family. The same policies may serve other hosts. */
function offWarnings({ egress }: Policy, subnets: Subnets): string[] {
  return (egress?.allow ?? []).flatMap((rule) => {
    if (rule.kind === 'icmp' || rule.target.kind !== 'prefix') return [];
    const { family } = rule.target.prefix;
    if (subnets[family] !== undefined) return [];
    const sentence = `"${rule.text}" opens nothing: ${familyNames[family]} is switched off for zones`;
    return [headline(rule.place.file, { ...rule.place, sentence })];
  });
}

/** Ports that are published twice, or where nobody can ask for them. */
function publishWarnings(policies: readonly Policy[], { ipv4, ipv6 }: Subnets): string[] {
  const subnets = [ipv4, ipv6].flatMap((subnet) => subnet?.prefix ?? []);
  return [
    ...conflictsIn(policies).map(({ publication, first: { place } }) =>
      headline(publication.place.file, {
        ...publication.place,
        sentence: say(hostWarnings.publishedTwice, { text: publication.text, file: place.file, n: place.line }),
      }),
    ),
    ...insideSubnets(policies, subnets).map(({ text, place }) =>
      headline(place.file, { ...place, sentence: say(hostWarnings.publishedInside, { text }) }),
    ),
  ];
}

async function read(paths: ConfigPaths, last: DaemonConfig | undefined): Promise<Reading<DaemonConfig>> {
  // Where the settings do not say it, the policies are where they were.
  let { dir } = (last?.settings ?? defaultSettings).policy;
  try {
    const config = loadConfig(paths);
    dir = config.settings.policy.dir;
    return { ok: true, value: await withPolicies(config, last), sources: sourcesOf(paths, dir) };
  } catch (error) {
    return { ok: false, error, sources: sourcesOf(paths, dir) };
  }
}

function sourcesOf(paths: ConfigPaths, policyDirectory: string): Source[] {
  const files = [paths.config, paths.settings].map((file) => ({
    directory: dirname(file),
    concerns: (name: string) => name === basename(file),
  }));
  // Any name may be what a symbolic link leads to.
  return [...files, { directory: policyDirectory, concerns: () => true }];
}

function isSame(one: DaemonConfig, other: DaemonConfig): boolean {
  return one.policies === other.policies && isSameConfig(one, other);
}

/** The same but for policies. In which line something is said means nothing. */
export function isSameConfig(one: Config, other: Config): boolean {
  const meaning = ({ subnets, settings, warnings }: Config) => [subnets, settings, warnings];
  return isDeepStrictEqual(meaning(one), meaning(other));
}
