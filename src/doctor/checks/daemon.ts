/** The daemon itself, and what it says about this host. */
import type { Fault } from '../../model/fault.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import { type DaemonFacts, type Snapshot, zoneLinks } from '../host-snapshot.ts';

export function checkDaemon(snapshot: Snapshot): Judgement[] {
  const { daemon } = snapshot;
  if (daemon.kind === 'answers') return judgeStatus(daemon);
  if (daemon.kind === 'unknown') return [];
  if (daemon.kind === 'silent') {
    return [fault(findings.daemon.unanswered, { reason: daemon.why })];
  }
  const isNeeded = zoneLinks(snapshot).length > 0;
  const why = isNeeded
    ? 'there are zone links on this host: new zones get no network, and nothing is repaired'
    : 'zones that are started now get no network';
  const level = isNeeded ? 'bad' : 'warning';
  return [fault(findings.daemon.notRunning, {}, level, why, 'systemctl enable --now protect-network')];
}

function judgeStatus({ status, ownVersion }: Extract<DaemonFacts, { kind: 'answers' }>): Judgement[] {
  const { state, pid, version, failures, zones } = status;
  const links = new Set(zones.map(({ link }) => link));
  // A zone's failure is reported with the zone.
  const own = failures.filter(({ what }) => !links.has(what));
  const failing = own.map(({ what, reason, attempts }) => `${what}: ${reason} (attempt ${attempts})`).join('; ');
  return [
    own.length === 0
      ? ok(`the daemon runs (version ${version}, process ${pid}, ${state})`)
      : fault(findings.daemon.failing, { state, failures: failing }),
    ...(version === ownVersion ? [] : [fault(findings.daemon.otherVersion, { version, version2: ownVersion })]),
  ];
}

/** What the daemon, or a look in its place, finds wrong, and no check of ours is about. */
export function checkReported({ zones, foreign }: Snapshot): Judgement[] {
  const directories = (zones?.directories ?? []).map(({ name }) => `${name}: `);
  const isOurs = ({ what, isOfFirewalls = false }: Fault) =>
    // Entries of directories have a check of their own, and so have firewalls, which sees at once what has been fixed.
    !directories.some((name) => what.startsWith(name)) && !(isOfFirewalls && foreign !== undefined);
  return (zones?.faults ?? []).filter(isOurs);
}
