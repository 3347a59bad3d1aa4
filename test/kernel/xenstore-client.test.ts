/** The client against Debian's real xenstored. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { below, type ClientState, path, XenstoreClient } from '../../src/xenstore/index.ts';
import { mkdir, remove, setPermissions, write } from '../xenstored/writes.ts';
import { startXenstored, type Xenstored } from '../xenstored/xenstored.ts';

let xenstored: Xenstored;
let client: XenstoreClient;
let other: XenstoreClient;
let states: ClientState[];

beforeAll(async () => {
  xenstored = await startXenstored();
});
afterAll(() => xenstored.stop());

beforeEach(async () => {
  states = [];
  client = new XenstoreClient({ paths: [xenstored.socket], lookAgain: 20, onState: (state) => states.push(state) });
  other = new XenstoreClient({ paths: [xenstored.socket], lookAgain: 20 });
  await Promise.all([client.start(), other.start()]);
  expect(client.state).toEqual({ kind: 'connected', path: xenstored.socket });
});
afterEach(() => {
  client.close();
  other.close();
});

test('writes, reads, lists, makes and removes', async () => {
  const folder = path('/verbs');
  await write(client, below(folder, 'a', 'deep'), 'Grüße');
  await mkdir(client, below(folder, 'b'));
  await mkdir(client, below(folder, 'b'));
  expect((await client.directory(folder)).sort()).toEqual(['a', 'b']);
  expect(await client.read(below(folder, 'a', 'deep'))).toBe('Grüße');
  expect(await client.directory(below(folder, 'b'))).toEqual([]);
  await remove(client, below(folder, 'a'));
  await remove(client, below(folder, 'a'));
  await expect(client.read(below(folder, 'a', 'deep'))).rejects.toMatchObject({ code: 'vanished', errno: 'ENOENT' });
  await expect(client.directory(path('/nowhere'))).rejects.toMatchObject({ errno: 'ENOENT' });
});

test('values are bytes', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  await write(client, path('/bytes'), bytes);
  expect(await client.readBytes(path('/bytes'))).toEqual(bytes);
  await expect(client.read(path('/bytes'))).rejects.toMatchObject({ code: 'garbled' });
  await write(client, path('/bytes'), '');
  expect(await client.read(path('/bytes'))).toBe('');
});

test('permissions come back as they were set, by us and by xenstore-chmod', async () => {
  const node = path('/permissions');
  await write(client, node, '');
  const permissions = { owner: 5, others: 'read', entries: [{ domid: 7, access: 'both' }] } as const;
  await setPermissions(client, node, permissions);
  expect(await client.permissions(node)).toEqual(permissions);
  await xenstored.chmod(node, 'n0', 'r5', 'w6');
  expect(await client.permissions(node)).toEqual({
    owner: 0,
    others: 'none',
    entries: [
      { domid: 5, access: 'read' },
      { domid: 6, access: 'write' },
    ],
  });
});

test('a directory of more than 4096 bytes is read in parts', async () => {
  const names = Array.from({ length: 700 }, (_, index) => `child-number-${index}`);
  await Promise.all(names.map((name) => mkdir(client, below(path('/big'), name))));
  expect((await client.directory(path('/big'))).sort()).toEqual([...names].sort());
  expect(
    await client.transaction(async (store) => ({ end: 'commit', value: (await store.directory(path('/big'))).length })),
  ).toBe(700);
});

test('a directory that shrinks while it is read in parts still comes whole', async () => {
  const leaving = Array.from({ length: 200 }, (_, index) => path(`/shrinking/leaving-${index}`));
  const staying = Array.from({ length: 500 }, (_, index) => path(`/shrinking/staying-${index}`));
  await Promise.all([...leaving, ...staying].map((node) => mkdir(client, node)));
  // What leaves stood before what stays: every removal shifts the offset at which the next part begins.
  let shrinking = true;
  const shrink = (async () => {
    for (const node of leaving) {
      await remove(other, node);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    shrinking = false;
  })();
  try {
    while (shrinking) {
      const names = await client.directory(path('/shrinking'));
      expect(names.filter((name) => name.startsWith('staying'))).toHaveLength(staying.length);
      expect(new Set(names).size).toBe(names.length);
    }
  } finally {
    await shrink;
  }
});

test('a transaction is seen by others as a whole, or, aborted or failed, not at all', async () => {
  const node = path('/transaction/value');
  await client.transaction(async (store) => {
    await write(store, node, 'inside');
    await expect(other.read(node)).rejects.toMatchObject({ errno: 'ENOENT' });
    return { end: 'commit', value: undefined };
  });
  expect(await other.read(node)).toBe('inside');
  await client.transaction(async (store) => {
    await write(store, node, 'aborted');
    return { end: 'abort', value: undefined };
  });
  const failure = new Error('thought better of it');
  const failed = client.transaction(async (store) => {
    await write(store, node, 'failed');
    throw failure;
  });
  await expect(failed).rejects.toBe(failure);
  expect(await other.read(node)).toBe('inside');
});

test('a transaction in conflict runs again, and gives up with EAGAIN after its attempts', async () => {
  const node = path('/conflict');
  await write(client, node, '0');
  const increment = (conflicts: number) => {
    let runs = 0;
    return client.transaction(async (store) => {
      const seen = Number(await store.read(node));
      runs += 1;
      if (runs <= conflicts) await write(other, node, String(seen + 100));
      await write(store, node, String(seen + 1));
      return { end: 'commit', value: runs };
    }, 3);
  };
  expect(await increment(2)).toBe(3);
  expect(await client.read(node)).toBe('201');
  await expect(increment(3)).rejects.toMatchObject({ code: 'conflict', errno: 'EAGAIN' });
  expect(await client.read(node)).toBe('501');
});

test('a watch fires at once, for changes below, for permissions and for a removal above, until it is closed', async () => {
  await write(client, path('/watched/a/b'), '');
  const events: string[] = [];
  const watch = await client.watch(path('/watched/a'), (changed) => events.push(changed));
  const eventsAre = (...expected: string[]) => vi.waitFor(() => expect(events).toEqual(expected));
  await eventsAre('/watched/a');
  await xenstored.write('/watched/a/b', 'x');
  await eventsAre('/watched/a', '/watched/a/b');
  await xenstored.chmod('/watched/a/b', 'n0', 'b5');
  await eventsAre('/watched/a', '/watched/a/b', '/watched/a/b');
  await xenstored.chmod('/watched', 'n0', 'b5');
  await xenstored.remove('/watched');
  await eventsAre('/watched/a', '/watched/a/b', '/watched/a/b', '/watched/a');
  await watch.close();
  await write(client, path('/watched/a'), '');
  await client.read(path('/watched/a'));
  expect(events).toHaveLength(4);
});

test('a thousand requests and a thousand events share a connection, each finding its own', async () => {
  const seen = new Set<string>();
  await client.watch(path('/mixed'), (changed) => seen.add(changed));
  const nodes = Array.from({ length: 1000 }, (_, index) => path(`/mixed/${index}`));
  await Promise.all(nodes.map((node) => write(client, node, node)));
  expect(await Promise.all(nodes.map((node) => client.read(node)))).toEqual(nodes);
  await vi.waitFor(() => expect(seen).toEqual(new Set(['/mixed', ...nodes])));
});

test('after a restart of xenstored every watch stands again and has fired', async () => {
  const fired = { a: 0, b: 0 };
  await client.watch(path('/a'), () => {
    fired.a += 1;
  });
  await client.watch('@releaseDomain', () => {
    fired.b += 1;
  });
  await vi.waitFor(() => expect(fired).toEqual({ a: 1, b: 1 }));
  await xenstored.kill();
  await vi.waitFor(() => expect(client.state.kind).toBe('disconnected'));
  await expect(client.read(path('/a'))).rejects.toMatchObject({ code: 'unreachable' });
  await xenstored.restart();
  await vi.waitFor(() => expect(client.state.kind).toBe('connected'), { timeout: 5000 });
  await vi.waitFor(() => expect(fired).toEqual({ a: 2, b: 2 }));
  await xenstored.write('/a/new', '');
  await vi.waitFor(() => expect(fired).toEqual({ a: 3, b: 2 }));
  expect(states.map(({ kind }) => kind)).toContain('disconnected');
});
