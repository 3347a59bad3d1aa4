/** What the watchdog is told by: the loop comes by between passes, and at no other time. */
import { describe, expect, it } from 'vitest';
import { Loop } from '../../../src/lifecycle/loop.ts';
import { waitFor } from '../../lab/wait-for.ts';

describe('a turn of the loop', () => {
  it('comes at once where nothing is to be done, and costs no pass', async () => {
    let passes = 0;
    const loop = new Loop(async () => {
      passes += 1;
    });
    loop.begin();
    await loop.turn();
    expect(passes).toBe(0);
  });

  it('leaves a loop that still answers to marks, and that can be idle', async () => {
    let passes = 0;
    const loop = new Loop(async () => {
      passes += 1;
    });
    loop.begin();
    await loop.turn();
    await loop.turn();
    await loop.idle();
    loop.mark((dirty) => (dirty.all = true), 'test');
    await loop.idle();
    expect(passes).toBe(1);
  });

  it('comes while what may wait is held back, and hurries none of it', async () => {
    let passes = 0;
    const loop = new Loop(async () => {
      passes += 1;
    });
    loop.begin();
    loop.hold(60_000);
    loop.mark((dirty) => (dirty.all = true), 'test', 'may wait');
    await loop.turn();
    expect(passes).toBe(0);
    await loop.stop();
  });

  it('does not come while a pass hangs, and comes once it has ended', async () => {
    const hanging = Promise.withResolvers<void>();
    const loop = new Loop(() => hanging.promise);
    loop.begin();
    loop.mark((dirty) => (dirty.all = true), 'test');
    let came = false;
    const turn = loop.turn().then(() => (came = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(came).toBe(false);
    hanging.resolve();
    await turn;
  });

  it('does not come before the loop has begun', async () => {
    const loop = new Loop(async () => undefined);
    let came = false;
    const turn = loop.turn().then(() => (came = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(came).toBe(false);
    loop.begin();
    await turn;
  });

  it('comes between the passes of a loop that is never idle', async () => {
    const loop = new Loop(async () => {
      await Promise.resolve();
      loop.mark((dirty) => (dirty.all = true), 'again');
    });
    loop.begin();
    loop.mark((dirty) => (dirty.all = true), 'test');
    await loop.turn();
    await loop.turn();
    await loop.stop();
  });
});

describe('what comes in a moment', () => {
  it('waits, and what comes now does not', async () => {
    const causes: string[] = [];
    const loop = new Loop(async (dirty) => {
      causes.push(dirty.causes.join(', '));
    });
    loop.begin();
    loop.mark((dirty) => dirty.links.add(7), 'link vif7.0 is down', 'in a moment');
    await loop.idle();
    expect(causes).toEqual([]);
    loop.mark((dirty) => dirty.links.add(7), 'link vif7.0 was deleted');
    await loop.idle();
    expect(causes).toEqual(['link vif7.0 is down, link vif7.0 was deleted']);
    await loop.stop();
  });

  it('does come, however often it is said again', async () => {
    let passes = 0;
    const loop = new Loop(async () => {
      passes += 1;
    });
    loop.begin();
    const again = setInterval(() => loop.mark((dirty) => dirty.links.add(7), 'link vif7.0 is down', 'in a moment'), 5);
    await waitFor(() => passes >= 3, { what: 'three passes' });
    clearInterval(again);
    await loop.stop();
  });
});
