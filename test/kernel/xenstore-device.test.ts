/** The client over a character device, with the real xenstored behind it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { below, path, XenstoreClient } from '../../src/xenstore/index.ts';
import { remove, write } from '../xenstored/writes.ts';
import { startDevice, startXenstored, type Xenstored } from '../xenstored/xenstored.ts';

let xenstored: Xenstored;
let device: Awaited<ReturnType<typeof startDevice>>;

beforeAll(async () => {
  xenstored = await startXenstored();
});
afterAll(() => xenstored.stop());
beforeEach(async () => {
  device = await startDevice(xenstored.socket);
});
afterEach(() => device.end());

test('verbs, large directories, transactions and watches work as over the socket', async () => {
  const client = new XenstoreClient({ paths: [device.device, xenstored.socket] });
  try {
    await client.start();
    expect(client.state).toEqual({ kind: 'connected', path: device.device });
    const seen = new Set<string>();
    await client.watch(path('/device'), (changed) => seen.add(changed));
    const nodes = Array.from({ length: 300 }, (_, index) => path(`/device/child-number-${index}`));
    await Promise.all(nodes.map((node) => write(client, node, 'x'.repeat(1000))));
    expect(await client.directory(path('/device'))).toHaveLength(300);
    await vi.waitFor(() => expect(seen).toEqual(new Set(['/device', ...nodes])));
    await client.transaction(async (store) => {
      await remove(store, path('/device'));
      return { end: 'commit', value: undefined };
    });
    await expect(client.read(below(path('/device'), 'x'))).rejects.toMatchObject({ errno: 'ENOENT' });
    // One write is one message; its header, its body and what closing adds share 4096 bytes, which the kernel refuses to exceed.
    await expect(write(client, path('/device'), 'x'.repeat(4063))).rejects.toMatchObject({ errno: 'E2BIG' });
    await write(client, path('/device'), 'x'.repeat(4062));
  } finally {
    client.close();
  }
});

test('closing spoils no request that is still open', async () => {
  const client = new XenstoreClient({ paths: [device.device] });
  await client.start();
  const late = write(client, path('/late'), 'whole');
  client.close();
  await expect(late).rejects.toMatchObject({ code: 'unreachable' });
  const other = new XenstoreClient({ paths: [xenstored.socket] });
  try {
    await other.start();
    await vi.waitFor(async () => expect(await other.read(path('/late'))).toBe('whole'));
  } finally {
    other.close();
  }
});

test('a device that ends breaks the connection', async () => {
  const client = new XenstoreClient({ paths: [device.device], lookAgain: 20 });
  try {
    await client.start();
    await device.end();
    await vi.waitFor(() => expect(client.state.kind).toBe('disconnected'));
  } finally {
    client.close();
  }
});

test('a process that closed its client ends, though a read of the device blocked', async () => {
  const program = `
    import { XenstoreClient } from ${JSON.stringify(new URL('../../src/xenstore/index.ts', import.meta.url).href)};
    const client = new XenstoreClient({ paths: [${JSON.stringify(device.device)}] });
    await client.start();
    console.log(client.state.kind);
    setTimeout(() => client.close(), 100);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 5000,
    killSignal: 'SIGKILL',
  });
  const output = await child.stdout.toArray();
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  expect({ code, output: output.join('') }).toEqual({ code: 0, output: 'connected\n' });
});
