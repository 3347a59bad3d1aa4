/** `protect-network zone set` and `zone unset`: the static directory, changed with the daemon's own rules in mind. */
import { type Config, type ConfigPaths, loadConfig } from '../config/config.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { type Subnet, type Subnets, whyNotUsable } from '../config/subnet.ts';
import { readStaticZones, removeStaticZone, writeStaticZone } from '../directories/static/edit.ts';
import { maxAddresses, zoneNameSchema } from '../directories/static/zone-file.ts';
import type { ZoneEntry } from '../directories/zone-entry.ts';
import { linkNames } from '../host/link-names.ts';
import { withNameLock } from '../host/name-lock.ts';
import { type Address, type Family, families, familyNames, familyOf, parseAddress } from '../model/address.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { lowestFree, whatIsTaken } from './free-address.ts';
import { print, printable } from './terminal.ts';
import { noteMissingLink, refuseGuestsLink, refuseLinkAsName, warnOfNoEffect } from './zone-notes.ts';

export interface ZoneTexts {
  readonly ipv4: readonly string[] | undefined;
  readonly ipv6: readonly string[] | undefined;
  readonly name: string | undefined;
}

/** Fields that are not given keep what the link's file says. */
const removed = 'none';
const automatic = 'auto';
/** Reading the directories takes a second at most; whoever holds it for longer hangs. */
const lockMs = 15_000;

/**
 * Writes nothing unless the daemon would serve it. Throws `usage`, `refused`, `conflict`, or what a bad file throws.
 * A file that cannot be used has nothing to keep.
 */
export async function setZone(paths: ConfigPaths, linkOrName: string, texts: ZoneTexts): Promise<ExitCode> {
  // Two at once would choose the same address.
  return withNameLock('protect-network-zone-set', lockMs, () => setLocked(paths, linkOrName, texts));
}

async function setLocked(paths: ConfigPaths, linkOrName: string, texts: ZoneTexts): Promise<ExitCode> {
  const given = { ipv4: requireAddresses('ipv4', texts.ipv4), ipv6: requireAddresses('ipv6', texts.ipv6) };
  // What a person typed is judged before any file is.
  const early = parseLinkName(linkOrName);
  if (early === undefined) requireName(linkOrName);
  refuseLinkAsName(texts.name);
  if (Object.values(texts).every((text) => text === undefined)) {
    throw new ProtectNetworkError('usage', `nothing to set for ${linkOrName}: --ipv4, --ipv6 or --name`);
  }
  const config = loadConfig(paths);
  const { subnets, settings } = config;
  refuseUnusable(
    subnets,
    families.flatMap((family) => listed(given[family]) ?? []),
  );
  const { staticDir } = settings.zones;
  const { entries, problems } = await readStaticZones(staticDir);
  // A problem of the directory itself, such as one that others may write, means that no file in it is used.
  const unused = problems.find((problem) => problem.startsWith(`${staticDir}: `));
  if (unused !== undefined) throw new ProtectNetworkError('refused', `nothing written: ${unused}`);
  const link = early ?? (await linkToSet(linkOrName, entries, settings));
  const before = entries.find((entry) => entry.link === link);
  const content = merged(before, await chosen(config, link, given, entries), texts);
  const addresses = [...content.ipv4, ...content.ipv6];
  if (addresses.length === 0) {
    throw new ProtectNetworkError('usage', `${link} needs an address: --ipv4, --ipv6 or both`);
  }
  // Those that are kept, too: the subnet or this host's part of it may be another by now. One of a family that is off harms nobody.
  refuseUnusable(
    subnets,
    addresses.filter((address) => subnets[familyOf(address)] !== undefined),
  );
  refuseDuplicates(link, addresses, entries);

  const path = writeStaticZone(staticDir, link, content);
  const now = describe(addresses, content.name);
  const was = before === undefined ? undefined : describe(before.addresses, before.name);
  const change = was === undefined ? '' : was === now ? ', as before' : `, instead of ${was}`;
  await print(printable(`${link} has ${now} (${path})${change}\n`));
  await noteMissingLink(link, settings);
  await warnOfNoEffect(settings);
  return ExitCode.ok;
}

/** Succeeds also where there is nothing to remove. Needs no valid subnets: a mistake must be undoable. */
export async function unsetZone(paths: ConfigPaths, linkOrName: string): Promise<ExitCode> {
  const early = parseLinkName(linkOrName);
  if (early === undefined) requireName(linkOrName);
  const { settings } = loadSettings(paths.settings);
  const { staticDir } = settings.zones;
  const link = early ?? linkNamed(linkOrName, (await readStaticZones(staticDir)).entries, staticDir);
  const wasThere = removeStaticZone(staticDir, link);
  await print(wasThere ? `${link} is no longer in ${staticDir}\n` : `${link} was not in ${staticDir}\n`);
  await warnOfNoEffect(settings);
  return ExitCode.ok;
}

