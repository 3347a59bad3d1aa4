import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { blocks, historyBar, shades } from '../../../src/cli/history-bar.ts';
import { painter } from '../../../src/cli/paint.ts';
import { textWidth } from '../../../src/cli/text-width.ts';
import { initialState, pressed, shownZones, type TopState } from '../../../src/cli/top-state.ts';
import { topLines } from '../../../src/cli/top-text.ts';
import { type Watched, watchedAfter } from '../../../src/cli/top-watched.ts';
import type { Status } from '../../../src/control/status.ts';
import { noon, statusOf, zoneOf } from '../control/support.ts';
import { troubled } from './troubled.ts';

/** After seconds in which `vif7.0` sent more and more, and was caught spoofing. */
function watched(status: Status = troubled): Watched {
  const at = (second: number): Status => ({
    ...status,
    zones: status.zones.map((zone) =>
      zone.link === 'vif7.0'
        ? {
            ...zone,
            sent: { packets: second, bytes: 1000 * second ** 3 },
            dropped: { ...zone.dropped, source: { packets: 12_000 + 7 * second, bytes: 1 } },
          }
        : zone,
    ),
  });
  let data: Watched | undefined;
  for (let second = 0; second <= 8; second += 1) {
    const before = { status: at(Math.max(0, second - 1)), at: 0 };
    data = watchedAfter(data, before, { status: at(second), at: 1000 }, noon);
  }
  if (data === undefined) throw new Error('no second passed');
  return data;
}

function screen(data: Watched, width: number, rows: number, state: Partial<TopState> = {}): string[] {
  const view = { now: noon, width, rows, paint: painter(false), bars: blocks };
  const lines = topLines(data, { ...initialState, ...state }, view);
  // Local times depend on where the test runs.
  return lines.map((line) => line.replace(/(since|at) [\d-]+ [\d:]+/, '$1 then'));
}

const shown = (...of: Parameters<typeof screen>) => `\n${screen(...of).join('\n')}`;

test('on 132 columns and 40 rows', () => {
  expect(shown(watched(), 132, 40)).toMatchInlineSnapshot(`
    "
    protect-network 1.2.3: degraded, 1 link without network (vif9.0), 1 failure, 1 warning
    Running      for 3h, since then, process 4711
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        3 links, 2 ready

    3 zones, sorted by state
      LINK       NAME    STATE        SENT/S  RECEIVED/S  HISTORY   DROPPED/S  ADDRESSES       SENT  RECEIVED  DROPPED  DIRECTORY
    > vif9.0             unserved 2h       -           -                    0                     -         -        0
      vif7.0     web     ready 2h     169 kB         0 B  ▂▂▂▃▄▅▇█          7  10.75.0.3 +1  512 kB    3.2 TB      12k  static
      vif1339.2  数据库  ready 40s       0 B         0 B  ▁▁▁▁▁▁▁▁          0  10.75.12.34   568 kB     840 B        0  static

    Failures
      host: nft: Operation not permitted (3 attempts, retrying in 4s)

    No network
      vif9.0: no zone directory knows it

    Warnings
      /var/lib/edera/protect/daemon.toml does not exist: the default subnets are used

    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)

    Last pass    5s ago, took 1.25 ms, 3 changes (link vif7.0 is up)
    So far       12 passes, 4 firewall transactions, 1 repair











    q end  ? help  Enter zone  / filter  s sort  p pause  r reverse  ↑↓ select"
  `);
});

test('on 80 columns and 24 rows', () => {
  expect(shown(watched(), 80, 24)).toMatchInlineSnapshot(`
    "
    protect-network 1.2.3: degraded, 1 link without network (vif9.0), 1 failure, 1
    warning
    Running      for 3h, since then, process 4711
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        3 links, 2 ready
    3 zones, sorted by state
      LINK       NAME    STATE        SENT/S  RECEIVED/S  HISTORY   DROPPED/S
    > vif9.0             unserved 2h       -           -                    0
      vif7.0     web     ready 2h     169 kB         0 B  ▂▂▂▃▄▅▇█          7
      vif1339.2  数据库  ready 40s       0 B         0 B  ▁▁▁▁▁▁▁▁          0
    Failures
      host: nft: Operation not permitted (3 attempts, retrying in 4s)
    No network
      vif9.0: no zone directory knows it
    Warnings
      /var/lib/edera/protect/daemon.toml does not exist: the default subnets are
      used
    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)

    q end  ? help  Enter zone  / filter  s sort  p pause  r reverse  ↑↓ select"
  `);
});

test('on 30 columns and 20 rows', () => {
  expect(shown(watched(), 30, 20)).toMatchInlineSnapshot(`
    "
    protect-network 1.2.3:
    degraded, 1 link without
    network (vif9.0), 1 failure, 1
    warning
    3 zones, sorted by state
      ZONE    STATE     BYTES/S
    > vif9.0  unserved        -
      web     ready      169 kB
      数据库  ready         0 B
    Failures
      host: nft: Operation not
      permitted (3 attempts,
      retrying in 4s)
    No network
      vif9.0: no zone directory
      knows it
    Warnings
      /var/lib/edera/protect/daemo
    … 2 more lines
    q end  ? help  Enter zone"
  `);
});

test.each([132, 80, 30])('a zone on a page of %i columns', (width) => {
  const zone = { ...initialState, page: 'zone' as const, cursor: { ifindex: 42, row: 0 } };
  expect(shown(watched(), width, 20, zone)).toMatchSnapshot();
});

