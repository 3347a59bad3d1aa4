/** What a report tells of Debian's real xenstored. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeLine, readVifNodes } from '../../src/report/xenstore-nodes.ts';
import { below, path, XenstoreClient } from '../../src/xenstore/index.ts';
import { attachDevice, createDomain } from '../xenstored/as-xl.ts';
import { write } from '../xenstored/writes.ts';
import { startXenstored, type Xenstored } from '../xenstored/xenstored.ts';

let xenstored: Xenstored;
beforeAll(async () => {
  xenstored = await startXenstored();
});
afterAll(() => xenstored.stop());

it('the backends of links, their domains, and what the guests wrote, each with who may write it', async () => {
  const client = new XenstoreClient({ paths: [xenstored.socket] });
  await client.start();
  await createDomain(client, 7, 'web');
  await attachDevice(client, 7, 0, '10.75.0.7');
  await write(client, below(path('/local/domain/7'), 'device', 'vif', 0, 'state'), '\u001b[2J');
  await write(client, below(path('/local/domain/7'), 'memory', 'target'), '4194304');
  client.close();
  const nodes = await readVifNodes([xenstored.socket]);
  expect(nodes.map(nodeLine)).toEqual([
    '/local/domain/0/backend/vif = ""  (n0)',
    '/local/domain/0/backend/vif/7 = ""  (n0)',
    '/local/domain/0/backend/vif/7/0 = ""  (n0,r7)',
    '/local/domain/0/backend/vif/7/0/frontend-id = "7"  (n0,r7)',
    '/local/domain/0/backend/vif/7/0/state = "1"  (n0,r7)',
    '/local/domain/0/backend/vif/7/0/ip = "10.75.0.7"  (n0,r7)',
    '/local/domain/7/name = "web"  (n0,r7)',
    '/local/domain/7/device/vif = ""  (n0,r7)',
    '/local/domain/7/device/vif/0 = ""  (n0,r7)',
    '/local/domain/7/device/vif/0/state = "\\u001b[2J"  (n0,r7)',
  ]);
});
