/** The chains at the ingress of taken links: planned, applied and read again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRuleset } from '../../../src/nft/apply.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { planCleanup } from '../../../src/nft/plan-cleanup.ts';
import { type IngressScope, planIngress } from '../../../src/nft/plan-ingress.ts';
import { FakeHost } from '../../fake/kernel.ts';
import { anyZones, link, zone } from './support.ts';

const seven = zone('vif7.0', '10.75.0.3', 'fdd4:1476:6c7e::3');
const eight = zone('vif8.0', '10.75.0.4');

async function apply(host: FakeHost, scope: IngressScope) {
  const observed = await observeRuleset(host.nft);
  const commands = planIngress(observed, scope);
  await applyRuleset(host.nft, observed, commands);
  // What is believed is what is there.
  expect(planIngress(observed, scope)).toEqual([]);
  expect(planIngress(await observeRuleset(host.nft), scope)).toEqual([]);
  return commands;
}

const chains = (host: FakeHost) =>
  [...host.render().matchAll(/chain (vif\S+) filter hook ingress/g)].map(([, name]) => name);

describe('chains at the ingress of taken links', () => {
  it('come and go with the zones, whichever they are', () =>
    fc.assert(
      fc.asyncProperty(fc.array(anyZones, { minLength: 1, maxLength: 4 }), async (steps) => {
        const host = new FakeHost();
        for (const taken of steps) {
          await apply(host, { taken, free: 'all' });
          expect(chains(host).sort()).toEqual(taken.map((each) => each.link).sort());
        }
        await apply(host, { taken: [], free: 'all' });
        expect(host.render()).not.toContain('netdev');
      }),
      { numRuns: 50 },
    ));

  it('of links that are not looked at stay', async () => {
    const host = new FakeHost();
    await apply(host, { taken: [seven, eight], free: [] });
    await apply(host, { taken: [], free: [link('vif8.0')] });
    expect(chains(host)).toEqual(['vif7.0']);
  });

  it('of others in our table stay, and the table for them', async () => {
    const host = new FakeHost();
    await apply(host, { taken: [seven], free: 'all' });
    host.foreignNft([{ add: { chain: { family: 'netdev', table: 'edera', name: 'theirs' } } }]);
    await apply(host, { taken: [], free: 'all' });
    expect(host.render()).toContain('chain theirs');
  });

  it('are made anew where a rule is gone', async () => {
    const host = new FakeHost();
    await apply(host, { taken: [seven], free: 'all' });
    const before = host.render();
    host.foreignNft([{ flush: { chain: { family: 'netdev', table: 'edera', name: 'vif7.0' } } }]);
    expect((await apply(host, { taken: [seven], free: 'all' })).length).toBeGreaterThan(0);
    expect(host.render()).toBe(before);
  });

  it('go with a cleanup', async () => {
    const host = new FakeHost();
    await apply(host, { taken: [seven], free: 'all' });
    const observed = await observeRuleset(host.nft);
    await applyRuleset(host.nft, observed, planCleanup(observed).commands);
    expect(host.render()).not.toContain('netdev');
  });
});
