/** The zone directories, and what they say about each zone. */
import type { FailureStatus } from '../../control/status.ts';
import { type NoNetwork, namesIn, withoutNetwork } from '../../control/verdict.ts';
import type { DirectoryState } from '../../directories/zone-directory.ts';
import { howToFree, takenIn, whoTakes, whyTaken } from '../../lifecycle/taken.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import type { DirectoryFacts, Snapshot, ZoneFacts } from '../host-snapshot.ts';
import { distrustOf } from './files.ts';

export function checkDirectories(snapshot: Snapshot): Judgement[] {
  const { zones, files, paths } = snapshot;
  if (zones === undefined) return [];
  // Said once, where permissions are.
  const reasons = zones.zones.map(({ reason }) => reason ?? '');
  const told = files.filter((file) => distrustOf(file) !== undefined).map(({ path }) => path);
  const judged = zones.directories.flatMap((directory) => [
    judgeState(directory),
    ...directory.problems
      .filter((problem) => !told.some((path) => problem.startsWith(`${path}:`)))
      .filter((problem) => !reasons.some((reason) => reason.includes(problem)))
      .map((problem) => fault(findings.directories.badEntry, { directory: directory.name, problem })),
  ]);
  if (zones.directories.some(({ state }) => state !== 'absent')) return judged;
  const why = 'nothing on this host assigns addresses to zones: no zone gets a network';
  const fix = `start protect-daemon or xenstored, or name one in zones.directories of ${paths.settings}; protect-network zone set makes a file for a link`;
  return [...judged, fault(findings.directories.none, {}, why, fix)];
}

const unwell: Partial<Record<DirectoryState, string>> = {
  down: 'its last answer stays in force; new zones get no network',
  waiting: 'until it answers, zones that only it knows get no network, and nothing in place is removed',
};

function judgeState({ name, state, detail }: DirectoryFacts): Judgement {
  const why = unwell[state];
  if (why === undefined) return ok(`zone directory ${name} ${state}: ${detail}`);
  const services = { 'control-api': 'protect-daemon', xenstore: 'xenstored', static: undefined };
  const service = services[name];
  const fix =
    service === undefined ? 'fix what it reports' : `systemctl status ${service}; journalctl -u ${service} -e`;
  return fault(findings.directories.silent, { directory: name, reason: detail }, why, fix);
}

/** Those without network by their reasons, and then each that has one. */
export function checkZones({ zones, links, daemon }: Snapshot): Judgement[] {
  if (zones === undefined) return [];
  const failures = daemon.kind === 'answers' ? daemon.status.failures : [];
  const taken = zones.zones.flatMap((zone) => judgeTaken(zone, links) ?? []);
  const seen = zones.zones.filter((zone) => judgeTaken(zone, links) === undefined);
  const lacking = withoutNetwork({ zones: seen, faults: zones.faults, failures: [] });
  return [
    ...taken,
    ...lacking.map(judgeGroup),
    ...seen.filter(({ state }) => state === 'failed').map((zone) => judgeFailed(zone, failures)),
    ...seen.filter(({ state }) => state === 'ready' || state === 'opening' || state === 'asked').map(served),
  ];
}

/** A guest that no directory gives an address is in a bridge because somebody wants it there. */
function judgeTaken({ link, addresses }: ZoneFacts, links: Snapshot['links']): Judgement | undefined {
  const taken = addresses.length === 0 ? undefined : takenIn(links, link);
  if (taken === undefined) return undefined;
  const why = [harm, ...whoTakes(taken)].join('. ');
  return fault(findings.zones.refused, { reason: whyTaken(link, taken) }, why, howToFree(link, taken));
}

const harm = 'the zone has no network via this host';

function judgeGroup(group: NoNetwork): Judgement {
  const { links, reason, fix, isWanted } = group;
  const [first = ''] = links;
  if (isWanted && reason.startsWith(`${first} `)) return fault(findings.zones.refused, { reason }, harm, fix);
  const left = 'no route, no rule, and none of its packets passes; protect-network zone set gives a link an address';
  const open = [isWanted ? 'bad' : 'warning', isWanted ? harm : left, fix] as const;
  const names = namesIn(group);
  if (links.length === 1) return fault(findings.zones.noNetwork, { link: names, reason }, ...open);
  return fault(findings.zones.noNetworks, { links: names, reason }, ...open);
}

function judgeFailed({ link, name, reason }: ZoneFacts, failures: readonly FailureStatus[]): Judgement {
  const attempts = failures.find(({ what }) => what === link)?.attempts;
  const tried = attempts === undefined ? '' : ` (attempt ${attempts})`;
  const gaps = { link: titleOf({ link, name }), reason: `${reason ?? 'see the log'}${tried}`, link2: link };
  return fault(findings.zones.failed, gaps);
}

function served({ link, name, addresses, directory, origin, state, carrier }: ZoneFacts): Judgement {
  const whence = [directory, origin].filter((each) => each !== undefined).join(', ') || 'nowhere';
  const has = state === 'asked' ? 'should have' : `${state}${carrier === false ? ', no carrier' : ''}:`;
  return ok(`${titleOf({ link, name })} ${has} ${addresses.join(' ')} (${whence})`);
}

function titleOf({ link, name }: Pick<ZoneFacts, 'link' | 'name'>): string {
  return name === undefined ? link : `${link} (${name})`;
}
