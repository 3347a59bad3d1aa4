/** The daemon's status as people read it. Pure. */

import type { DirectoryStatus, RepairStatus, Status } from '../control/status.ts';
import { causeOf, withoutNetwork } from '../control/verdict.ts';
import type { DirectoryState } from '../directories/zone-directory.ts';
import { familyNames } from '../model/address.ts';
import { sentenceOf } from '../model/fault.ts';
import { firstOf } from '../words/say.ts';
import type { Paint, Tone } from './paint.ts';
import type { Rate } from './rates.ts';
import { type Block, blank } from './status-fit.ts';
import { zoneTable } from './status-zones.ts';
import { allPrintable } from './terminal.ts';
import { wrapped } from './text-width.ts';
import { duration, localTime, plural } from './units.ts';

export interface StatusView {
  /** Unix milliseconds. */
  readonly now: number;
  /** Columns; infinite where nothing has to fit. */
  readonly width: number;
  readonly paint: Paint;
  readonly rates?: ReadonlyMap<number, Rate> | undefined;
  /** The routing daemon of this host, by its process's name. */
  readonly router?: string | undefined;
}

const stateTones: Record<Status['state'], Tone> = { ready: 'good', starting: 'warning', degraded: 'bad' };
const directoryTones: Record<DirectoryState, Tone> = {
  answered: 'plain',
  absent: 'faint',
  waiting: 'warning',
  down: 'bad',
};

/** What is older is history, and in the log. */
const recentMs = 3_600_000;
const maxRepairs = 3;

/** Links in the title. */
const maxNamed = 3;

const labelWidth = 'Directories  '.length;

/** Lines without line ends, none wider than the view if that has 20 columns. */
export function statusText(untrusted: Status, view: StatusView): string[] {
  const status = allPrintable(untrusted);
  return statusBlocks(status, view, { lines: zoneLines(status, view) }).flatMap(({ lines }) => lines);
}

/** The title, what is around the zones, and `zones` in between. Of a status that is fit for a terminal. */
export function statusBlocks(status: Status, view: StatusView, zones: Block): Block[] {
  return [
    ...header(status, view),
    blank,
    zones,
    ...troubles(status, view),
    blank,
    { lines: work(status, view), dispensable: 8 },
  ];
}

function zoneLines({ zones, forwarder }: Status, { rates, now, width, paint }: StatusView): string[] {
  if (zones.length === 0) return wrapped('No zone has a link on this host.', width);
  return zoneTable({ zones, hasPolicies: forwarder !== null, rates, now, width, paint });
}

function header(status: Status, view: StatusView): Block[] {
  const { now, width, paint } = view;
  const { pid, startedAt, subnets, uplinks, directories, zones } = status;
  const ready = zones.filter((zone) => zone.state === 'ready').length;
  const running = `for ${duration(now - startedAt)}, since ${localTime(startedAt)}, process ${pid}`;
  const prefixes = [subnets.ipv4, subnets.ipv6].filter((prefix) => prefix !== null).join(' and ');
  const uplinkNames = uplinks.map(({ interface: name, families }) => `${name} (${families.join(', ')})`).join(', ');
  return [
    { lines: titleLines(status, view) },
    { lines: fact('Running', running, width), dispensable: 7 },
    { lines: fact('Subnets', prefixes || 'none', width), dispensable: 6 },
    { lines: fact('Uplinks', uplinkNames || 'none: this host has no default route', width), dispensable: 5 },
    ...leavingLines(status, width),
    ...fleetLines(status, view),
    {
      lines: directories.flatMap((directory, place) => directoryLines(directory, place, { now, width, paint })),
      dispensable: 4,
    },
    ...isolationLines(status, width),
    { lines: fact('Zones', `${plural(zones.length, 'link')}, ${ready} ready`, width), dispensable: 3 },
  ];
}

/** In the settings' words; nothing where zones reach all there is and are kept to their addresses, as without settings. */
function isolationLines({ isolation }: Status, width: number): Block[] {
  const { antiSpoof, zoneToZone, metadata, host } = isolation;
  const targets = Object.entries({ 'zone-to-zone': zoneToZone, metadata, host });
  if (antiSpoof && targets.every(([, verdict]) => verdict === 'allow')) return [];
  const words = [...targets.map((each) => each.join(' ')), ...(antiSpoof ? [] : ['anti-spoof false'])];
  return [{ lines: fact('Isolation', words.join(', '), width), dispensable: 5 }];
}

