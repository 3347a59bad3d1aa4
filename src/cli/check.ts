/** `protect-network check`: what would hold if the daemon read its files now. */
import type { ConfigPaths } from '../config/config.ts';
import type { Subnet } from '../config/subnet.ts';
import { linkNames } from '../host/link-names.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { type DaemonConfig, loadDaemonConfig } from '../policy/daemon-config.ts';
import { faults } from '../words/faults.ts';
import { say } from '../words/say.ts';
import { policyNotes } from './policy-notes.ts';
import { differingSettings } from './settings-text.ts';
import { readJudgedZones, type StaticZones } from './static-zones.ts';
import { print, printable, warn } from './terminal.ts';
import { plural } from './units.ts';

/** Throws what is wrong with either settings file, or else with any policy. Static zones that do not count are reported all at once. */
export async function checkConfiguration(paths: ConfigPaths): Promise<ExitCode> {
  const config = await loadDaemonConfig(paths);
  const zones = await readJudgedZones(config.settings.zones.staticDir, config.subnets);
  await print(printable(`${summary(paths, config, zones).join('\n')}\n`));
  for (const warning of warningsOf(config, zones)) warn(`warning: ${warning}`);
  const wrong = wrongZones(zones);
  if (wrong.length > 0 && isAsked(config)) throw new ProtectNetworkError('config-invalid', wrong.join('\n'));
  return ExitCode.ok;
}

function summary(paths: ConfigPaths, config: DaemonConfig, { entries, refused }: StaticZones): string[] {
  const { subnets, settings } = config;
  const { directories, controlApi, xenstore, staticDir } = settings.zones;
  const places = {
    'control-api': controlApi,
    xenstore: xenstore ?? 'the first of the usual paths that exists',
    static: `${staticDir}, ${plural(entries.length - refused.size, 'usable zone')}`,
  };
  const differing = differingSettings(settings);
  return [
    `Edera's settings  ${paths.config}`,
    `Our settings      ${paths.settings}`,
    `Policies          ${settings.policy.dir}, ${policiesText(config)}`,
    `IPv4              ${subnetText(subnets.ipv4)}`,
    `IPv6              ${subnetText(subnets.ipv6)}`,
    'Zone directories, in order of precedence:',
    ...directories.map((name, place) => `  ${place + 1}. ${name}: ${places[name]}`),
    differing.length === 0 ? 'All settings have their default.' : 'Settings that differ from their default:',
    ...differing.map((line) => `  ${line}`),
  ];
}

function policiesText({ policies, files }: DaemonConfig): string {
  if (policies.length === 0) return 'none';
  return `${plural(policies.length, 'policy', 'policies')} in ${plural(files.size, 'file')}`;
}

function subnetText(subnet: Subnet | undefined): string {
  if (subnet === undefined) return 'switched off';
  return `${subnet.prefix.text}, gateway ${subnet.gateway}, host ${subnet.host}`;
}

function warningsOf(config: DaemonConfig, zones: StaticZones): string[] {
  const { staticDir } = config.settings.zones;
  const isRead = isAsked(config) || zones.entries.length + zones.problems.length === 0;
  const names = linkNames();
  return [
    ...config.warnings,
    ...config.settings.uplink.interfaces
      .filter((name) => !names.has(name))
      .map((name) => say(faults.missingUplink.what, { name })),
    ...policyNotes(config, zones),
    ...(isRead ? [] : [`${staticDir} is not read: "static" is not among zones.directories`]),
  ];
}

function wrongZones({ entries, problems, refused }: StaticZones): string[] {
  const judged = entries.flatMap(({ link, origin }) => {
    const reason = refused.get(link);
    return reason === undefined ? [] : [`${origin}: ${reason}`];
  });
  return [...problems, ...judged];
}

function isAsked({ settings }: DaemonConfig): boolean {
  return settings.zones.directories.includes('static');
}
