import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { painter } from '../../../src/cli/paint.ts';
import { ratesBetween } from '../../../src/cli/rates.ts';
import { statusText } from '../../../src/cli/status-text.ts';
import { textWidth } from '../../../src/cli/text-width.ts';
import type { Status } from '../../../src/control/status.ts';
import { address, noon, statusOf, zoneOf } from '../control/support.ts';

const troubled: Status = statusOf({
  state: 'degraded',
  zones: [
    zoneOf({ spoofed: { packets: 12_345, bytes: 1_000_000 }, received: { packets: 2e9, bytes: 3.2e12 } }),
    zoneOf({
      link: 'vif1339.2',
      ifindex: 43,
      name: '数据库',
      addresses: [address('10.75.12.34')],
      since: noon - 40_000,
    }),
    zoneOf({
      link: 'vif9.0',
      ifindex: 44,
      name: null,
      addresses: [],
      directory: null,
      state: 'unserved',
      reason: 'no zone directory knows it',
      sent: null,
      received: null,
      spoofed: null,
    }),
  ],
  failures: [{ what: 'host', reason: 'nft: Operation not permitted', attempts: 3, nextTryAt: noon + 4000 }],
  warnings: ['/var/lib/edera/protect/daemon.toml does not exist: the default subnets are used'],
});

/** Without the lines that hold a local time: it depends on where the test runs. */
function plain(status: Status, width: number): string {
  const lines = statusText(status, { now: noon, width, paint: painter(false) });
  const running = lines.findIndex((line) => line.startsWith('Running'));
  return lines.toSpliced(running, lines.findIndex((line) => line.startsWith('Subnets')) - running).join('\n');
}

test('with all the room there is', () => {
  expect(plain(troubled, Number.POSITIVE_INFINITY)).toMatchInlineSnapshot(`
    "protect-network 1.2.3: degraded, 1 link without network (vif9.0), 1 failure, 1 warning
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        3 links, 2 ready

    LINK       NAME    ADDRESSES                    STATE          SENT  PACKETS  RECEIVED  PACKETS  SPOOFED  DIRECTORY
    vif7.0     web     10.75.0.3 fdd4:1476:6c7e::3  ready 2h     568 kB     1.2k    3.2 TB     2.0G      12k  static
    vif1339.2  数据库  10.75.12.34                  ready 40s    568 kB     1.2k     840 B        9        0  static
    vif9.0                                          unserved 2h       -        -         -        -        -

    Failures
      host: nft: Operation not permitted (3 attempts, retrying in 4s)

    No network
      vif9.0: no zone directory knows it

    Warnings
      /var/lib/edera/protect/daemon.toml does not exist: the default subnets are used

    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)

    Last pass    5s ago, took 1.25 ms, 3 changes (link vif7.0 is up)
    So far       12 passes, 4 firewall transactions, 1 repair"
  `);
});

test('on 80 columns', () => {
  expect(plain(troubled, 80)).toMatchInlineSnapshot(`
    "protect-network 1.2.3: degraded, 1 link without network (vif9.0), 1 failure, 1
    warning
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        3 links, 2 ready

    LINK       NAME    ADDRESSES          STATE          SENT  RECEIVED  SPOOFED
    vif7.0     web     10.75.0.3          ready 2h     568 kB    3.2 TB      12k
                       fdd4:1476:6c7e::3
    vif1339.2  数据库  10.75.12.34        ready 40s    568 kB     840 B        0
    vif9.0                                unserved 2h       -         -        -

    Failures
      host: nft: Operation not permitted (3 attempts, retrying in 4s)

    No network
      vif9.0: no zone directory knows it

    Warnings
      /var/lib/edera/protect/daemon.toml does not exist: the default subnets are
      used

    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)

    Last pass    5s ago, took 1.25 ms, 3 changes (link vif7.0 is up)
    So far       12 passes, 4 firewall transactions, 1 repair"
  `);
});

