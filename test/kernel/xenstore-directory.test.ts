/** The zone directory against Debian's real xenstored, written to as `xl`, krata, and an attacker would. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { XenstoreDirectory } from '../../src/directories/xenstore/directory.ts';
import type { DirectorySnapshot } from '../../src/directories/zone-directory.ts';
import { path, XenstoreClient } from '../../src/xenstore/index.ts';
import { attachDevice, createDomain, ipNodeOf, readableBy } from '../xenstored/as-xl.ts';
import { setPermissions, write } from '../xenstored/writes.ts';
import { startXenstored, type Xenstored } from '../xenstored/xenstored.ts';

let xenstored: Xenstored;
let client: XenstoreClient;
let directory: XenstoreDirectory;
let changes: number;

beforeEach(async () => {
  changes = 0;
  xenstored = await startXenstored();
  client = new XenstoreClient({ paths: [xenstored.socket], lookAgain: 20 });
  await client.start();
  directory = new XenstoreDirectory({ path: xenstored.socket });
});
afterEach(async () => {
  await directory.stop();
  client.close();
  await xenstored.stop();
});

const start = () =>
  directory.start(() => {
    changes += 1;
  });

/** `vif5.0 10.75.0.3 z5` for every entry. */
function said({ entries }: DirectorySnapshot = directory.snapshot()): string[] {
  return entries.map(({ link, addresses, name, unusable }) =>
    [link, ...addresses, ...(unusable === undefined ? [] : [`unusable: ${unusable.why}`]), name ?? '-'].join(' '),
  );
}

function soon(assertion: () => void, timeout = 1000): Promise<void> {
  return vi.waitFor(assertion, { timeout, interval: 5 });
}

test('says what xl wrote before and after it started, and says it changed', async () => {
  await createDomain(client, 5, 'z5');
  await attachDevice(client, 5, 0, '10.75.0.3 fdd4:1476:6c7e::3');
  await start();
  expect(directory.snapshot()).toMatchObject({
    state: 'answered',
    problems: [],
    entries: [{ link: 'vif5.0', addresses: ['10.75.0.3', 'fdd4:1476:6c7e::3'], name: 'z5', origin: ipNodeOf(5) }],
  });
  const before = changes;
  await createDomain(client, 6, 'z6');
  await attachDevice(client, 6, 1, '10.75.0.4/16');
  await soon(() => expect(said()).toEqual(['vif5.0 10.75.0.3 fdd4:1476:6c7e::3 z5', 'vif6.1 10.75.0.4 z6']));
  expect(changes).toBeGreaterThan(before);
});

test('follows a changed address, a detached device and a destroyed domain', async () => {
  await attachDevice(client, 5, 0, '10.75.0.3');
  await attachDevice(client, 5, 1, '10.75.0.4');
  await start();
  await xenstored.write(ipNodeOf(5), '10.75.0.9');
  await soon(() => expect(said()).toEqual(['vif5.0 10.75.0.9 -', 'vif5.1 10.75.0.4 -']));
  await xenstored.remove('/local/domain/0/backend/vif/5/1');
  await soon(() => expect(said()).toEqual(['vif5.0 10.75.0.9 -']));
  await xenstored.remove('/local/domain/0/backend/vif/5');
  await soon(() => expect(said()).toEqual([]));
  await attachDevice(client, 5, 0, '10.75.0.5');
  await soon(() => expect(said()).toEqual(['vif5.0 10.75.0.5 -']));
  await xenstored.remove('/local/domain/0/backend');
  await soon(() => expect(said()).toEqual([]));
});

test('the snapshot is the same object while nothing we use changes', async () => {
  await attachDevice(client, 5, 0, '10.75.0.3');
  await start();
  await attachDevice(client, 6, 0, '10.75.0.4');
  await soon(() => expect(said()).toHaveLength(2));
  const before = directory.snapshot();
  await xenstored.write('/local/domain/0/backend/vif/5/0/state', '4');
  await xenstored.write('/local/domain/0/backend/vif/5/0/ip', '10.75.0.3');
  await attachDevice(client, 7, 0);
  await attachDevice(client, 8, 0, '10.75.0.8');
  await soon(() => expect(said()).toHaveLength(3));
  expect(directory.snapshot().since).toBe(before.since);
  const after = directory.snapshot();
  await xenstored.write('/local/domain/0/backend/vif/5/0/hotplug-status', 'connected');
  expect(directory.snapshot()).toBe(after);
});

