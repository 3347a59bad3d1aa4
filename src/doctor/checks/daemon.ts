/** The daemon itself, and what it says about this host. */
import type { Fault } from '../../model/fault.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import { type DaemonFacts, type Snapshot, zoneLinks } from '../host-snapshot.ts';

export function checkDaemon(snapshot: Snapshot): Judgement[] {
  const { daemon } = snapshot;
  if (daemon.kind === 'answers') return judgeStatus(daemon);
  if (daemon.kind === 'unknown') return [];
  if (daemon.kind === 'silent') {
    return [
      bad(
        `the daemon cannot be queried: ${daemon.why}`,
        'whether zones are being repaired is unknown',
        'systemctl restart protect-network',
      ),
    ];
  }
  const isNeeded = zoneLinks(snapshot).length > 0;
  const why = isNeeded
    ? 'there are zone links on this host: new zones get no network, and nothing is repaired'
    : 'zones that are started now get no network';
  return [(isNeeded ? bad : warning)('the daemon is not running', why, 'systemctl enable --now protect-network')];
}

function judgeStatus({ status, ownVersion }: Extract<DaemonFacts, { kind: 'answers' }>): Judgement[] {
  const { state, pid, version, failures, zones } = status;
  const links = new Set(zones.map(({ link }) => link));
  // A zone's failure is reported with the zone.
  const own = failures.filter(({ what }) => !links.has(what));
  return [
    own.length === 0
      ? ok(`the daemon runs (version ${version}, process ${pid}, ${state})`)
      : bad(
          `the daemon is ${state}: ${own.map(({ what, reason, attempts }) => `${what}: ${reason} (attempt ${attempts})`).join('; ')}`,
          'until it succeeds, zones may have no network, or only part of it',
          'protect-network logs -n 50',
        ),
    ...(version === ownVersion
      ? []
      : [
          warning(
            `the daemon is version ${version}, and this command is ${ownVersion}`,
            'an upgrade takes effect when the daemon is restarted; traffic is not interrupted',
            'systemctl restart protect-network',
          ),
        ]),
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
