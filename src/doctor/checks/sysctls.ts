/** Settings for all links that overrule what we set on zones' links, since the kernel takes the larger value. */
import { arpFaults, spoofFaults } from '../../faults/settings.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import { type Snapshot, sysctl } from '../host-snapshot.ts';
import { settingsFacts } from '../settings-facts.ts';

const { arpAccept, routeLocalnet } = findings.sysctls;
const harmful = [
  ['net/ipv4/conf/all/arp_accept', arpAccept],
  ['net/ipv4/conf/all/route_localnet', routeLocalnet],
] as const;

export function checkGlobalSysctls(snapshot: Snapshot): Judgement[] {
  const { config, sysctls } = snapshot;
  if (sysctls.size === 0) return [];
  const facts = config === undefined ? undefined : settingsFacts(snapshot, config);
  const shared = facts === undefined ? [] : [...arpFaults(facts), ...spoofFaults(facts)];
  const others = harmful.flatMap(([name, words]) => (sysctl(snapshot, name) === '1' ? [fault(words, {})] : []));
  const judged = [...shared, ...others];
  return judged.length > 0 ? judged : [ok("no setting for all links overrules those of zones' links")];
}
