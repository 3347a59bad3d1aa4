/** Garbage, floods and streams without end: a clear word on what is wrong, bounded memory, no crash, nothing pruned. */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { ederaZone, krataZone } from '../../../control-api/zones.ts';
import { harness, ignore, link, served } from './harness.ts';

test.each([
  ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251))],
  ['an HTTP/1 answer', Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')],
  ['an oversized HTTP/2 frame', Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, ...Array<number>(1024).fill(65)])],
])('a socket that speaks %s is refused and asked again', async (_what, bytes) => {
  const { directory, path, server, until } = harness();
  const sockets = new Set<Socket>();
  const garbage = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', ignore);
    socket.write(bytes);
  });
  garbage.listen(path);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    garbage.close();
  });
  const started = directory.start(ignore);
  await until((now) => /next try in/.test(now.detail));
  await started;
  expect(directory.snapshot()).toMatchObject({ state: 'waiting', entries: [] });
  await server().start();
  await until(({ state }) => state === 'answered');
});

test('a server of something else is refused by the names of both services', async () => {
  const { directory, path, until } = harness();
  const other = new Server();
  onTestFinished(() => other.forceShutdown());
  await new Promise((resolve) => other.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), resolve));
  await directory.start(ignore);
  await until(({ detail }) => /serves neither protect.control.v1 nor krata.v1.control; next try/.test(detail));
  expect(directory.snapshot()).toMatchObject({ state: 'waiting', entries: [] });
});

test('a list without end is given up after five seconds, and prunes nothing', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  daemon.put(ederaZone('b', 4, ['10.75.0.4']));
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  daemon.listing = 'endless';
  daemon.zones.delete('b');
  daemon.announceWorkload();
  daemon.announce(ederaZone('c', 5, ['10.75.0.5']));
  const { detail } = await until(({ state }) => state === 'down');
  expect(detail).toContain('DEADLINE_EXCEEDED');
  expect(served(directory.snapshot())).toEqual(['vif3.0 10.75.0.3', 'vif4.0 10.75.0.4', 'vif5.0 10.75.0.5']);
});

test('a list of more zones than there can be domains is refused before it ends', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.zonesPerReply = 1_000;
  for (let index = 0; index < 33_000; index += 1) daemon.zones.set(`${index}`, { id: `${index}` });
  await daemon.start();
  await directory.start(ignore);
  await until(({ detail }) => /lists more than 32768 zones; next try/.test(detail));
  expect(directory.snapshot().state).toBe('waiting');
});

test('a reply over the limit is refused', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.listing = 'oversized';
  await daemon.start();
  await directory.start(ignore);
  await until(({ detail }) => /RESOURCE_EXHAUSTED.*larger than max/.test(detail));
});

test('a server that never answers keeps nobody waiting for more than five seconds', async () => {
  const { directory, server } = harness();
  const daemon = server();
  daemon.listing = 'hang';
  await daemon.start();
  const begin = performance.now();
  await directory.start(ignore);
  expect(performance.now() - begin).toBeLessThan(20_000);
  expect(directory.snapshot()).toMatchObject({ state: 'waiting' });
});

test('stop ends a list that hangs at once', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.listing = 'hang';
  await daemon.start();
  const started = directory.start(ignore);
  await until(() => daemon.lists === 1);
  const begin = performance.now();
  await directory.stop();
  await started;
  expect(performance.now() - begin).toBeLessThan(4_000);
});

test.each(['edera', 'krata'] as const)('5,000 zones in one list of %s', async (flavour) => {
  const { directory, links, server, until } = harness();
  const daemon = server(flavour);
  for (let domid = 1; domid <= 5_000; domid += 1) {
    const address = `10.75.${domid >> 8}.${domid & 255}/16`;
    daemon.zones.set(
      `${domid}`,
      flavour === 'edera' ? ederaZone(`${domid}`, domid, [address]) : krataZone(`${domid}`, domid, address),
    );
    links.push(link(`vif${domid}.2`));
  }
  await daemon.start();
  await directory.start(ignore);
  const { entries, problems } = await until(({ state }) => state === 'answered');
  expect(entries.length).toBe(5_000);
  expect(problems).toEqual([]);
});

test('a hundred changes a second among 500 zones: few lists, no zone flickers, memory stays', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  for (let domid = 1; domid <= 500; domid += 1) {
    daemon.zones.set(`${domid}`, ederaZone(`${domid}`, domid, [`10.75.${domid >> 8}.${domid & 255}`]));
  }
  await daemon.start();
  let fewest = 500;
  await directory.start(() => {
    fewest = Math.min(fewest, directory.snapshot().entries.length);
  });
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  const listsBefore = daemon.lists;
  const heapBefore = process.memoryUsage().heapUsed;
  const begin = performance.now();
  for (let change = 0; change < 300; change += 1) {
    const domid = 1 + (change % 500);
    daemon.put(ederaZone(`${domid}`, domid, [`10.75.${100 + (change % 50)}.${domid & 255}`]));
    await sleep(Math.max(0, begin + change * 10 - performance.now()));
  }
  daemon.put(ederaZone('last', 9_000, ['10.75.200.1']));
  await until((now) => served(now).includes('vif9000.0 10.75.200.1'));
  const elapsed = performance.now() - begin;
  expect(daemon.lists - listsBefore).toBeLessThan(elapsed / 20 + 2);
  expect(fewest).toBe(500);
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(100 * 1024 * 1024);
});

test('events faster than lists lead to lists 20 ms apart', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  while (daemon.lists < 8) {
    daemon.put(ederaZone('a', 3, ['10.75.0.3']));
    await sleep(2);
  }
  const gaps = daemon.listTimes.slice(2).map((time, index) => time - (daemon.listTimes[index + 1] ?? 0));
  expect(gaps.length).toBeGreaterThan(3);
  // The middle one, because the machine's own delays move single lists together.
  expect(gaps.sort((left, right) => left - right)[gaps.length >> 1]).toBeGreaterThan(18);
});

test('a flood of events is worked through', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  const zone = ederaZone('a', 3, ['10.75.0.3']);
  for (let event = 0; event < 20_000; event += 1) daemon.announce(zone);
  daemon.put(ederaZone('b', 4, ['10.75.0.4']));
  await until((now) => served(now).includes('vif4.0 10.75.0.4') && daemon.backlog === 0);
});

test('events wait at the server while no list is answered', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  daemon.listing = 'hang';
  for (let event = 0; event < 20_000; event += 1) daemon.announce(ederaZone('a', 3, ['10.75.0.3']));
  await until((now) => now.entries.length === 1);
  // What is on its way when the list begins to hang still arrives; then nothing moves any more.
  let before = Number.NaN;
  await until(() => daemon.lists === 3);
  while (daemon.backlog !== before) {
    before = daemon.backlog;
    await sleep(500);
  }
  expect(before).toBeGreaterThan(10_000);
});