test('on 40 columns', () => {
  expect(plain(troubled, 40)).toMatchInlineSnapshot(`
    "protect-network 1.2.3: degraded, 1 link
    without network (vif9.0), 1 failure, 1
    warning
    Subnets      10.75.0.0/16 and
                 fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1
                 entry
    Zones        3 links, 2 ready

    LINK       STATE          SENT  SPOOFED
    vif7.0     ready 2h     568 kB      12k
    vif1339.2  ready 40s    568 kB        0
    vif9.0     unserved 2h       -        -

    Failures
      host: nft: Operation not permitted (3
      attempts, retrying in 4s)

    No network
      vif9.0: no zone directory knows it

    Warnings
      /var/lib/edera/protect/daemon.toml
      does not exist: the default subnets
      are used

    Put back
      1m 5s ago, within 9.5 ms: our jump in
      ip filter FORWARD, changed by ufw
      (812)

    Last pass    5s ago, took 1.25 ms, 3
                 changes (link vif7.0 is up)
    So far       12 passes, 4 firewall
                 transactions, 1 repair"
  `);
});

/** On a screen, as `--watch` has it, without the local time. */
function onScreen(status: Status, width: number, rows: number): string[] {
  const lines = statusText(status, { now: noon, width, rows, paint: painter(false) });
  return lines.map((line) => line.replace(/since [\d-]+ [\d:]+/, 'since then'));
}

test('on a screen of 10 rows and 40 columns: what is wrong, the zones it is wrong with, and how much is missing', () => {
  expect(`\n${onScreen(troubled, 40, 8).join('\n')}`).toMatchInlineSnapshot(`
    "
    protect-network 1.2.3: degraded, 1 link
    without network (vif9.0), 1 failure, 1
    warning
    LINK       STATE          SENT  SPOOFED
    vif9.0     unserved 2h       -        -
    … 2 more lines of zones
    Failures
    … 8 more lines"
  `);
});

test('on a screen of 24 rows and 80 columns', () => {
  expect(`\n${onScreen(troubled, 80, 22).join('\n')}`).toMatchInlineSnapshot(`
    "
    protect-network 1.2.3: degraded, 1 link without network (vif9.0), 1 failure, 1
    warning
    Running      for 3h, since then, process 4711
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      eth0 (ipv4, ipv6)
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        3 links, 2 ready
    LINK       NAME    ADDRESSES          STATE          SENT  RECEIVED  SPOOFED
    vif7.0     web     10.75.0.3          ready 2h     568 kB    3.2 TB      12k
                       fdd4:1476:6c7e::3
    vif1339.2  数据库  10.75.12.34        ready 40s    568 kB     840 B        0
    vif9.0                                unserved 2h       -         -        -
    Failures
      host: nft: Operation not permitted (3 attempts, retrying in 4s)
    No network
      vif9.0: no zone directory knows it
    Warnings
      /var/lib/edera/protect/daemon.toml does not exist: the default subnets are
      used
    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)"
  `);
});

test('a thousand zones on a small screen leave room for what is wrong', () => {
  const zones = Array.from({ length: 1000 }, (_, place) => zoneOf({ link: `vif${place + 1}.0`, ifindex: place + 1 }));
  const ill = zoneOf({ link: 'vif1001.0', ifindex: 1001, state: 'unserved', reason: 'no zone directory knows it' });
  const lines = onScreen(statusOf({ zones: [...zones, ill] }), 80, 22);
  expect(lines).toHaveLength(22);
  expect(lines[0]).toBe('protect-network 1.2.3: ready, 1 link without network (vif1001.0)');
  expect(lines.find((line) => line.startsWith('vif'))).toMatch(/^vif1001\.0 .*unserved/);
  expect(lines).toContain('  vif1001.0: no zone directory knows it');
  expect(lines.find((line) => line.startsWith('…'))).toMatch(/^… \d+ more lines of zones$/);
});

