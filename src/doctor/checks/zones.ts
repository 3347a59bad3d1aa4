/** The zone directories, and what they say about each zone. */
import type { DirectoryState } from '../../lifecycle/directory.ts';
import { bad, type Judgement, ok, warning } from '../finding.ts';
import type { DirectoryFacts, Snapshot, ZoneFacts } from '../snapshot.ts';
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
        bad(`${directory.name}: ${problem}`, 'the zone it is about gets nothing from it', 'correct the entry it names'),
      ),
  ]);
  if (zones.directories.some(({ state }) => state !== 'absent')) return judged;
  const why = 'nobody on this host says which address belongs to which zone: no zone gets a network';
  const fix = `start protect-daemon or xenstored, or name one in zones.directories of ${paths.settings}; protect-network zone set makes a file for a link`;
  return [...judged, bad('none of the zone directories is on this host', why, fix)];
}

const unwell: Partial<Record<DirectoryState, string>> = {
  down: 'what it said last stays in force; zones born since get nothing',
  waiting: 'until it has answered, zones that only it knows get nothing, and nothing old is taken away',
};

function judgeState({ name, state, detail }: DirectoryFacts): Judgement {
  const why = unwell[state];
  if (why === undefined) return ok(`zone directory ${name} ${state}: ${detail}`);
  const services = { 'control-api': 'protect-daemon', xenstore: 'xenstored', static: undefined };
  const service = services[name];
  const fix = service === undefined ? 'mend what it says' : `systemctl status ${service}; journalctl -u ${service} -e`;
  return bad(`zone directory ${name} does not answer: ${detail}`, why, fix);
}

export function checkZones({ zones }: Snapshot): Judgement[] {
  return (zones?.zones ?? []).map(judgeZone);
}

function judgeZone({ link, name, addresses, directory, origin, state, reason }: ZoneFacts): Judgement {
  const title = name === undefined ? link : `${link} (${name})`;
  if (state === 'unserved') {
    const why = 'it gets no route and no rule, and none of its packets passes';
    const fix = `protect-network zone set ${link} --ipv4 ADDRESS, if it is to be wired by us`;
    return warning(`${title} is not served: ${reason ?? 'no usable address'}`, why, fix);
  }
  if (state === 'failed') {
    return bad(
      `${title} could not be opened: ${reason ?? 'see the log'}`,
      'the zone has no network',
      `protect-network logs --zone ${link}`,
    );
  }
  const whence =
    directory === undefined ? (origin ?? 'nowhere') : `${directory}${origin === undefined ? '' : `, ${origin}`}`;
  return ok(`${title} ${state === 'asked' ? 'is to have' : `${state}:`} ${addresses.join(' ')} (${whence})`);
}
