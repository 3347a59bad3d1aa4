import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ControlApiDirectory } from '../../../../src/directories/control-api/directory.ts';
import { ederaZone, krataZone } from '../../../control-api/zones.ts';
import { harness, ignore, lines, link, served } from './harness.ts';

test('lists zones of several replies, then follows events', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.zonesPerReply = 1;
  daemon.put(ederaZone('a', 3, ['10.75.0.3/16', 'FDD4:1476:6C7E::3/48'], { name: 'web' }));
  daemon.put(ederaZone('b', 4, ['10.75.0.4']));
  await daemon.start();
  await directory.start(ignore);

  const { state, problems } = directory.snapshot();
  expect({ state, problems }).toEqual({ state: 'answered', problems: [] });
  expect(lines(directory.snapshot())).toEqual([
    'vif3.0 10.75.0.3,fdd4:1476:6c7e::3 web zone a',
    'vif4.0 10.75.0.4 b zone b',
  ]);

  await until(() => daemon.watchers === 1);
  daemon.announceWorkload();
  daemon.put(ederaZone('c', 5, ['10.75.0.5']));
  await until((now) => served(now).includes('vif5.0 10.75.0.5'));
  daemon.remove('c');
  await until((now) => now.entries.length === 2);
});

test('follows a zone whose address and domain change under the same id', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1);
  daemon.put(ederaZone('a', 3, ['10.75.0.9']));
  await until((now) => served(now).join() === 'vif3.0 10.75.0.9');
  daemon.put(ederaZone('a', 8, ['10.75.0.9']));
  await until((now) => served(now).join() === 'vif8.0 10.75.0.9');
});

test('tells a zone from one that was destroyed and had its name', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('old', 3, ['10.75.0.3'], { name: 'web' }));
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1);
  daemon.remove('old', ederaZone('old', 3, ['10.75.0.3'], { name: 'web', state: 6 }));
  daemon.put(ederaZone('new', 4, ['10.75.0.3'], { name: 'web' }));
  await until((now) => lines(now).join() === 'vif4.0 10.75.0.3 web zone new');
});

test('an ended zone is withdrawn by its event alone', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1);
  await until(() => daemon.lists === 2);
  daemon.listing = 'hang';
  daemon.announce(ederaZone('a', 3, ['10.75.0.3'], { state: 5 }));
  await until((now) => now.entries.length === 0);
});

test('a new zone is served by its event alone, and a list that began before does not take it away', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  await daemon.start();
  const counts: number[] = [];
  await directory.start(() => counts.push(directory.snapshot().entries.length));
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  daemon.listing = 'hold';
  daemon.announceWorkload();
  daemon.announce(ederaZone('b', 4, ['10.75.0.4']));
  await until(() => daemon.lists === 3);
  daemon.announce(ederaZone('c', 5, ['10.75.0.5']));
  await until((now) => now.entries.length === 3);
  daemon.zones.set('b', ederaZone('b', 4, ['10.75.0.4']));
  daemon.release();
  daemon.zones.set('c', ederaZone('c', 5, ['10.75.0.5']));
  daemon.listing = 'normal';
  await until(() => daemon.lists === 4);
  await until(() => daemon.backlog === 0);
  expect(counts).toEqual([1, 2, 3]);
});

test('a change is noticed without any event by the regular list', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  daemon.zones.set('a', ederaZone('a', 3, ['10.75.0.3']));
  await until((now) => now.entries.length === 1);
});

test('without events the directory stays answered, says why, and watches again', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.watching = 'refuse';
  await daemon.start();
  await directory.start(ignore);
  const { state } = await until((now) => /ended the stream; next try in/.test(now.detail));
  expect(state).toBe('answered');
  daemon.watching = 'normal';
  await until((now) => now.detail === `protect.control.v1 at ${daemon.path}`);
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  await until((now) => now.entries.length === 1, 4_000);
});

test('what changes between the list and the acceptance of the watch is not missed', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.watching = 'silent';
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1);
  daemon.zones.set('a', ederaZone('a', 3, ['10.75.0.3']));
  daemon.announceWorkload();
  await until((now) => now.entries.length === 1, 4_000);
});

test('a killed daemon is down, its zones stay; only the first answered list of the next one prunes', async () => {
  const { directory, server, until } = harness();
  const first = server();
  first.put(ederaZone('a', 3, ['10.75.0.3']));
  first.put(ederaZone('b', 4, ['10.75.0.4']));
  await first.start();
  let changes = 0;
  await directory.start(() => {
    changes += 1;
  });
  first.kill();
  const down = await until(({ state }) => state === 'down');
  expect(served(down)).toEqual(['vif3.0 10.75.0.3', 'vif4.0 10.75.0.4']);
  expect(down.detail).toMatch(/stays in force/);

  const second = server();
  second.listing = 'fail';
  second.zonesPerReply = 1;
  second.put(ederaZone('a', 3, ['10.75.0.3']));
  second.put(ederaZone('c', 5, ['10.75.0.5']));
  await second.start();
  await until(() => second.lists >= 2);
  expect(served(directory.snapshot())).toEqual(['vif3.0 10.75.0.3', 'vif4.0 10.75.0.4']);
  expect(directory.snapshot().state).toBe('down');
  expect(changes).toBe(2);

  second.listing = 'normal';
  const back = await until(({ state }) => state === 'answered');
  expect(served(back)).toEqual(['vif3.0 10.75.0.3', 'vif5.0 10.75.0.5']);
  expect(changes).toBe(3);
});