/** Nothing where zones leave as they do without settings. */
function leavingLines({ leaving }: Status, width: number): Block[] {
  const { noMasquerade } = leaving;
  const perFamily = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const under = leaving[family];
    if (under === null || under === 'masquerade') return [];
    return [`${familyNames[family]} under ${under === 'own' ? "zones' own addresses" : under}`];
  });
  const exempt = noMasquerade.length === 0 ? [] : [`to ${noMasquerade.join(', ')} under zones' own addresses`];
  const text = [...perFamily, ...exempt].join('; ');
  return text === '' ? [] : [{ lines: fact('Leaving', text, width), dispensable: 5 }];
}

/** `block 10.75.2.0/24: 7 of 254; announced by bird`. */
function fleetLines({ fleet }: Status, { width, router }: StatusView): Block[] {
  if (fleet === null || fleet === undefined) return [];
  const texts = fleet.blocks.map(({ block, used, capacity }) => `block ${block}: ${used} of ${countText(capacity)}`);
  const announced = router === undefined ? 'no routing daemon is seen' : `announced by ${router}`;
  return [{ lines: fact('Fleet', [...texts, announced].join('; '), width), dispensable: 5 }];
}

function countText(count: number): string {
  return count < 1e6 ? String(count) : `2^${Math.round(Math.log2(count))}`;
}

/** What people read first, and perhaps alone: with the gravest fault, if there is one. */
export function titleLines(
  { version, state, zones, uplinks, failures, warnings, faults }: Status,
  { width, paint }: StatusView,
): string[] {
  const unserved = zones
    .filter(({ state }) => state === 'unserved' || state === 'failed' || state === 'taken')
    .map(({ link }) => link);
  const others = failures.filter(({ what }) => !unserved.includes(what));
  const grave = faults.filter(({ level }) => level === 'bad');
  const [gravest] = grave;
  const named = unserved.slice(0, maxNamed).join(', ') + (unserved.length > maxNamed ? ' …' : '');
  const also = [
    ...(uplinks.length === 0 && state !== 'starting' ? ['no uplink'] : []),
    ...(unserved.length === 0 ? [] : [`${plural(unserved.length, 'link')} without network (${named})`]),
    ...(others.length + grave.length === 0 ? [] : [plural(others.length + grave.length, 'failure')]),
    ...(warnings.length === grave.length ? [] : [plural(warnings.length - grave.length, 'warning')]),
  ].join(', ');
  const heads = [`protect-network ${version}: ${state}`, ...(also === '' ? [] : [also])].join(', ');
  const head = gravest === undefined ? heads : `${heads}: ${gravest.what}`;
  const tone = state === 'ready' && unserved.length + Number(uplinks.length === 0) > 0 ? 'warning' : stateTones[state];
  const [first = '', ...more] = wrapped(head, width);
  return [first.replace(new RegExp(`: ${state}`), `: ${paint(tone, state)}`), ...more];
}

function directoryLines(directory: DirectoryStatus, place: number, { now, width, paint }: StatusView): string[] {
  const { name, state, entries, problems, detail, since } = directory;
  const known = state === 'absent' ? '' : `, ${plural(entries, 'entry', 'entries')}`;
  const unusable = problems.length === 0 ? '' : `, ${plural(problems.length, 'problem')}`;
  const why = state === 'answered' || state === 'absent' ? '' : `: ${detail}`;
  const text = `${name} ${state} for ${duration(now - since)}${known}${unusable}${why}`;
  const lines = fact(place === 0 ? 'Directories' : '', text, width);
  return lines.map((line) => paint(directoryTones[state], line));
}

