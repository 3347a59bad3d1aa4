/** `protect-network zone set` and `zone unset`: the static directory, changed with the daemon's own rules in mind. */
import { type ConfigPaths, loadConfig } from '../config/config.ts';
import { loadSettings, type Settings } from '../config/settings.ts';
import { readStaticZones, removeStaticZone, type StaticZoneContent, writeStaticZone } from '../config/static-file.ts';
import { whyNotUsable } from '../config/subnet.ts';
import type { ZoneEntry } from '../lifecycle/directory.ts';
import { type Family, familyOf, type Ipv4Address, type Ipv6Address, parseAddress } from '../model/address.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { print, printable, warn } from './terminal.ts';

export interface ZoneTexts {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly name: string | undefined;
}

/** Writes nothing unless the daemon would serve it. Throws `usage`, `refused`, `conflict`, or what a bad file throws. */
export async function setZone(paths: ConfigPaths, linkText: string, texts: ZoneTexts): Promise<ExitCode> {
  const link = requireLink(linkText);
  const ipv4 = requireAddress('ipv4', texts.ipv4) as Ipv4Address | undefined;
  const ipv6 = requireAddress('ipv6', texts.ipv6) as Ipv6Address | undefined;
  const content: StaticZoneContent = { ipv4, ipv6, name: texts.name };
  const addresses = [ipv4, ipv6].filter((address) => address !== undefined);
  if (addresses.length === 0)
    throw new ProtectNetworkError('usage', `${link} needs an address: --ipv4, --ipv6 or both`);

  const { subnets, settings } = loadConfig(paths);
  for (const address of addresses) {
    const reason = whyNotUsable(subnets, address);
    if (reason !== undefined) throw new ProtectNetworkError('refused', `nothing written: ${reason}`);
  }
  const { staticDir } = settings.zones;
  const { entries, problems } = await readStaticZones(staticDir);
  // A problem of the directory itself, such as one that others may write, means that no file in it is used.
  const unused = problems.find((problem) => problem.startsWith(`${staticDir}: `));
  if (unused !== undefined) throw new ProtectNetworkError('refused', `nothing written: ${unused}`);
  refuseDuplicates(link, addresses, entries);

  const path = writeStaticZone(staticDir, link, content);
  const before = entries.find((entry) => entry.link === link);
  await print(printable(`${link} has ${addresses.join(' and ')} (${path})${replaced(before, addresses)}\n`));
  warnIfNotRead(settings);
  return ExitCode.ok;
}

/** Succeeds also where there is nothing to remove. Needs no valid subnets: a mistake must be undoable. */
export async function unsetZone(paths: ConfigPaths, linkText: string): Promise<ExitCode> {
  const link = requireLink(linkText);
  const { settings } = loadSettings(paths.settings);
  const { staticDir } = settings.zones;
  const removed = removeStaticZone(staticDir, link);
  await print(removed ? `${link} is no longer in ${staticDir}\n` : `${link} was not in ${staticDir}\n`);
  warnIfNotRead(settings);
  return ExitCode.ok;
}

function requireLink(text: string): LinkName {
  const link = parseLinkName(text);
  if (link !== undefined) return link;
  throw new ProtectNetworkError('usage', `'${text}' is no zone's link; expected one such as vif7.0`);
}

function requireAddress(family: Family, text: string | undefined) {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address !== undefined && familyOf(address) === family) return address;
  const expected =
    family === 'ipv4' ? 'an IPv4 address such as 10.75.0.3' : 'an IPv6 address such as fdd4:1476:6c7e::3';
  throw new ProtectNetworkError('usage', `--${family} is '${text}'; expected ${expected}`);
}

function refuseDuplicates(link: LinkName, addresses: readonly string[], entries: readonly ZoneEntry[]): void {
  for (const entry of entries) {
    const taken = entry.link === link ? undefined : entry.addresses.find((address) => addresses.includes(address));
    if (taken === undefined) continue;
    throw new ProtectNetworkError('conflict', `nothing written: ${entry.link} has ${taken} already (${entry.origin})`);
  }
}

function replaced(before: ZoneEntry | undefined, addresses: readonly string[]): string {
  if (before === undefined) return '';
  const same = [...before.addresses].sort().join() === [...addresses].sort().join();
  return same ? ', as before' : `, instead of ${before.addresses.join(' and ')}`;
}

function warnIfNotRead({ zones }: Settings): void {
  if (zones.directories.includes('static')) return;
  warn('warning: the daemon does not read this directory: "static" is not among zones.directories');
}
