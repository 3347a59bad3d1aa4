/** Whether a routing daemon tells the other hosts of a fleet of this one's zones, and of nothing else. */
import { routingDaemonIn } from '../../host/routing-daemon.ts';
import type { BirdView } from '../../host/survey-port.ts';
import { contains, hostPrefix } from '../../model/address.ts';
import { fault } from '../../words/faults.ts';
import { findings } from '../../words/findings.ts';
import { type Judgement, ok } from '../finding.ts';
import { type Snapshot, sysctl } from '../host-snapshot.ts';

const words = findings.fleet;

export function checkFleet(snapshot: Snapshot): Judgement[] {
  const fleet = snapshot.config?.settings.fleet;
  if (fleet === undefined || fleet.block.length === 0) return [];
  const judged = [...judgeUplinks(snapshot, fleet.uplinks), ...judgeRouter(snapshot)];
  return judged.length > 0 ? judged : [ok('zones are announced to the other hosts of the fleet, and nothing else is')];
}

function judgeUplinks(snapshot: Snapshot, uplinks: readonly string[]): Judgement[] {
  const { links, paths } = snapshot;
  const missing = uplinks.filter((name) => links.length > 0 && links.every((link) => link.name !== name));
  const strict = uplinks.length < 2 ? [] : uplinks.filter((name) => reversePathOf(snapshot, name) === 1);
  return [
    ...missing.map((name) => fault(words.noUplink, { name, file: paths.settings }, null)),
    ...strict.map((name) => fault(words.strictUplink, { interface: name })),
  ];
}

/** The kernel takes the larger of the link's own and that of all. */
function reversePathOf(snapshot: Snapshot, link: string): number {
  const values = [link, 'all'].map((name) => Number(sysctl(snapshot, `net/ipv4/conf/${name}/rp_filter`) ?? 0));
  return Math.max(...values);
}

function judgeRouter(snapshot: Snapshot): Judgement[] {
  const { bird, processes } = snapshot;
  if (bird !== undefined) return [...judgeSessions(bird), ...judgeAnnouncements(bird, routesOfZones(snapshot))];
  const running = routingDaemonIn(processes);
  return [running === undefined ? fault(words.noRouter, {}) : fault(words.noAnswer, { name: running }, null)];
}

function judgeSessions({ sessions }: BirdView): Judgement[] {
  const level = sessions.some(({ isUp }) => isUp) ? 'warning' : 'bad';
  return sessions
    .filter(({ isUp }) => !isUp)
    .map(({ name, detail }) => fault(words.sessionDown, { name, state: detail }, level));
}

function judgeAnnouncements({ learned, exported }: BirdView, wanted: readonly string[]): Judgement[] {
  const unknown = wanted.filter((route) => !learned.has(route));
  const lacking = countOf(unknown, wanted);
  if (lacking !== undefined) return [fault(words.notLearned, lacking)];
  return [...exported].flatMap(([name, routes]) => {
    const silent = countOf(
      wanted.filter((route) => !routes.has(route)),
      wanted,
    );
    const others = [...routes].filter((route) => !learned.has(route));
    const [prefix] = others;
    return [
      ...(silent === undefined ? [] : [fault(words.notExported, { name, ...silent })]),
      ...(prefix === undefined ? [] : [fault(words.exportsMore, { name, n: others.length, prefix })]),
    ];
  });
}

function countOf(some: readonly string[], all: readonly string[]) {
  const [prefix] = some;
  return prefix === undefined ? undefined : { n: some.length, n2: all.length, prefix };
}

/** Of zones that are served, and whose guests are there. */
function routesOfZones({ zones, config }: Snapshot): string[] {
  const blocks = config?.settings.fleet.block ?? [];
  const served = (zones?.zones ?? []).filter(({ state, carrier }) => state === 'ready' && carrier !== false);
  return served
    .flatMap(({ addresses }) => addresses)
    .filter((address) => blocks.some((block) => contains(block, address)))
    .map((address) => hostPrefix(address).text);
}