function troubles(status: Status, { now, width, paint }: StatusView): Block[] {
  const { failures, warnings, faults, zones, directories, lastRepairs } = status;
  const grave = faults.filter(({ level }) => level === 'bad').map(sentenceOf);
  const failed = failures.map(({ what, reason, attempts, nextTryAt }) => {
    const next = nextTryAt > now ? `in ${duration(nextTryAt - now)}` : 'now';
    return `${what}: ${reason} (${plural(attempts, 'attempt')}, retrying ${next})`;
  });
  const unserved = withoutNetwork(status).map((group) => sentenceOf(causeOf(group)));
  const waiting = zones.flatMap(({ link, state, reason }) =>
    state === 'opening' && reason !== null ? [`${link}: ${reason}`] : [],
  );
  const problems = directories.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
  const reasons = zones.map(({ reason }) => reason ?? '');
  const isTold = (text: string) =>
    grave.includes(text) || directories.some(({ name }) => isReason(text, `${name}: `, reasons));
  const warned = [...new Set([...warnings, ...problems])].filter((text) => !isTold(text));
  const forgeries = zones.flatMap(({ link, lastForgery }) => {
    if (lastForgery === null || now - lastForgery.at > recentMs) return [];
    return [`${link}: from ${lastForgery.source} to ${lastForgery.destination}, ${duration(now - lastForgery.at)} ago`];
  });
  const unassigned = zones.flatMap(({ link, addresses, lastUnassigned }) => {
    if (lastUnassigned === null || now - lastUnassigned.at > recentMs) return [];
    const given = addresses.filter((address) => address.includes(':')).join(', ');
    const why = given === '' ? 'no IPv6 address is assigned to this zone' : `the zone's address is ${given}`;
    return [`${link}: ${lastUnassigned.source}, ${duration(now - lastUnassigned.at)} ago; ${why}`];
  });
  const repairs = lastRepairs.slice(0, maxRepairs).map((repair) => repairText(repair, now));
  return [
    ...section('Failures', [...grave, ...failed], { tone: 'bad', width, paint }),
    ...section('No network', [...unserved, ...waiting], { tone: 'bad', width, paint }),
    ...section('Warnings', warned, { tone: 'warning', width, paint }),
    ...section('Spoofed packets dropped', forgeries, { tone: 'warning', width, paint, dispensable: 1 }),
    ...section('Unassigned IPv6 addresses', unassigned, { tone: 'warning', width, paint, dispensable: 1 }),
    ...section('Put back', repairs, { tone: 'plain', width, paint, dispensable: 2 }),
  ];
}

/** True for a directory's problem that is why a zone has no network, which is told with the zone. */
function isReason(text: string, before: string, reasons: readonly string[]): boolean {
  return text.startsWith(before) && reasons.some((reason) => reason.includes(text.slice(before.length)));
}

/** `2 min ago, within 9 ms: our jump in ip filter FORWARD, changed by ufw (812)` */
function repairText({ at, milliseconds, culprits, what }: RepairStatus, now: number): string {
  const by = culprits.length === 0 ? '' : `, changed by ${culprits.join(', ')}`;
  return `${duration(now - at)} ago, within ${milliseconds} ms: ${firstOf(what, 3)}${by}`;
}

function work({ lastPass, passes, transactions, repairs }: Status, { now, width }: StatusView): string[] {
  const last =
    lastPass === null
      ? 'none yet'
      : `${duration(now - lastPass.at)} ago, took ${lastPass.milliseconds} ms, ${plural(lastPass.changes, 'change')} (${lastPass.cause})`;
  const totals = [
    plural(passes, 'pass', 'passes'),
    plural(transactions, 'firewall transaction'),
    plural(repairs, 'repair'),
  ];
  return [...fact('Last pass', last, width), ...fact('So far', totals.join(', '), width)];
}

export function fact(label: string, text: string, width: number): string[] {
  return wrapped(text, width, label.padEnd(labelWidth));
}

interface SectionView extends Pick<StatusView, 'width' | 'paint'>, Pick<Block, 'dispensable'> {
  readonly tone: Tone;
}

function section(title: string, items: readonly string[], { tone, width, paint, ...rank }: SectionView): Block[] {
  if (items.length === 0) return [];
  const lines = items.flatMap((item) => item.split('\n').flatMap((line) => wrapped(line, width, '  ')));
  return [blank, { lines: [paint(tone, title), ...lines], ...rank }];
}
