import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { painter } from '../../../src/cli/paint.ts';
import { ratesBetween } from '../../../src/cli/rates.ts';
import { statusText } from '../../../src/cli/status-text.ts';
import { textWidth } from '../../../src/cli/text-width.ts';
import type { Status } from '../../../src/control/status.ts';
import { noon, statusOf, zoneOf } from '../control/support.ts';
import { troubled } from './troubled.ts';

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

    LINK       NAME    STATE        SPOOFED
    vif7.0     web     ready 2h         12k
    vif1339.2  数据库  ready 40s          0
    vif9.0             unserved 2h        -

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

test('a host without a way out says so first', () => {
  expect(plain(statusOf({ uplinks: [] }), 80).split('\n', 1)[0]).toBe('protect-network 1.2.3: ready, no uplink');
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

test('the blocks of a host of a fleet, and who announces them', () => {
  const blocks = [
    { block: '10.75.2.0/24', used: 7, capacity: 254 },
    { block: 'fdd4:1476:6c7e:2::/64', used: 7, capacity: 2 ** 64 },
  ];
  const line = (router?: string) =>
    statusText(statusOf({ fleet: { blocks } }), { now: 0, width: 160, paint: (_, text) => text, router }).find((each) =>
      each.startsWith('Fleet'),
    );
  const said = 'Fleet        block 10.75.2.0/24: 7 of 254; block fdd4:1476:6c7e:2::/64: 7 of 2^64';
  expect(line('bird')).toBe(`${said}; announced by bird`);
  expect(line()).toBe(`${said}; no routing daemon is seen`);
  expect(plain(statusOf({}), 160)).not.toContain('Fleet');
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
    [42, { sent: 4000, received: null, dropped: 0 }],
    [99, { sent: null, received: null, dropped: null }],
  ]);
});