test('a socket replaced under a living connection is noticed within a second', async () => {
  const { directory, server, until } = harness();
  const first = server();
  first.put(ederaZone('a', 3, ['10.75.0.3']));
  await first.start();
  await directory.start(ignore);
  const second = server();
  second.put(ederaZone('b', 4, ['10.75.0.4']));
  await second.start();
  await until((now) => served(now).join() === 'vif4.0 10.75.0.4', 4_000);
  expect(directory.snapshot().state).toBe('answered');
});

test('absent, waiting, answered and down as the socket comes and goes', async () => {
  const { folder, directory, server, until } = harness();
  rmSync(folder, { recursive: true });
  await directory.start(ignore);
  expect(directory.snapshot().state).toBe('absent');
  mkdirSync(folder);
  await until(({ state }) => state === 'waiting');
  const daemon = server();
  await daemon.start();
  const { since } = await until(({ state }) => state === 'answered');
  expect(Date.now() - since).toBeLessThan(20_000);
  daemon.kill();
  rmSync(join(folder, 'daemon.socket'), { force: true });
  await until(({ state, detail }) => state === 'down' && detail.includes('does not exist'));
});

test('speaks krata where the server knows no other service, and finds its socket in the other place', async () => {
  const { folder, directory, links, server, until } = harness();
  mkdirSync(join(folder, 'krata'));
  const daemon = server('krata', join(folder, 'krata', 'daemon.socket'));
  daemon.put(krataZone('a', 3, '10.75.0.3/16', 'fdd4:1476:6c7e::3/48'));
  daemon.put(krataZone('b', 4, '10.75.0.4/16'));
  await daemon.start();
  await directory.start(ignore);
  expect(directory.snapshot()).toMatchObject({ state: 'answered', entries: [], problems: [] });

  links.push(link('vif3.20'), link('vif4.0'), link('vif4.2'));
  directory.linksChanged();
  expect(lines(directory.snapshot())).toEqual(['vif3.20 10.75.0.3,fdd4:1476:6c7e::3 a zone a']);
  expect(directory.snapshot().problems.join()).toMatch(
    /domain 4 has several links \(vif4.0, vif4.2\).*krata does not name one/,
  );

  links.pop();
  directory.linksChanged();
  expect(served(directory.snapshot())).toContain('vif4.0 10.75.0.4');
  await until(() => daemon.watchers === 1);
  daemon.remove('a', krataZone('a', 3, '10.75.0.3/16', '', 5));
  await until((now) => served(now).join() === 'vif4.0 10.75.0.4');
});

test('a krata server on the first path is spoken to in its own service', async () => {
  const { directory, links, server, until } = harness();
  links.push(link('vif3.0'));
  const daemon = server('krata');
  daemon.put(krataZone('a', 3, '10.75.0.3/16'));
  await daemon.start();
  await directory.start(ignore);
  expect(directory.snapshot().detail).toContain('krata.v1.control');
  await until((now) => served(now).join() === 'vif3.0 10.75.0.3');
});

test('the same snapshot while nothing changes', async () => {
  const { directory, server, until } = harness();
  const daemon = server();
  daemon.put(ederaZone('a', 3, ['10.75.0.3']));
  daemon.put(ederaZone('b', 4, ['10.75.0.4']));
  await daemon.start();
  await directory.start(ignore);
  await until(() => daemon.watchers === 1 && daemon.lists === 2);
  const before = directory.snapshot();
  const [first, second] = [...daemon.zones.values()];
  daemon.zones.clear();
  for (const zone of [second, first]) if (zone !== undefined) daemon.zones.set(zone.id, zone);
  daemon.announceWorkload();
  if (first !== undefined) daemon.announce(first);
  await until(() => daemon.lists === 3);
  await sleep(50);
  expect(directory.snapshot()).toBe(before);
});

test('a file that is no socket is an error to retry, not a crash', async () => {
  const { directory, path, server, until } = harness();
  writeFileSync(path, 'not a socket');
  await directory.start(ignore);
  expect(directory.snapshot()).toMatchObject({ state: 'waiting', entries: [] });
  expect(directory.snapshot().detail).toMatch(/UNAVAILABLE.*next try in/);
  await server().start();
  await until(({ state }) => state === 'answered');
});

test('refuses a target that is no Unix socket', () => {
  const options = { target: 'http://[::1]:50051', links: () => [] };
  expect(() => new ControlApiDirectory(options)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
});
