/** All checks over one snapshot of the host. Pure. */

import { fault } from '../words/faults.ts';
import { findings } from '../words/findings.ts';
import { checkDaemon, checkReported } from './checks/daemon.ts';
import { checkConfiguration, checkFiles } from './checks/files.ts';
import { checkFleet } from './checks/fleet.ts';
import { checkForeignFirewalls, checkLegacyTables } from './checks/foreign.ts';
import { checkForwardChains } from './checks/forward-chain.ts';
import { checkForwarding, checkUplinks } from './checks/forwarding.ts';
import { checkKernel } from './checks/kernel.ts';
import { checkMtu } from './checks/links.ts';
import { checkManagers } from './checks/managers.ts';
import { checkMarks } from './checks/marks.ts';
import { checkSubnets } from './checks/subnets.ts';
import { checkGlobalSysctls } from './checks/sysctls.ts';
import { checkTables } from './checks/tables.ts';
import { checkTools, checkUser } from './checks/tools.ts';
import { checkDirectories, checkZones } from './checks/zones.ts';
import type { Finding, Judgement } from './finding.ts';
import type { Snapshot } from './host-snapshot.ts';

/** By name, in the order in which one cause shadows the next; what two of them say is told once. */
const checks: Readonly<Record<keyof typeof findings, (snapshot: Snapshot) => Judgement[]>> = {
  user: checkUser,
  tools: checkTools,
  kernel: checkKernel,
  configuration: checkConfiguration,
  files: checkFiles,
  daemon: checkDaemon,
  directories: checkDirectories,
  zones: checkZones,
  forwarding: checkForwarding,
  uplinks: checkUplinks,
  subnets: checkSubnets,
  fleet: checkFleet,
  mtu: checkMtu,
  'forward-chains': checkForwardChains,
  'foreign-firewalls': checkForeignFirewalls,
  'legacy-tables': checkLegacyTables,
  marks: checkMarks,
  sysctls: checkGlobalSysctls,
  tables: checkTables,
  'network-managers': checkManagers,
  unread: checkUnread,
  reported: checkReported,
};

export function diagnose(snapshot: Snapshot): Finding[] {
  const told = new Set<string>();
  return Object.entries(checks).flatMap(([check, judge]) =>
    judge(snapshot)
      .filter(({ what }) => told.size < told.add(what).size)
      .map((each) => ({ check, ...each })),
  );
}

/** Scripts see it by the exit code. */
export function mustBeMended(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'bad');
}

function checkUnread({ unread }: Snapshot): Judgement[] {
  return unread.map(({ what, why }) => fault(findings.unread.unread, { what, reason: why }));
}
