import { expect, test } from 'vitest';
import type { Rate } from '../../../src/cli/rates.ts';
import { initialState, pressed, rowOf, shownZones, sortKeys, type TopState } from '../../../src/cli/top-state.ts';
import { address, zoneOf } from '../control/support.ts';

const packets = (many: number) => ({ packets: many, bytes: 0 });
const zones = [
  zoneOf({ link: 'vif10.0', ifindex: 10, name: 'db', addresses: [address('10.75.0.10')] }),
  zoneOf({ link: 'vif2.0', ifindex: 2, name: 'web2', state: 'unserved', directory: null }),
  zoneOf({ link: 'vif3.0', ifindex: 3, name: null, dropped: { ...zoneOf().dropped, stray: packets(5) } }),
  zoneOf({ link: 'vif4.0', ifindex: 4, name: 'web10', state: 'failed' }),
];
const rates = new Map<number, Rate>([
  [10, { sent: 5, received: 1, dropped: 0 }],
  [2, { sent: null, received: 9, dropped: null }],
  [3, { sent: 7, received: 3, dropped: 0 }],
  [4, { sent: 0, received: 2, dropped: 4 }],
]);

const after = (keys: string, state: TopState = initialState): TopState =>
  keys
    .split(' ')
    .reduce((now, key) => pressed(now, key === 'space' ? ' ' : key, shownZones(zones, now, rates), 2), state);
const links = (state: Partial<TopState>) =>
  shownZones(zones, { ...initialState, ...state }, rates).map(({ link }) => link);

test.each([
  ['state', ['vif4.0', 'vif2.0', 'vif3.0', 'vif10.0']],
  ['link', ['vif2.0', 'vif3.0', 'vif4.0', 'vif10.0']],
  ['name', ['vif10.0', 'vif2.0', 'vif4.0', 'vif3.0']],
  ['sent/s', ['vif3.0', 'vif10.0', 'vif4.0', 'vif2.0']],
  ['received/s', ['vif2.0', 'vif3.0', 'vif4.0', 'vif10.0']],
  ['dropped/s', ['vif4.0', 'vif3.0', 'vif10.0', 'vif2.0']],
] as const)('sorted by %s', (sort, expected) => {
  expect(links({ sort })).toEqual(expected);
  expect(links({ sort, isReversed: true })).toEqual(expected.toReversed());
});

test('s and S go round the orders', () => {
  const round = sortKeys.map(
    (_, many) =>
      after(
        Array(many + 1)
          .fill('s')
          .join(' '),
      ).sort,
  );
  expect(round).toEqual([...sortKeys.slice(1), sortKeys[0]]);
  expect(after('S').sort).toBe('dropped/s');
  expect(after('r r').isReversed).toBe(false);
});

test.each([
  ['web', ['vif4.0', 'vif2.0']],
  ['WEB unserved', ['vif2.0']],
  ['10.75.0.10', ['vif10.0']],
  ['vif3.0', ['vif3.0']],
  ['static fail', ['vif4.0']],
  ['  ', ['vif4.0', 'vif2.0', 'vif3.0', 'vif10.0']],
  ['nobody', []],
])('the filter %j', (filter, expected) => expect(links({ filter })).toEqual(expected));

test('keys are text while a filter is typed, but for those that end it', () => {
  const typing = after('/ q p ? s space j');
  expect(typing).toMatchObject({ filter: 'qp?s j', isTyping: true, isEnded: false, isPaused: false, page: 'zones' });
  expect(after('backspace enter', typing)).toMatchObject({ filter: 'qp?s ', isTyping: false });
  expect(after('escape', typing)).toMatchObject({ filter: '', isTyping: false });
  expect(after('up', typing).filter).toBe('qp?s j');
  expect(after('ctrl-c', typing).isEnded).toBe(true);
  expect(after(Array(99).fill('x').join(' '), typing).filter).toHaveLength(64);
  expect(after('/ w enter escape').filter).toBe('');
});

test('the cursor stays with its zone, and at its row where the zone has gone', () => {
  const { cursor } = after('down down');
  expect(cursor).toEqual({ ifindex: 3, row: 2 });
  expect(rowOf(cursor, shownZones(zones, { ...initialState, sort: 'link' }, rates))).toBe(1);
  expect(rowOf(cursor, zones.slice(0, 2))).toBe(1);
  expect(rowOf(cursor, [])).toBe(0);
  expect(after('end down down').cursor).toEqual({ ifindex: 10, row: 3 });
  expect(after('G k k k k k').cursor).toEqual({ ifindex: 4, row: 0 });
  expect(after('pagedown').cursor.row).toBe(2);
});

test('Enter opens the page of the zone under the cursor, Esc leads back, and there is none of nothing', () => {
  expect(after('enter')).toMatchObject({ page: 'zone', cursor: { ifindex: 4, row: 0 } });
  expect(after('down enter down down up')).toMatchObject({ page: 'zone', offset: 1, cursor: { ifindex: 2, row: 1 } });
  expect(after('down enter pagedown escape')).toMatchObject({ page: 'zones', offset: 0, cursor: { ifindex: 2 } });
  expect(after('/ n o b o d y enter enter').page).toBe('zones');
});

test('?, p and q work on every page', () => {
  for (const before of ['up', 'enter', '?']) {
    expect(after(`${before} p`).isPaused).toBe(true);
    expect(after(`${before} space space`).isPaused).toBe(false);
    expect(after(`${before} q`).isEnded).toBe(true);
  }
  expect(after('?').page).toBe('help');
  expect(after('? ?').page).toBe('zones');
  expect(after('? escape').page).toBe('zones');
});
