/** Forgetting connections may take long: nobody else waits for it, and nobody is given the address before it is over. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { expectIdle, MemoryDirectory, refusal, startWorld, type World } from './support.ts';

const three = '10.75.0.3';

it('a link whose address takes long to be forgotten waits, and no other does', async () => {
  const { world, gate } = await slowWorld({ 'vif7.0': [three], 'vif8.0': ['10.75.0.4'] });
  world.host.addFlow({ src: three, dst: '192.0.2.1' });
  world.host.addLink('vif7.0');
  await impatience(world);
  expect(world.stateOf('vif7.0')).toBe('opening');
  expect(world.reasonOf('vif7.0')).toContain(`previous owner of ${three}`);

  world.host.addLink('vif8.0');
  await world.settle();
  expect(world.stateOf('vif8.0')).toBe('ready');
  expect(world.lines('link 2')).toEqual(['link 2 vif7.0 down']);
  expect(world.has(`route ${three}`)).toBe(false);
  expect(world.has('flow')).toBe(true);

  gate.resolve();
  await world.settle();
  expect(world.stateOf('vif7.0')).toBe('ready');
  expect(world.has('flow')).toBe(false);
  expect(world.has(`route ${three} dev vif7.0`)).toBe(true);
  expect(world.trace.filter((step) => step === `purge ${three}`)).toHaveLength(1);
  await expectIdle(world);
});

it('an address that moves is with nobody until all is forgotten that was begun after it was taken', async () => {
  const { world, hold } = await slowWorld({ 'vif7.0': [three] }, ['vif7.0', 'vif8.0']);
  const [opening, closing] = [hold(), hold()];
  world.directory.unset('vif7.0');
  world.directory.set('vif8.0', three);
  await impatience(world);
  await impatience(world);
  expect(world.has(`route ${three}`)).toBe(false);

  opening.resolve();
  await world.settle();
  // Of the old bearer's last packets, which only the later look can find.
  world.host.addFlow({ src: three, dst: '192.0.2.1' });
  expect(world.stateOf('vif8.0')).toBe('opening');
  expect(world.has(`route ${three}`)).toBe(false);

  closing.resolve();
  await world.settle();
  expect(world.stateOf('vif8.0')).toBe('ready');
  expect(world.has('flow')).toBe(false);
  await expectIdle(world);
});

it('what fails late is said, and tried again before the link is served', async () => {
  const { world, gate } = await slowWorld({ 'vif7.0': [three] });
  world.host.failNext('conntrack.purge', refusal());
  world.host.addLink('vif7.0');
  await impatience(world);
  gate.resolve();
  await world.settle();
  expect(world.stateOf('vif7.0')).toBe('failed');
  expect(world.has(`route ${three}`)).toBe(false);
  await world.pass(1_000);
  expect(world.stateOf('vif7.0')).toBe('ready');
  expect(world.trace.filter((step) => step === `purge ${three}`)).toHaveLength(2);
});

it('a link that dies while its address is being forgotten leaves nothing behind', async () => {
  const { world, gate } = await slowWorld({ 'vif7.0': [three] });
  const before = world.host.render();
  world.host.addLink('vif7.0');
  await impatience(world);
  world.host.deleteLink('vif7.0');
  await impatience(world);
  gate.resolve();
  await world.settle();
  expect(world.host.render()).toBe(before);
  expect(world.stateOf('vif7.0')).toBeUndefined();
  await expectIdle(world);
});

it('what failed for a link that is gone does not make a later one fail', async () => {
  const { world, gate } = await slowWorld({ 'vif7.0': [three] });
  // Before it would be opened, and after its end.
  world.host.failNext('conntrack.purge', refusal(), 2);
  world.host.addLink('vif7.0');
  await impatience(world);
  world.host.deleteLink('vif7.0');
  await impatience(world);
  gate.resolve();
  await world.settle();
  const errors = world.log.filter(({ level }) => level >= 50).length;
  world.host.addLink('vif7.0');
  await world.settle();
  expect(world.stateOf('vif7.0')).toBe('ready');
  expect(world.log.filter(({ level }) => level >= 50)).toHaveLength(errors);
});

/** `links` are served; `hold` makes the next forgetting that is not held yet wait, which the first after the start does. */
async function slowWorld(zones: Readonly<Record<string, readonly string[]>>, links: readonly string[] = []) {
  const world = await startWorld({ directories: [new MemoryDirectory('static', zones)] });
  for (const link of links) world.host.addLink(link);
  await world.settle();
  const hold = () => {
    const gate = Promise.withResolvers<void>();
    world.host.delayNext('conntrack.purge', gate.promise);
    return gate;
  };
  return links.length > 0 ? { world, hold, gate: Promise.withResolvers<void>() } : { world, hold, gate: hold() };
}

/** Time moves until the pass has lost patience; the pause between passes is a real one. */
async function impatience(world: World): Promise<void> {
  const settled = world.settle().then(() => true);
  while (!(await Promise.race([settled, delay(1, false)]))) vi.advanceTimersByTime(1);
}
