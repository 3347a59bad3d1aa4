/** A helper that hangs is given up after its bound (20 to 30 s) and replaced; too long to wait for in every run. */
import { expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { addServedZone, childOf, reaches, untilState, withScene } from '../lab/served.ts';

it.each(['nft --json --interactive', 'ip -json -force -batch'])('%s hangs', (helper) =>
  withScene({}, async ({ world, daemon, zones: [one] }) => {
    const hung = await childOf(daemon, helper);
    process.kill(hung, 'SIGSTOP');
    const late = await world.addZone({ domid: 9 });
    await world.declareZone(late);
    await untilState(daemon, late.link, 'ready', 90_000);
    expect(await childOf(daemon, helper)).not.toBe(hung);
    for (const zone of [one, late]) expect(await reaches(zone, farHost.ipv4)).toBe(true);
    await addServedZone(world, daemon, { domid: 10 });
  }),
);