test.each([
  ['its owner becomes the guest', ['n5', 'r0'], 'domain 5 owns it'],
  ['the guest may write', ['n0', 'b5'], 'domain 5 may write it'],
  ['everybody may write', ['w0', 'r5'], 'every domain may write it'],
])(
  'an ip node is dropped within a second when %s, and comes back when that is mended',
  async (_case, permissions, reason) => {
    await attachDevice(client, 5, 0, '10.75.0.3');
    await attachDevice(client, 6, 0, '10.75.0.4');
    await start();
    expect(said()).toHaveLength(2);
    await xenstored.chmod(ipNodeOf(5), ...permissions);
    await soon(() => expect(said()).toEqual(['vif6.0 10.75.0.4 -']));
    const [problem = '', ...more] = directory.snapshot().problems;
    expect(problem).toMatch(/^possible attack: \/local\/domain\/0\/backend\/vif\/5\/0\/ip is not used: /);
    expect(problem).toContain(reason);
    expect(more).toEqual([]);
    await xenstored.chmod(ipNodeOf(5), 'n0', 'r5');
    await soon(() =>
      expect(directory.snapshot()).toMatchObject({ problems: [], entries: [{ link: 'vif5.0' }, { link: 'vif6.0' }] }),
    );
  },
);

test.each([
  ['/local/domain/0/backend/vif/5/0', 1],
  ['/local/domain/0/backend/vif/5', 1],
  ['/local/domain/0/backend/vif', 0],
])('nothing below %s counts when a guest may write that', async (folder, left) => {
  await attachDevice(client, 5, 0, '10.75.0.3');
  await attachDevice(client, 6, 0, '10.75.0.4');
  await start();
  await xenstored.chmod(folder, 'n0', 'w5');
  await soon(() => expect(said()).toHaveLength(left));
  expect(directory.snapshot().problems).toEqual([`possible attack: ${folder} is not used: domain 5 may write it`]);
});

test('a name that the guest may write is not shown, one that xl wrote is', async () => {
  await createDomain(client, 5, 'honest');
  await xenstored.chmod('/local/domain/5/name', 'n5');
  await attachDevice(client, 5, 0, '10.75.0.3');
  await createDomain(client, 6, 'evil\nname');
  await attachDevice(client, 6, 0, '10.75.0.4');
  await start();
  expect(said()).toEqual(['vif5.0 10.75.0.3 -', 'vif6.0 10.75.0.4 -']);
  expect(directory.snapshot().problems).toEqual([]);
});

test('what is no address is reported and the rest is used; both are bounded', async () => {
  const many = Array.from({ length: 20 }, (_, index) => `10.75.1.${index}`).join(' ');
  await attachDevice(client, 5, 0, 'nonsense 10.75.0.3\t10.75.0.3/33 10.75.0.3');
  await attachDevice(client, 6, 0, many);
  await write(client, ipNodeOf(7), Buffer.of(0xff, 0xfe, 0x00, 0x0a));
  for (let device = 0; device < 70; device += 1) await attachDevice(client, 8, device, `10.75.2.${device}`);
  await start();
  const { entries, problems } = directory.snapshot();
  expect(entries.find(({ link }) => link === 'vif5.0')?.addresses).toEqual(['10.75.0.3']);
  expect(entries.find(({ link }) => link === 'vif6.0')?.addresses).toHaveLength(16);
  expect(entries.find(({ link }) => link === 'vif7.0')).toMatchObject({
    addresses: [],
    unusable: { why: `${ipNodeOf(7)}: "ÿþ\\u0000" is not an address` },
  });
  expect(entries.filter(({ link }) => link.startsWith('vif8.'))).toHaveLength(64);
  expect(problems).toEqual([
    `${ipNodeOf(5)}: "nonsense" is not an address`,
    `${ipNodeOf(5)}: "10.75.0.3/33" is not an address`,
    `${ipNodeOf(6)} has 20 addresses; those after 16 are not used`,
    `${ipNodeOf(7)}: "ÿþ\\u0000" is not an address`,
    '/local/domain/0/backend/vif/8 has 70 devices; those after 64 are not used',
  ]);
});

