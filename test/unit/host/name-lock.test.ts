/** Waiting for a lock: as long as it takes, and without a word. */
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { bindName, withNameLock } from '../../../src/host/name-lock.ts';

const name = `protect-network-name-lock-test-${process.pid}`;

async function holder(): Promise<Server> {
  const server = createServer();
  onTestFinished(() => void server.close());
  expect(await bindName(server, name)).toBe(true);
  return server;
}

it('waits for whoever holds the name, and warns of nothing meanwhile', async () => {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  const server = await holder();
  const waiting = withNameLock(name, 10_000, async () => 'mine');
  // Twice as many tries as an emitter takes listeners without a warning.
  await Promise.race([waiting, delay(20 * 25)]);
  server.close();
  expect(await waiting).toBe('mine');
  expect(warnings.filter((message) => message.includes('listeners'))).toEqual([]);
});

it('says who holds it where that takes too long', async () => {
  await holder();
  await expect(withNameLock(name, 30, async () => 'mine')).rejects.toThrow(`another process holds @${name}`);
});
