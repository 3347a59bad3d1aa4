/** When somebody undoes each repair, how soon that is noticed, and what happens to the next ones. */
import { expect, it } from 'vitest';
import { Quarrel } from '../../../src/lifecycle/quarrel.ts';

it('a few repairs in a row are no quarrel', () => {
  const quarrel = new Quarrel();
  for (let round = 0; round < 7; round += 1) expect(quarrel.repaired(round * 10, ['ufw (812)'])).toBe(0);
  expect(quarrel.status(70)).toBeUndefined();
});

it('repairs spread over time are none either', () => {
  const quarrel = new Quarrel();
  for (let round = 0; round < 100; round += 1) expect(quarrel.repaired(round * 1500, ['ufw (812)'])).toBe(0);
});

it('from the eighth within ten seconds on, each waits twice as long, up to 2 s', () => {
  const quarrel = new Quarrel();
  const waits: number[] = [];
  for (let now = 0; now < 60_000; now += 20 + (waits.at(-1) ?? 0)) waits.push(quarrel.repaired(now, ['ufw (812)']));
  expect(waits.slice(0, 14)).toEqual([0, 0, 0, 0, 0, 0, 0, 100, 200, 400, 800, 1600, 2000, 2000]);
  expect(Math.max(...waits)).toBe(2000);
});

it('says who it is, how often it was put right, and when the next repair comes', () => {
  const quarrel = new Quarrel();
  for (let round = 0; round < 8; round += 1) quarrel.repaired(round, ['iptables (830) of ufw (812)']);
  const status = quarrel.status(8);
  expect(status?.reason).toContain('iptables (830) of ufw (812) keeps reverting our repairs (8 so far)');
  expect(status?.attempts).toBe(8);
  expect(status?.nextTryAt).toBeGreaterThan(Date.now() - 1000);
});

it('ends after 30 s of peace, and begins anew with the full patience', () => {
  const quarrel = new Quarrel();
  for (let round = 0; round < 10; round += 1) quarrel.repaired(round, []);
  expect(quarrel.status(29_000)?.reason).toContain('the kernel does not say which');
  expect(quarrel.status(30_100)).toBeUndefined();
  expect(quarrel.repaired(30_100, [])).toBe(0);
  expect(quarrel.status(30_101)).toBeUndefined();
});