test('no screen is too small, and none gets more rows than it has', () => {
  for (let rows = 1; rows <= 60; rows += 1) {
    for (const width of [20, 40, 80, 132]) {
      const lines = onScreen(troubled, width, rows);
      expect(lines.length).toBeLessThanOrEqual(Math.max(rows, onScreen(troubled, width, 0).length));
      expect(lines.join('\n')).toMatch(/^protect-network/);
    }
  }
});

test('a host without a way out says so first', () => {
  const [title] = onScreen(statusOf({ uplinks: [] }), 80, 22);
  expect(title).toBe('protect-network 1.2.3: ready, no uplink');
});

test('says which isolation is in force where it is not the default', () => {
  const said = (changes: Partial<Status['isolation']>) => {
    const isolation = { ...statusOf().isolation, ...changes };
    return plain(statusOf({ isolation }), 120)
      .split('\n')
      .filter((line) => line.startsWith('Isolation'));
  };
  expect(said({})).toEqual([]);
  expect(said({ host: 'deny' })).toEqual(['Isolation    zone-to-zone allow, metadata allow, host deny']);
  expect(said({ antiSpoof: false })).toEqual([
    'Isolation    zone-to-zone allow, metadata allow, host allow, anti-spoof false',
  ]);
});

test('under which addresses zones leave, where settings say so', () => {
  const lines = (leaving: Status['leaving']) =>
    plain(statusOf({ leaving }), 160)
      .split('\n')
      .filter((line) => line.startsWith('Leaving'));
  expect(lines({ ipv4: 'masquerade', ipv6: null, noMasquerade: [] })).toEqual([]);
  expect(lines({ ipv4: '192.0.2.7', ipv6: 'own', noMasquerade: ['10.200.0.0/16'] })).toEqual([
    "Leaving      IPv4 under 192.0.2.7; IPv6 under zones' own addresses; to 10.200.0.0/16 under zones' own addresses",
  ]);
});

test('a host without zones', () => {
  const status = statusOf({ state: 'starting', zones: [], lastPass: null, uplinks: [] });
  expect(plain(status, 80)).toMatchInlineSnapshot(`
    "protect-network 1.2.3: starting
    Subnets      10.75.0.0/16 and fdd4:1476:6c7e::/48
    Uplinks      none: this host has no default route
    Directories  control-api absent for 1m
                 static answered for 1m, 1 entry
    Zones        0 links, 0 ready

    No zone has a link on this host.

    Put back
      1m 5s ago, within 9.5 ms: our jump in ip filter FORWARD, changed by ufw (812)

    Last pass    none yet
    So far       12 passes, 4 firewall transactions, 1 repair"
  `);
});

test('nothing is ever wider than the terminal, coloured or not', () => {
  for (let width = 20; width <= 200; width += 1) {
    const lines = statusText(troubled, { now: noon, width, paint: painter(true) });
    expect(lines.map((line) => textWidth(stripVTControlCharacters(line))).filter((each) => each > width)).toEqual([]);
  }
});

test('what zones and files say cannot steer the terminal', () => {
  const status = statusOf({ zones: [zoneOf({ name: 'a\x1b]0;x\x07\u202eb' })], warnings: ['x\x1b[2J'] });
  expect(plain(status, 120)).not.toMatch(/[^\P{C}\n]/u);
});

test('rates are per second, and unknown where a counter began anew', () => {
  const before = { at: 1000, status: statusOf({ zones: [zoneOf({ sent: { packets: 1, bytes: 1000 } })] }) };
  const after = {
    at: 3000,
    status: statusOf({
      zones: [
        zoneOf({ sent: { packets: 9, bytes: 9000 }, received: { packets: 0, bytes: 0 } }),
        zoneOf({ ifindex: 99, link: 'vif8.0' }),
      ],
    }),
  };
  expect([...ratesBetween(before, after)]).toEqual([
    [42, { sent: 4000, received: null }],
    [99, { sent: null, received: null }],
  ]);
});