function merged(
  before: ZoneEntry | undefined,
  given: Readonly<Record<Family, readonly Address[] | undefined>>,
  texts: ZoneTexts,
) {
  const keep = (family: Family) => before?.addresses.filter((address) => familyOf(address) === family) ?? [];
  const pick = (family: Family) => given[family] ?? keep(family);
  const name = texts.name ?? before?.name;
  return {
    ipv4: pick('ipv4'),
    ipv6: pick('ipv6'),
    name: name === removed ? undefined : name,
  };
}

function describe(addresses: readonly Address[], name: string | undefined): string {
  return `${addresses.join(' and ')}${name === undefined ? '' : ` and the name ${JSON.stringify(name)}`}`;
}

/** A name that no zone can have is a slip in the link's name rather, unless there is such a link. */
function requireName(text: string): void {
  if (zoneNameSchema.safeParse(text).success && (!text.startsWith('vif') || linkNames().has(text))) return;
  throw new ProtectNetworkError('usage', `'${text}' is not a zone link such as vif7.0, nor the name of a zone`);
}

async function linkToSet(name: string, entries: readonly ZoneEntry[], settings: Settings): Promise<LinkName> {
  if (entries.every((entry) => entry.name !== name)) await refuseGuestsLink(name, settings);
  return linkNamed(name, entries, settings.zones.staticDir);
}

function linkNamed(name: string, entries: readonly ZoneEntry[], staticDir: string): LinkName {
  const [found, second] = entries.filter((entry) => entry.name === name);
  if (found === undefined) throw new ProtectNetworkError('refused', `no zone in ${staticDir} is named ${name}`);
  if (second === undefined) return found.link;
  throw new ProtectNetworkError('conflict', `${found.link} and ${second.link} are both named ${name}; give the link`);
}

type Given = readonly Address[] | typeof automatic | undefined;

function listed(given: Given): readonly Address[] | undefined {
  return given === automatic ? undefined : given;
}

/** With addresses for `auto`. A link that has a usable one of the family keeps it, so that the same command changes nothing again. */
async function chosen(
  config: Config,
  link: LinkName,
  given: Readonly<Record<Family, Given>>,
  entries: readonly ZoneEntry[],
): Promise<Record<Family, readonly Address[] | undefined>> {
  const had = entries.find((entry) => entry.link === link)?.addresses ?? [];
  const isKept = (family: Family) => {
    const own = had.filter((address) => familyOf(address) === family);
    const others = new Set(entries.flatMap((entry) => (entry.link === link ? [] : entry.addresses)));
    const isUsable = (address: Address) => !others.has(address) && whyNotUsable(config.subnets, address) === undefined;
    return own.length > 0 && own.every(isUsable);
  };
  const wanted = families.filter((family) => given[family] === automatic && !isKept(family));
  const found: Record<Family, readonly Address[] | undefined> = { ipv4: listed(given.ipv4), ipv6: listed(given.ipv6) };
  if (wanted.length === 0) return found;
  const taken = await whatIsTaken(config, entries);
  for (const family of wanted) {
    const subnet = config.subnets[family];
    if (subnet === undefined)
      throw new ProtectNetworkError('refused', `nothing written: zones have no ${familyNames[family]} on this host`);
    const address = lowestFree(subnet, taken);
    if (address === undefined)
      throw new ProtectNetworkError('refused', `nothing written: ${describeBlocks(subnet)} has no free address`);
    found[family] = [address];
  }
  return found;
}

/** Empty for the value `none`. */
function requireAddresses(family: Family, texts: readonly string[] | undefined): Given {
  if (texts?.length === 1 && texts[0] === automatic) return automatic;
  if (texts === undefined || (texts.length === 1 && texts[0] === removed)) return texts && [];
  if (texts.length > maxAddresses)
    throw new ProtectNetworkError('usage', `--${family} is given more than ${maxAddresses} times`);
  const addresses = texts.map((text) => requireAddress(family, text));
  const repeated = addresses.find((address, place) => addresses.indexOf(address) !== place);
  if (repeated !== undefined) throw new ProtectNetworkError('usage', `--${family} ${repeated} is given more than once`);
  return addresses;
}

function requireAddress(family: Family, text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined && familyOf(address) === family) return address;
  const expected =
    family === 'ipv4' ? 'an IPv4 address such as 10.75.0.3' : 'an IPv6 address such as fdd4:1476:6c7e::3';
  throw new ProtectNetworkError('usage', `--${family} is '${text}'; expected ${expected}`);
}

function describeBlocks({ prefix, blocks = [prefix] }: Subnet): string {
  return blocks.map(({ text }) => text).join(', ');
}

function refuseUnusable(subnets: Subnets, addresses: readonly Address[]): void {
  for (const address of addresses) {
    const reason = whyNotUsable(subnets, address);
    if (reason !== undefined) throw new ProtectNetworkError('refused', `nothing written: ${reason}`);
  }
}

function refuseDuplicates(link: LinkName, addresses: readonly string[], entries: readonly ZoneEntry[]): void {
  for (const entry of entries) {
    const taken = entry.link === link ? undefined : entry.addresses.find((address) => addresses.includes(address));
    if (taken === undefined) continue;
    throw new ProtectNetworkError('conflict', `nothing written: ${entry.link} has ${taken} already (${entry.origin})`);
  }
}
