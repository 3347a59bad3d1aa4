/** The daemon's end of the forwarder's socket, against a forwarder that does what it likes. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { ForwarderServer } from '../../../src/control/forwarder-server.ts';
import { waitFor } from '../../lab/wait-for.ts';
import { temporaryDirectory } from './support.ts';

const asked = 20_000;

it('a forwarder that asks for more leases than can be opened waits, and is answered all of them', async () => {
  let [opening, most] = [0, 0];
  const go = Promise.withResolvers<void>();
  const server = new ForwarderServer({
    mayConnect: () => true,
    open: async () => {
      opening += 1;
      most = Math.max(most, opening);
      await go.promise;
      opening -= 1;
      return { kind: 'refused', reason: 'no rule' };
    },
    notAllowed: () => undefined,
    totals: () => undefined,
    connected: () => undefined,
    failed: () => undefined,
  });
  const path = join(temporaryDirectory(), 'dns.sock');
  await server.listen(path);
  onTestFinished(() => server.close());
  const client = connect(path);
  onTestFinished(() => {
    client.destroy();
  });
  const answered = new Set<number>();
  createInterface(client).on('line', (line) => answered.add((JSON.parse(line) as { id: number }).id));
  const lease = { kind: 'lease', link: 'vif7.0', name: 'api.example.com', addresses: ['198.51.100.7'], ttl: 60 };
  for (let id = 0; id < asked; id += 1) client.write(`${JSON.stringify({ ...lease, id })}\n`);
  await waitFor(() => most >= 256, { what: 'the bound to be reached' });
  for (let turn = 0; turn < 200; turn += 1) await nextTurn();
  // One piece that was read already may hold some hundreds more.
  expect(most).toBeLessThan(1500);
  go.resolve();
  await waitFor(() => answered.size === asked, { what: 'all answers', deadlineMs: 20_000 });
  expect(most).toBeLessThan(1500);
});
