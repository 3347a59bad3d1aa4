/** What is wrong with the host as a whole and no change of ours can fix. */
import type { Config } from '../config/config.ts';
import type { ZoneDirectory } from '../directories/zone-directory.ts';
import { settingsFaults, sourceFaults } from '../faults/settings.ts';
import { subnetFaults } from '../faults/subnets.ts';
import type { Host } from '../host/port.ts';
import { type Family, families, familyOf } from '../model/address.ts';
import { type Fault, notice } from '../model/fault.ts';
import { filterFamilies, filterTable } from '../nft/names.ts';
import { tableKey } from '../nft/ruleset.ts';
import { bandwidthText } from '../policy/limits.ts';
import type { FailedChange } from '../routes/apply.ts';
import { fault, faults } from '../words/faults.ts';
import { say } from '../words/say.ts';
import { hostWarnings } from '../words/warnings.ts';
import type { Desired } from './desired.ts';
import type { ForeignWatch } from './foreign-watch.ts';
import { legacyFaults } from './legacy-problems.ts';
import type { Mirror } from './mirror.ts';
import { strangeLinks } from './strange-links.ts';
import type { Uplinks } from './uplinks.ts';

export interface Facts {
  readonly host: Host;
  readonly mirror: Mirror;
  readonly config: Config;
  readonly directories: readonly ZoneDirectory[];
  readonly desired: Desired | undefined;
  readonly uplinks: Uplinks;
  readonly foreign: ForeignWatch;
}

/** Everything people should know and may have to fix, in a stable order. */
export function problemsOf(facts: Facts, missing: readonly FailedChange[]): Fault[] {
  const { config, directories, desired, foreign, host, mirror, uplinks } = facts;
  return [
    ...(desired === undefined ? [] : subnetFaultsOf(config, desired, (ifindex) => mirror.links.get(ifindex)?.name)),
    ...config.warnings.map(notice),
    ...settingsFaults({ sysctl: host.sysctl, config, hasLink: (name) => mirror.linkNamed(name) !== undefined }),
    ...sourceFaults(config, (address) => !uplinks.lacks(address)),
    ...(host.sysctl.followProblem === undefined ? [] : [notice(host.sysctl.followProblem)]),
    ...dormantTables(mirror),
    ...strangeLinks(
      mirror.links.values(),
      mirror.formerly,
      directories.map((directory) => ({ name: directory.name, snapshot: directory.snapshot() })),
    ),
    ...foreign.problems(),
    ...families.flatMap((family) => {
      const subnet = config.subnets[family]?.prefix;
      return subnet === undefined ? [] : legacyFaults(family, mirror.legacyFilters[family], subnet);
    }),
    ...directories.flatMap((directory) =>
      directory.snapshot().problems.map((text) => notice(`${directory.name}: ${text}`)),
    ),
    ...[...(desired?.problems.values() ?? [])].flat().map(notice),
    ...(desired?.unpublished ?? []).map(({ publication: { text, place }, link, holder }) =>
      notice(say(hostWarnings.publishedBySeveral, { text, file: place.file, n: place.line, link, link2: holder })),
    ),
    ...unshaped(mirror, desired),
    ...missing.map(({ change, error: { message: reason } }) =>
      'prefix' in change
        ? fault(faults.blockRoute, { subnet: change.prefix.text, reason })
        : fault(faults.gatewayRoute, { reason }),
    ),
  ];
}

/** `nameOf`: a link's name by its ifindex. */
export function subnetFaultsOf(
  config: Config,
  { unserved, addresses }: Pick<Desired, 'unserved' | 'addresses'>,
  nameOf: (ifindex: number) => string | undefined,
): Fault[] {
  if (unserved.size === 0) return [];
  const refused = [...unserved].map(([ifindex, refusal]) => ({
    link: nameOf(ifindex) ?? `if${ifindex}`,
    addresses: refusal.addresses,
  }));
  return subnetFaults(config, refused, servedFamilies(addresses));
}

/** Zones that receive more than their policies let them. */
function unshaped({ shapers: { all } }: Mirror, desired: Desired | undefined): Fault[] {
  if (all.size === 0) return [];
  return [...(desired?.zones.values() ?? [])].flatMap(({ ifindex, link, access }) => {
    const [shaper, receive] = [all.get(ifindex), access?.receive];
    if (receive === undefined || shaper === undefined || shaper.kind === 'ours') return [];
    const text = bandwidthText(receive);
    return shaper.kind === 'refused'
      ? [fault(faults.unshaped, { link, text, reason: shaper.reason })]
      : [fault(faults.shapedByOthers, { link, text, qdisc: shaper.qdisc })];
  });
}

function servedFamilies(addresses: Iterable<Parameters<typeof familyOf>[0]>): Set<Family> {
  const served = new Set<Family>();
  for (const address of addresses) if (served.add(familyOf(address)).size === families.length) break;
  return served;
}

function dormantTables(mirror: Mirror): Fault[] {
  return families.flatMap((family) => {
    const table = tableKey(filterFamilies[family], filterTable);
    if (mirror.rules.current.get(table)?.isDormant !== true) return [];
    return [fault(faults.dormantTable, { table })];
  });
}
