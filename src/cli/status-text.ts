/** The daemon's status as people read it. Pure. */
import type { DirectoryStatus, RepairStatus, Status } from '../control/status.ts';
import type { DirectoryState } from '../lifecycle/directory.ts';
import type { Paint, Tone } from './paint.ts';
import type { Rate } from './rates.ts';
import { zoneTable } from './status-zones.ts';
import { printable } from './terminal.ts';
import { wrapped } from './text-width.ts';
import { duration, localTime, plural } from './units.ts';

export interface StatusView {
  /** Unix milliseconds. */
  readonly now: number;
  /** Columns; infinite where nothing has to fit. */
  readonly width: number;
  readonly paint: Paint;
  readonly rates?: ReadonlyMap<number, Rate> | undefined;
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

const labelWidth = 'Directories  '.length;

/** Lines without line ends, none wider than the view if that has 20 columns. */
export function statusText(untrusted: Status, view: StatusView): string[] {
  const status = forTerminal(untrusted);
  const { now, width, paint, rates } = view;
  const { zones } = status;
  const list =
    zones.length === 0
      ? wrapped('No zone has a link on this host.', width)
      : zoneTable({ zones, rates, now, width, paint });
  return [...header(status, view), '', ...list, ...troubles(status, view), '', ...work(status, view)];
}

function header(status: Status, { now, width, paint }: StatusView): string[] {
  const { version, state, pid, startedAt, subnets, uplinks, directories, zones } = status;
  const ready = zones.filter((zone) => zone.state === 'ready').length;
  const title = wrapped(`protect-network ${version}: ${state}`, width);
  const running = `for ${duration(now - startedAt)}, since ${localTime(startedAt)}, process ${pid}`;
  const prefixes = [subnets.ipv4, subnets.ipv6].filter((prefix) => prefix !== null).join(' and ');
  const uplinkNames = uplinks.map(({ interface: name, families }) => `${name} (${families.join(', ')})`).join(', ');
  return [
    ...title.map((line) => line.replace(state, paint(stateTones[state], state))),
    ...fact('Running', running, width),
    ...fact('Subnets', prefixes || 'none', width),
    ...fact('Uplinks', uplinkNames || 'none: no default route leads out of this host', width),
    ...directories.flatMap((directory, place) => directoryLines(directory, place, { now, width, paint })),
    ...fact('Zones', `${plural(zones.length, 'link')}, ${ready} ready`, width),
  ];
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

function troubles(status: Status, { now, width, paint }: StatusView): string[] {
  const { failures, warnings, zones, directories, lastRepairs } = status;
  const failing = new Set(failures.map(({ what }) => what));
  const failed = failures.map(({ what, reason, attempts, nextTryAt }) => {
    const next = nextTryAt > now ? `in ${duration(nextTryAt - now)}` : 'now';
    return `${what}: ${reason} (${plural(attempts, 'attempt')}, next ${next})`;
  });
  const unserved = zones.flatMap(({ link, state, reason }) => {
    return reason === null || state === 'ready' || failing.has(link) ? [] : [`${link}: ${reason}`];
  });
  const problems = directories.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`));
  const forgeries = zones.flatMap(({ link, lastForgery }) => {
    if (lastForgery === null || now - lastForgery.at > recentMs) return [];
    return [`${link}: from ${lastForgery.source} to ${lastForgery.destination}, ${duration(now - lastForgery.at)} ago`];
  });
  return [
    ...section('Failures', 'bad', failed, width, paint),
    ...section('Not served', 'bad', unserved, width, paint),
    ...section('Warnings', 'warning', [...new Set([...warnings, ...problems])], width, paint),
    ...section('Forged packets dropped', 'warning', forgeries, width, paint),
    ...section(
      'Put back',
      'plain',
      lastRepairs.slice(0, maxRepairs).map((repair) => repairText(repair, now)),
      width,
      paint,
    ),
  ];
}

/** `2 min ago, within 9 ms: our jump in ip filter FORWARD, changed by ufw (812)` */
function repairText({ at, milliseconds, culprits, what }: RepairStatus, now: number): string {
  const shown = what.slice(0, 3).join(', ') + (what.length > 3 ? ` and ${what.length - 3} more` : '');
  const by = culprits.length === 0 ? '' : `, changed by ${culprits.join(', ')}`;
  return `${duration(now - at)} ago, within ${milliseconds} ms: ${shown}${by}`;
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

function fact(label: string, text: string, width: number): string[] {
  return wrapped(text, width, label.padEnd(labelWidth));
}

function section(title: string, tone: Tone, items: readonly string[], width: number, paint: Paint): string[] {
  if (items.length === 0) return [];
  const lines = items.flatMap((item) => item.split('\n').flatMap((line) => wrapped(line, width, '  ')));
  return ['', paint(tone, title), ...lines];
}

/** Names, reasons and origins come from zones' descriptions and files: no character of theirs may steer a terminal. */
function forTerminal<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, each) => (typeof each === 'string' ? printable(each) : each)) as T;
}
