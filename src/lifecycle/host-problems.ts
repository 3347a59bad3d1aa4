/** What is wrong with the host as a whole and no change of ours can fix, one sentence each. */
import type { Config } from '../config/config.ts';
import { missingUplinks } from '../config/uplink-names.ts';
import type { ZoneDirectory } from '../directories/zone-directory.ts';
import type { Host } from '../host/port.ts';
import { families } from '../model/address.ts';
import { filterFamilies, filterTable } from '../nft/names.ts';
import { tableKey } from '../nft/ruleset.ts';
import { hasIpv6 } from '../routes/forwarding.ts';
import type { Desired } from './desired.ts';
import type { ForeignWatch } from './foreign-watch.ts';
import { legacyProblems } from './legacy-problems.ts';
import type { Mirror } from './mirror.ts';
import { strangeLinks } from './strange-links.ts';

export interface Facts {
  readonly host: Host;
  readonly mirror: Mirror;
  readonly config: Config;
  readonly directories: readonly ZoneDirectory[];
  readonly desired: Desired | undefined;
  readonly foreign: ForeignWatch;
}

/** Everything people should know and may have to fix, in a stable order. */
export function problemsOf(facts: Facts, missingGateways: readonly Error[]): string[] {
  const { config, directories, desired, foreign } = facts;
  return [
    ...config.warnings,
    ...hostProblems(facts),
    ...foreign.problems(),
    ...families.flatMap((family) => {
      const subnet = config.subnets[family]?.prefix;
      return subnet === undefined ? [] : legacyProblems(family, facts.mirror.legacyFilters[family], subnet);
    }),
    ...directories.flatMap((directory) => directory.snapshot().problems.map((text) => `${directory.name}: ${text}`)),
    ...[...(desired?.problems.values() ?? [])].flat(),
    ...missingGateways.map((error) => `the host may not answer for the zones' gateway (is lo up?): ${error.message}`),
  ];
}

function hostProblems({ host: { sysctl }, mirror, config }: Facts): string[] {
  const problems: string[] = [];
  const { isolation, uplink } = config.settings;
  const everywhere = sysctl.read({ family: 'ipv4', group: 'conf', link: 'all', key: 'rp_filter' });
  if (isolation.antiSpoof && everywhere === '2') {
    problems.push(
      'net/ipv4/conf/all/rp_filter is 2 (loose), and the kernel uses the larger value: on zone links only the guard in ' +
        'inet edera blocks spoofed IPv4 sources; set it to 0 or 1 to have both',
    );
  }
  const ignored = sysctl.read({ family: 'ipv4', group: 'conf', link: 'all', key: 'arp_ignore' }) ?? '0';
  if (config.subnets.ipv4 !== undefined && ignored !== '0') {
    problems.push(
      `net/ipv4/conf/all/arp_ignore is ${ignored}: zones get no answer when they ask for their gateway, and have no IPv4; set it to 0, ` +
        'or on the interface that needs it only',
    );
  }
  if (config.subnets.ipv6 !== undefined && !hasIpv6(sysctl)) {
    problems.push('IPv6 is switched off on this host: zones get their IPv4 addresses only');
  }
  if (sysctl.followProblem !== undefined) problems.push(sysctl.followProblem);
  for (const family of families) {
    const table = tableKey(filterFamilies[family], filterTable);
    if (mirror.ruleset.get(table)?.isDormant !== true) continue;
    problems.push(
      `table ${table} is dormant: the kernel ignores all of it, including your rules for zones and what the settings deny; activate it with: nft add table ${table}`,
    );
  }
  problems.push(...strangeLinks(mirror.links.values(), mirror.formerly));
  return [...problems, ...missingUplinks(uplink.interfaces, (name) => mirror.linkNamed(name) !== undefined)];
}