for (const form of ['guest', 'zone']) {
  test(`early krata's keys (${form}) count for the domain's only link, and their folders' permissions too`, async () => {
    const folder = `/local/domain/5/krata/network/${form}`;
    await createDomain(client, 5, 'k5');
    await attachDevice(client, 5, 20);
    await start();
    expect(said()).toEqual([]);
    await xenstored.write(`${folder}/ipv4`, '10.75.0.3/16');
    await xenstored.write(`${folder}/ipv6`, 'fdd4:1476:6c7e::3/48');
    await soon(() => expect(said()).toEqual(['vif5.20 10.75.0.3 fdd4:1476:6c7e::3 k5']));
    for (const opened of [
      '/local/domain/5',
      '/local/domain/5/krata',
      '/local/domain/5/krata/network',
      folder,
      `${folder}/ipv4`,
    ]) {
      await xenstored.chmod(opened, 'n0', 'b5');
      await soon(() => {
        expect(directory.snapshot().problems).toEqual([
          `possible attack: ${opened} is not used: domain 5 may write it`,
        ]);
        expect(said().join()).not.toContain('10.75.0.3');
      });
      await setPermissions(client, path(opened), readableBy(5));
      await soon(() => expect(said()).toEqual(['vif5.20 10.75.0.3 fdd4:1476:6c7e::3 k5']));
    }
  });
}

test('krata names no link: with two there is no guessing', async () => {
  await createDomain(client, 5, 'k5');
  await attachDevice(client, 5, 0);
  await attachDevice(client, 5, 1);
  await write(client, path('/local/domain/5/krata/network/zone/ipv4'), '10.75.0.3/16');
  await start();
  const why = '/local/domain/5/krata/network names no link and domain 5 has 2; not used';
  expect(said()).toEqual([`vif5.0 unusable: ${why} k5`, `vif5.1 unusable: ${why} k5`]);
  expect(directory.snapshot().problems).toEqual([why]);
  await xenstored.remove('/local/domain/0/backend/vif/5/0');
  await soon(() => expect(said()).toEqual(['vif5.1 10.75.0.3 k5']));
});

test('is waited for where it was named, and found when it comes', async () => {
  await xenstored.kill();
  await start();
  expect(directory.snapshot()).toMatchObject({ state: 'waiting', detail: expect.stringContaining('there is no ') });
  await xenstored.restart();
  await soon(() => expect(directory.snapshot().state).toBe('answered'), 3000);
});

test('xenstored away: what it said stays; back: it is read again, and followed as before', async () => {
  await attachDevice(client, 5, 0, '10.75.0.3');
  await attachDevice(client, 6, 0, '10.75.0.4');
  await start();
  await xenstored.kill();
  await soon(() => expect(directory.snapshot().state).toBe('down'));
  expect(said()).toEqual(['vif5.0 10.75.0.3 -', 'vif6.0 10.75.0.4 -']);
  await xenstored.restart();
  await soon(() => expect(directory.snapshot()).toMatchObject({ state: 'answered', entries: [] }), 3000);
  await soon(() => expect(client.state.kind).toBe('connected'), 3000);
  await attachDevice(client, 6, 0, '10.75.0.7');
  await soon(() => expect(said()).toEqual(['vif6.0 10.75.0.7 -']));
  await xenstored.chmod(ipNodeOf(6), 'n6');
  await soon(() => expect(said()).toEqual([]));
});

test('a socket nobody listens on any more is waited for, and says so', async () => {
  await directory.stop();
  await rm(xenstored.socket, { force: true });
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(xenstored.socket, resolve));
  directory = new XenstoreDirectory({ path: xenstored.socket });
  await start();
  expect(directory.snapshot()).toMatchObject({ state: 'waiting', entries: [] });
  await new Promise((resolve) => server.close(resolve));
});

test('hundreds of changes a second end in the last one, and 500 domains are all there', async () => {
  for (let domid = 1; domid <= 500; domid += 1)
    await attachDevice(client, domid, 0, `10.75.${domid >> 8}.${domid & 255}`);
  await start();
  expect(said()).toHaveLength(500);
  for (let round = 0; round < 1000; round += 1) {
    await write(client, ipNodeOf((round % 500) + 1), `10.76.${round >> 8}.${round & 255}`);
  }
  await soon(() => {
    const expected = Array.from({ length: 500 }, (_, index) => `10.76.${(index + 500) >> 8}.${(index + 500) & 255}`);
    expect(directory.snapshot().entries.map(({ addresses }) => addresses[0])).toEqual(expected);
  }, 5000);
});
