/** The screen of `top` as lines: the zones, one zone, or the keys. Pure. */
import type { Status } from '../control/status.ts';
import type { BarStyle } from './history-bar.ts';
import type { Paint } from './paint.ts';
import { cutLines, fittingBlocks, height } from './status-fit.ts';
import { statusBlocks, titleLines } from './status-text.ts';
import { watchedTable } from './status-zones.ts';
import { cut, textWidth, wrapped } from './text-width.ts';
import { rowOf, shownZones, type TopState } from './top-state.ts';
import type { Watched } from './top-watched.ts';
import { zonePage } from './top-zone.ts';
import { localTime, plural } from './units.ts';

export interface TopView {
  readonly now: number;
  readonly width: number;
  readonly rows: number;
  readonly paint: Paint;
  readonly bars: BarStyle;
}

/** Lines without line ends, at most `rows`, none wider than the view if that has 20 columns. */
export function topLines(watched: Watched, state: TopState, view: TopView): string[] {
  const { rows, width, paint } = view;
  const room = Math.max(0, rows - 1);
  const lines = page(watched, state, { ...view, rows: room });
  const end = cut(state.isTyping ? `filter: ${state.filter}_` : hints(state, width), width);
  return [...lines.slice(0, room), ...Array.from({ length: room - lines.length }, () => ''), paint('faint', end)];
}

function page(watched: Watched, state: TopState, view: TopView): readonly string[] {
  const { width, rows } = view;
  if (state.page === 'help') return scrolled(helpLines(width), state.offset, rows);
  const { status } = watched;
  if (typeof status === 'string') return [...wrapped(status, width), ...wrapped('trying again every second', width)];
  if (state.page === 'zones') return zonesPage({ ...watched, status }, state, view);
  const zone = status.zones.find(({ ifindex }) => ifindex === state.cursor.ifindex);
  if (zone === undefined) return wrapped("This zone's link is gone. Esc leads back to the zones.", width);
  const history = watched.history.get(zone.ifindex) ?? [];
  const lines = [...pausedLines(watched, state, width), ...zonePage({ ...view, zone, history })];
  return scrolled(lines, state.offset, rows);
}

/** Where there are not rows enough, what is in order goes first; troubles and zones share what the title leaves. */
function zonesPage(watched: Watched & { readonly status: Status }, state: TopState, view: TopView): string[] {
  const { status, rates, history } = watched;
  const { rows, width, paint } = view;
  const zones = shownZones(status.zones, state, rates);
  const row = rowOf(state.cursor, zones);
  const hasPolicies = status.forwarder !== null;
  const summary = [...pausedLines(watched, state, width), ...orderLines(status, state, zones.length, width)];
  const above = summary.map((line) => paint('faint', line));
  const nothing = zones.length === 0 ? wrapped(nothingShown(status, state), width) : [];
  // Only what is seen is made: the table's head and its rows, here by their number.
  const block = {
    lines: [...above, ...nothing, ...Array.from({ length: zones.length && zones.length + 1 }, () => '')],
  };
  const kept = fittingBlocks(statusBlocks(status, view, block), rows);
  const title = titleLines(status, view).length;
  const others = height(kept) - block.lines.length - title;
  const room = Math.max(0, rows - title);
  const forZones = Math.min(block.lines.length, Math.max(Math.ceil(room / 2), room - others));
  const forRows = Math.max(1, forZones - above.length - 1);
  const first = Math.max(0, Math.min(row - Math.floor(forRows / 2), zones.length - forRows));
  const [head = '', ...rowLines] = watchedTable(
    { ...view, zones, hasPolicies, rates, history, width: width - mark.length },
    { first, length: forRows },
  );
  const lines = zones.length === 0 ? nothing : [`${unmarked}${head}`, ...rowLines.map(marked(row - first, paint))];
  const shown = [...above, ...lines].slice(-forZones);
  const place = kept.indexOf(block);
  const before = kept.slice(0, place).flatMap(({ lines }) => lines);
  const after = kept.slice(place + 1).flatMap(({ lines }) => lines);
  return [...before, ...shown, ...cutLines(after, rows - before.length - shown.length, 'lines')];
}

const mark = '> ';
const unmarked = '  ';

function marked(row: number, paint: Paint): (line: string, place: number) => string {
  return (line, place) => (place === row ? `${paint('strong', mark)}${line}` : `${unmarked}${line}`);
}

function scrolled(lines: readonly string[], offset: number, rows: number): readonly string[] {
  const first = Math.max(0, Math.min(offset, lines.length - rows));
  return cutLines(lines.slice(first), rows, 'lines');
}

function pausedLines({ readAt }: Watched, { isPaused }: TopState, width: number): string[] {
  return isPaused ? wrapped(`Paused: as it was at ${localTime(readAt)}. p goes on.`, width) : [];
}

function orderLines({ zones }: Status, { filter, sort, isReversed }: TopState, shown: number, width: number): string[] {
  if (zones.length === 0) return [];
  const some = filter.trim() === '' ? '' : `, ${shown} with '${filter.trim()}'`;
  const order = `sorted by ${sort}${isReversed ? ', reversed' : ''}`;
  return wrapped(`${plural(zones.length, 'zone')}${some}, ${order}`, width);
}

function nothingShown({ zones }: Status, { filter }: TopState): string {
  if (zones.length === 0) return 'No zone has a link on this host.';
  return `No zone has '${filter.trim()}' in its link, name, addresses, state, policy or directory. Esc shows all.`;
}

/** As many as fit, the most needed first. */
function hints({ page: shown }: TopState, width: number): string {
  const zones = ['q end', '? help', 'Enter zone', '/ filter', 's sort', 'p pause', 'r reverse', '\u2191\u2193 select'];
  const all = shown === 'zones' ? zones : ['q end', 'Esc back', '\u2191\u2193 scroll', 'p pause'];
  const first = (many: number): string => {
    const text = all.slice(0, many).join('  ');
    return textWidth(text) <= width || many === 1 ? text : first(many - 1);
  };
  return first(all.length);
}

const keys: readonly (readonly [string, string])[] = [
  ['\u2191 \u2193', 'select a zone, or scroll a page; also k and j'],
  ['PgUp PgDn', 'the same by pages'],
  ['Home End', 'the first and the last; also g and G'],
  ['Enter', "the selected zone's page; Esc leads back"],
  [
    '/',
    'show only zones with these words in their link, name, addresses, state, policy or directory; Enter ends typing',
  ],
  ['Esc', 'show all zones again'],
  ['s S', 'next and previous order: state, link, name, sent/s, received/s, dropped/s'],
  ['r', 'reverse the order'],
  ['p, space', 'hold what is shown, or go on'],
  ['? h', 'this page'],
  ['Ctrl-Z', 'back to the shell; fg returns'],
  ['q Ctrl-C', 'end'],
];

const columns: readonly (readonly [string, string])[] = [
  ['SENT/S', 'bytes a second from the zone; RECEIVED/S towards it, BYTES/S both'],
  ['HISTORY', 'the last eight seconds of both, against the highest of them'],
  ['DROPPED/S', "packets of the zone's a second that were dropped, of every kind"],
];

function helpLines(width: number): string[] {
  const list = (rows: typeof keys) => rows.flatMap(([left, right]) => wrapped(right, width, `  ${left.padEnd(11)}`));
  return ['Keys', ...list(keys), '', ...wrapped('Columns (what does not fit is left out)', width), ...list(columns)];
}
