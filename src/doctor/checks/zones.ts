/** The zone directories, and what they say about each zone. */
import type { DirectoryState } from '../../directories/zone-directory.ts';
import { howToFree, takenIn, whoTakes, whyTaken } from '../../lifecycle/taken.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import type { DirectoryFacts, Snapshot, ZoneFacts } from '../host-snapshot.ts';
import { distrustOf } from './files.ts';

export function checkDirectories(snapshot: Snapshot): Judgement[] {
  const { zones, files, paths } = snapshot;
  if (zones === undefined) return [];
  // Said once, where permissions are.
  const told = files.filter((file) => distrustOf(file) !== undefined).map(({ path }) => path);
  const judged = zones.directories.flatMap((directory) => [
    judgeState(directory),
    ...directory.problems
      .filter((problem) => !told.some((path) => problem.startsWith(`${path}:`)))
      .map((problem) =>
        bad(`${directory.name}: ${problem}`, 'the zone gets no address from this entry', 'correct the entry it names'),
      ),
  ]);
  if (zones.directories.some(({ state }) => state !== 'absent')) return judged;
  const why = 'nothing on this host assigns addresses to zones: no zone gets a network';
  const fix = `start protect-daemon or xenstored, or name one in zones.directories of ${paths.settings}; protect-network zone set makes a file for a link`;
  return [...judged, bad('no zone directory exists on this host', why, fix)];
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
  return bad(`zone directory ${name} does not answer: ${detail}`, why, fix);
}

export function checkZones({ zones, links }: Snapshot): Judgement[] {
  return (zones?.zones ?? []).map((zone) => judgeTaken(zone, links) ?? judgeZone(zone));
}

/** A guest that no directory gives an address is in a bridge because somebody wants it there. */
function judgeTaken({ link, addresses, state, reason }: ZoneFacts, links: Snapshot['links']): Judgement | undefined {
  const taken = addresses.length === 0 ? undefined : takenIn(links, link);
  const harm = 'the zone has no network via this host';
  if (taken === undefined) {
    return state === 'taken' ? bad(reason ?? `${link} is taken`, harm, `ip -details link show ${link}`) : undefined;
  }
  return bad(whyTaken(link, taken), [harm, ...whoTakes(taken)].join('. '), howToFree(link, taken));
}

function judgeZone({ link, name, addresses, directory, origin, state, reason }: ZoneFacts): Judgement {
  const title = name === undefined ? link : `${link} (${name})`;
  if (state === 'unserved') {
    const why = 'it gets no route and no rule, and none of its packets passes';
    const fix = `protect-network zone set ${link} --ipv4 ADDRESS, if this daemon is to serve it`;
    return warning(`${title} has no network: ${reason ?? 'no usable address'}`, why, fix);
  }
  if (state === 'failed') {
    return bad(
      `${title} could not be set up: ${reason ?? 'see the log'}`,
      'the zone has no network',
      `protect-network logs --zone ${link}`,
    );
  }
  const whence =
    directory === undefined ? (origin ?? 'nowhere') : `${directory}${origin === undefined ? '' : `, ${origin}`}`;
  return ok(`${title} ${state === 'asked' ? 'should have' : `${state}:`} ${addresses.join(' ')} (${whence})`);
}
