/** What of `top` a person changes by keys: a value, and what each key makes of it. Pure. */
import type { ZoneState, ZoneStatus } from '../control/status.ts';
import { droppedPackets, type Rates } from './rates.ts';

export const sortKeys = ['state', 'link', 'name', 'sent/s', 'received/s', 'dropped/s'] as const;
export type SortKey = (typeof sortKeys)[number];

export interface TopState {
  readonly page: 'zones' | 'zone' | 'help';
  readonly cursor: Cursor;
  readonly sort: SortKey;
  readonly isReversed: boolean;
  /** Words, each of which a zone must have somewhere. */
  readonly filter: string;
  readonly isTyping: boolean;
  readonly isPaused: boolean;
  /** Lines of a long page above the screen. */
  readonly offset: number;
  readonly isEnded: boolean;
}

/** The zone it stands on, and where that was: what is there is next, where the zone has gone. */
export interface Cursor {
  readonly ifindex: number | undefined;
  readonly row: number;
}

export const initialState: TopState = {
  page: 'zones',
  cursor: { ifindex: undefined, row: 0 },
  sort: 'state',
  isReversed: false,
  filter: '',
  isTyping: false,
  isPaused: false,
  offset: 0,
  isEnded: false,
};

const maxFilter = 64;

/**
 * `key`: a character, or a word such as `up`, `enter`, `ctrl-c`. `zones`: as they are shown; `pageRows`: how far a page up or
 * down goes.
 */
export function pressed(state: TopState, key: string, zones: readonly ZoneStatus[], pageRows: number): TopState {
  if (key === 'ctrl-c' || key === 'ctrl-d') return { ...state, isEnded: true };
  if (state.isTyping) return typed(state, key);
  switch (key) {
    case 'q':
    case 'Q':
      return { ...state, isEnded: true };
    case '?':
    case 'h':
      return { ...state, page: state.page === 'help' ? 'zones' : 'help', offset: 0 };
    case 'p':
    case ' ':
      return { ...state, isPaused: !state.isPaused };
  }
  return state.page === 'zones' ? onZones(state, key, zones, pageRows) : onPage(state, key, pageRows);
}

function onZones(state: TopState, key: string, zones: readonly ZoneStatus[], pageRows: number): TopState {
  const row = rowOf(state.cursor, zones);
  const to = (wanted: number): TopState => {
    const reached = Math.max(0, Math.min(zones.length - 1, wanted));
    return { ...state, cursor: { ifindex: zones[reached]?.ifindex, row: reached } };
  };
  switch (key) {
    case 'up':
    case 'k':
      return to(row - 1);
    case 'down':
    case 'j':
      return to(row + 1);
    case 'pageup':
      return to(row - pageRows);
    case 'pagedown':
      return to(row + pageRows);
    case 'home':
    case 'g':
      return to(0);
    case 'end':
    case 'G':
      return to(zones.length - 1);
    case 'enter':
    case 'right':
      return zones.length === 0 ? state : { ...to(row), page: 'zone', offset: 0 };
    case 's':
      return { ...state, sort: neighbour(state.sort, 1), isReversed: false };
    case 'S':
      return { ...state, sort: neighbour(state.sort, -1), isReversed: false };
    case 'r':
      return { ...state, isReversed: !state.isReversed };
    case '/':
      return { ...state, isTyping: true };
    case 'escape':
      return { ...state, filter: '' };
    default:
      return state;
  }
}

function onPage(state: TopState, key: string, pageRows: number): TopState {
  const to = (offset: number): TopState => ({ ...state, offset: Math.max(0, offset) });
  switch (key) {
    case 'up':
    case 'k':
      return to(state.offset - 1);
    case 'down':
    case 'j':
      return to(state.offset + 1);
    case 'pageup':
      return to(state.offset - pageRows);
    case 'pagedown':
      return to(state.offset + pageRows);
    case 'home':
    case 'g':
      return to(0);
    case 'escape':
    case 'enter':
    case 'left':
    case 'backspace':
      return { ...state, page: 'zones', offset: 0 };
    default:
      return state;
  }
}

function typed(state: TopState, key: string): TopState {
  const { filter } = state;
  if (key === 'enter') return { ...state, isTyping: false };
  if (key === 'escape') return { ...state, isTyping: false, filter: '' };
  if (key === 'backspace') return { ...state, filter: [...filter].slice(0, -1).join('') };
  const isCharacter = [...key].length === 1;
  return isCharacter && filter.length < maxFilter ? { ...state, filter: filter + key } : state;
}

function neighbour(sort: SortKey, step: number): SortKey {
  return sortKeys.at((sortKeys.indexOf(sort) + step) % sortKeys.length) ?? sort;
}

/** The row of the cursor among the zones that are shown; 0 where there are none. */
export function rowOf({ ifindex, row }: Cursor, zones: readonly ZoneStatus[]): number {
  const found = zones.findIndex((zone) => zone.ifindex === ifindex);
  return found === -1 ? Math.max(0, Math.min(row, zones.length - 1)) : found;
}

/** Those that the filter lets through, in the order that is wanted. */
export function shownZones(
  zones: readonly ZoneStatus[],
  { filter, sort, isReversed }: Pick<TopState, 'filter' | 'sort' | 'isReversed'>,
  rates: Rates | undefined,
): readonly ZoneStatus[] {
  const words = filter.toLowerCase().split(' ').filter(Boolean);
  const matching = zones.filter((zone) => {
    const text = textOf(zone);
    return words.every((word) => text.includes(word));
  });
  const sorted = matching.toSorted((one, other) => compare(sort, one, other, rates) || byLink(one, other));
  return isReversed ? sorted.toReversed() : sorted;
}

function textOf({ link, name, addresses, state, policy, directory }: ZoneStatus): string {
  return [link, name, ...addresses, state, policy, directory].join(' ').toLowerCase();
}

const stateRanks: Record<ZoneState, number> = { failed: 0, taken: 1, unserved: 2, opening: 3, ready: 4 };
const collator = new Intl.Collator('en', { numeric: true });

/** What is wrong, or most, comes first. */
function compare(sort: SortKey, one: ZoneStatus, other: ZoneStatus, rates: Rates | undefined): number {
  const most = (figure: (zone: ZoneStatus) => number | null | undefined) => (figure(other) ?? -1) - (figure(one) ?? -1);
  switch (sort) {
    case 'state':
      return stateRanks[one.state] - stateRanks[other.state];
    case 'link':
      return 0;
    case 'name':
      return (
        Number(one.name === null) - Number(other.name === null) || collator.compare(one.name ?? '', other.name ?? '')
      );
    case 'sent/s':
      return most(({ ifindex }) => rates?.get(ifindex)?.sent);
    case 'received/s':
      return most(({ ifindex }) => rates?.get(ifindex)?.received);
    case 'dropped/s':
      return most(({ ifindex }) => rates?.get(ifindex)?.dropped) || most(droppedPackets);
  }
}

function byLink(one: ZoneStatus, other: ZoneStatus): number {
  return collator.compare(one.link, other.link);
}