test.each([132, 80, 30])('the keys on %i columns', (width) => {
  expect(shown(watched(), width, 40, { page: 'help' })).toMatchSnapshot();
});

test('a thousand zones leave room for what is wrong, and the cursor is always on the screen', () => {
  const zones = Array.from({ length: 1000 }, (_, place) => zoneOf({ link: `vif${place + 1}.0`, ifindex: place + 1 }));
  const ill = zoneOf({ link: 'vif1001.0', ifindex: 1001, state: 'unserved', reason: 'no zone directory knows it' });
  const data = watched(statusOf({ zones: [...zones, ill] }));
  let state = initialState;
  for (const [keys, link] of [
    ['', 'vif1001.0'],
    ['down down', 'vif2.0'],
    ['end', 'vif1000.0'],
    ['up pageup', 'vif989.0'],
    ['home', 'vif1001.0'],
    ['r', 'vif1001.0'],
    ['down', 'vif1001.0'],
    ['up', 'vif1.0'],
  ] as const) {
    for (const key of keys.split(' ').filter(Boolean)) {
      state = pressed(state, key, shownZones((data.status as Status).zones, state, data.rates), 10);
    }
    const lines = screen(data, 80, 22, state);
    expect(lines).toHaveLength(22);
    expect(lines[0]).toBe('protect-network 1.2.3: ready, 1 link without network (vif1001.0)');
    expect(lines.filter((line) => line.startsWith('> ')).map((line) => line.split(' ')[1])).toEqual([link]);
    expect(lines).toContain('  vif1001.0: no zone directory knows it');
  }
});

test('no screen is too small, and none gets wider or longer than it is, coloured or not', () => {
  const data = watched();
  const zones = (data.status as Status).zones;
  const states: Partial<TopState>[] = [
    {},
    { page: 'help' },
    { page: 'help', offset: 1000 },
    { page: 'zone', cursor: { ifindex: 42, row: 0 } },
    { page: 'zone', cursor: { ifindex: 4711, row: 0 } },
    { isPaused: true, filter: 'nothing has this' },
    { isTyping: true, filter: 'x'.repeat(64) },
  ];
  for (let rows = 1; rows <= 40; rows += 3) {
    for (let width = 20; width <= 140; width += 1) {
      for (const state of states) {
        const view = { now: noon, width, rows, paint: painter(true), bars: blocks };
        const lines = topLines(data, { ...initialState, ...state }, view);
        expect(lines).toHaveLength(rows);
        expect(lines.map((line) => textWidth(stripVTControlCharacters(line))).filter((each) => each > width)).toEqual(
          [],
        );
      }
    }
  }
  expect(zones).toHaveLength(3);
});

test('names stay where columns go', () => {
  const named = zoneOf({ name: 'a-name-of-somebody-who-likes-them-long', link: 'vif1339.2' });
  for (let width = 30; width <= 140; width += 1) {
    expect(shown(watched(statusOf({ zones: [named] })), width, 24), `${width} columns`).toContain('a-name-');
  }
  expect(shown(watched(statusOf({ zones: [zoneOf({ name: null })] })), 30, 24)).toContain('> vif7.0 ');
});

test('what zones and files say cannot steer the terminal', () => {
  const name = 'a\x1b]0;x\x07\u202eb\nc';
  const data = watched(statusOf({ zones: [zoneOf({ name })], warnings: ['x\x1b[2J'] }));
  for (const page of ['zones', 'zone'] as const) {
    const lines = screen(data, 120, 24, { page, cursor: { ifindex: 42, row: 0 } });
    expect(lines.join('')).not.toMatch(/\p{C}/u);
  }
  expect(screen(watchedAfter(data, undefined, 'no\x1b[2J answer', noon), 80, 5).join('')).not.toMatch(/\p{C}/u);
});

test('where the daemon is away, and where the zone on the page is', () => {
  const away: Watched = { ...watched(), status: 'protect-network is not running (no answer at /run/x.sock)' };
  expect(screen(away, 80, 4)).toEqual([
    'protect-network is not running (no answer at /run/x.sock)',
    'trying again every second',
    '',
    expect.stringMatching(/^q end /),
  ]);
  const gone = screen(watched(), 80, 4, { page: 'zone', cursor: { ifindex: 4711, row: 0 } });
  expect(gone[0]).toBe("This zone's link is gone. Esc leads back to the zones.");
});

test('says that it is paused, what is filtered and how it is sorted', () => {
  const lines = screen(watched(), 80, 24, { isPaused: true, filter: 'WEB', sort: 'sent/s', isReversed: true });
  expect(lines).toContain('Paused: as it was at then. p goes on.');
  expect(lines).toContain("3 zones, 1 with 'WEB', sorted by sent/s, reversed");
  expect(lines.filter((line) => /^(> | {2})vif[\d.]+ /.test(line))).toHaveLength(1);
  expect(screen(watched(), 80, 24, { filter: 'nobody' }).join('\n')).toContain("No zone has 'nobody' in its link");
});

test('bars tell nothing, none and some apart', () => {
  expect(historyBar([null, 0, 1, 50, 100], 8, blocks)).toBe('    ▁▂▅█');
  expect(historyBar([null, 0, 1, 50, 100], 4, shades)).toBe('_░▒█');
  expect(historyBar([], 3, blocks)).toBe('   ');
  expect(historyBar([0, 0], 2, blocks)).toBe('▁▁');
});
