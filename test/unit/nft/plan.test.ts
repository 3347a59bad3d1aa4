/** Plans for every setting: one transaction brings about the layout, and then there is nothing left to do. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NftCommand, NftJson } from '../../../src/host/nft-command.ts';
import { hasCode } from '../../../src/model/errors.ts';
import { applyRuleset } from '../../../src/nft/apply.ts';
import type { ZonePair } from '../../../src/nft/layout-model.ts';
import { observeRuleset } from '../../../src/nft/observe.ts';
import { planRuleset } from '../../../src/nft/plan.ts';
import { describeCommand } from '../../../src/nft/words.ts';
import { FakeHost } from '../../fake/kernel.ts';
import {
  all,
  anySettings,
  anyZones,
  converge,
  count,
  defaults,
  dropAll,
  foreignFilter,
  from,
  jumpTo,
  link,
  pending,
  zone,
} from './support.ts';

/** Raise it to search longer. */
const runs = 150;

describe('plan and apply', () => {
  it('leave nothing to do, whatever the settings', async () => {
    await fc.assert(
      fc.asyncProperty(anySettings, anyZones, fc.boolean(), async (settings, zones, prune) => {
        const host = new FakeHost();
        await converge(host, settings, all(zones, prune));
        expect(await pending(host, settings, all(zones, prune))).toEqual([]);
        expect(await pending(host, settings, all(zones))).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  it('go from any settings to any others in one transaction, to what a fresh host would have', async () => {
    await fc.assert(
      fc.asyncProperty(anySettings, anyZones, anySettings, anyZones, async (first, before, second, after) => {
        const host = new FakeHost();
        foreignFilter(host, { FORWARD: [[from('192.0.2.1'), dropAll], [dropAll]] });
        await converge(host, first, all(before));
        const generation = host.nft.transactions;
        await converge(host, second, all(after));
        // What dom0 may send while zones are shut out of it is closed first.
        const shutsOut = second.denyHost && !first.denyHost;
        expect(host.nft.transactions - generation).toBeLessThanOrEqual(shutsOut ? 2 : 1);
        expect(await pending(host, second, all(after))).toEqual([]);
        const fresh = new FakeHost();
        foreignFilter(fresh, { FORWARD: [[from('192.0.2.1'), dropAll], [dropAll]] });
        await converge(fresh, second, all(after));
        expect(comparable(host)).toEqual(comparable(fresh));
      }),
      { numRuns: runs },
    );
  });

  it('say the same about a part as about the whole', async () => {
    await fc.assert(
      fc.asyncProperty(anySettings, anyZones, anyZones, async (settings, before, after) => {
        const host = new FakeHost();
        await converge(host, settings, all(before));
        const names = [...new Set([...before, ...after].map((each) => each.link))];
        const changes = names.map((name) => ({ had: of(before, name), want: of(after, name) }));
        await converge(host, settings, {
          kind: 'some',
          changes,
          isInUse: (each) => after.some(({ addresses }) => addresses.includes(each)),
        });
        expect(await pending(host, settings, all(after))).toEqual([]);
      }),
      { numRuns: runs },
    );
  });
});

describe('advance', () => {
  it('knows after any transaction what a new reading would say', async () => {
    await fc.assert(
      fc.asyncProperty(
        anySettings,
        fc.array(fc.tuple(anySettings, anyZones, fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 5 }),
        async (first, steps) => {
          const host = new FakeHost();
          foreignFilter(host, { FORWARD: [[from('192.0.2.1'), dropAll], [dropAll]] });
          let carried = await observeRuleset(host.nft);
          let settings = first;
          for (const [other, zones, prune, isReload] of steps) {
            if (isReload) settings = other;
            // What only a listing can tell is read, as the loop does it.
            if (settings !== first || needsHandles(() => planRuleset(settings, carried, all(zones, prune)))) {
              carried = await observeRuleset(host.nft);
            }
            const commands = planRuleset(settings, carried, all(zones, prune));
            await applyRuleset(host.nft, carried, commands);
            expect(comparableRuleset(carried)).toEqual(comparableRuleset(await observeRuleset(host.nft)));
            expect(knownHandles(carried, await observeRuleset(host.nft))).toEqual(pairHandles(carried));
          }
        },
      ),
      { numRuns: runs },
    );
  });
});

describe('a transaction', () => {
  it.each([1, 1000])('for one zone more is as long with %d zones there as with none', async (there) => {
    const alone = new FakeHost();
    await converge(alone, defaults, all([]));
    const newcomer = zone('vif9999.0', '10.75.200.1', 'fdd4:1476:6c7e::ffff');
    const expected = (await pending(alone, defaults, all([newcomer]))).map(describeCommand);
    const host = new FakeHost();
    const zones = manyZones(there);
    await converge(host, defaults, all(zones));
    expect((await pending(host, defaults, all([...zones, newcomer]))).map(describeCommand)).toEqual(expected);
    const change = { had: [], want: [newcomer] };
    const part = await pending(host, defaults, { kind: 'some', changes: [change], isInUse: () => false });
    expect(part.map(describeCommand)).toEqual(expected);
    expect(JSON.stringify(part).length).toBeLessThan(2500);
  });

  it('is made in pieces that nft can parse quickly', async () => {
    const commands = await converge(new FakeHost(), defaults, all(manyZones(1200)));
    const sizes = commands.flatMap((command) => elementsOf(command).length || []);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(1200 * 14);
  });

  it('hands an address from one link to another without an instant of both or neither', async () => {
    const host = new FakeHost();
    await converge(host, defaults, all([zone('vif1.0', '10.75.0.3')]));
    const commands = await converge(host, defaults, all([zone('vif2.0', '10.75.0.3')]));
    const lines = commands.map(describeCommand);
    expect(lines.slice(0, 18)).toEqual([
      'delete element inet edera spoofed { vif1.0 }',
      'add element inet edera spoofed { vif2.0 }',
      'delete element inet edera unassigned { vif1.0 }',
      'add element inet edera unassigned { vif2.0 }',
      'delete element inet edera strays { vif1.0 }',
      'add element inet edera strays { vif2.0 }',
      'delete element inet edera foreign-errors { vif1.0 }',
      'add element inet edera foreign-errors { vif2.0 }',
      'delete element inet edera discovery-floods { vif1.0 }',
      'add element inet edera discovery-floods { vif2.0 }',
      'delete element inet edera untranslated { vif1.0 }',
      'add element inet edera untranslated { vif2.0 }',
      'delete element inet edera from4 { vif1.0 . 10.75.0.3 }',
      'add element inet edera from4 { vif2.0 . 10.75.0.3 }',
      'delete element inet edera to4 { vif1.0 . 10.75.0.3 }',
      'add element inet edera to4 { vif2.0 . 10.75.0.3 }',
      'delete element inet edera own4 { vif1.0 . 10.75.0.3 }',
      'add element inet edera own4 { vif2.0 . 10.75.0.3 }',
    ]);
    expect(lines.some((line) => line.includes('zone4'))).toBe(false);
  });
});

describe('prune = false', () => {
  const stranger = zone('vif55.0', '10.75.5.5', 'fdd4:1476:6c7e::55');
  const known = zone('vif7.0', '10.75.0.3');

  it('keeps elements and pairs it does not know, and takes them when it may', async () => {
    const host = new FakeHost();
    await converge(host, defaults, all([stranger]));
    await converge(host, defaults, all([known], false));
    expect(host.render()).toContain('vif55.0 . 10.75.5.5');
    expect(host.render().match(/oifname "vif55.0" counter accept/g)).toHaveLength(2);
    expect(await pending(host, defaults, all([known], false))).toEqual([]);
    await converge(host, defaults, all([known]));
    expect(host.render()).not.toContain('vif55.0');
  });

  it.each(['the table', 'the chain'])('keeps them also when it has to make %s anew', async (what) => {
    const host = new FakeHost();
    await converge(host, defaults, all([stranger]));
    const damage: NftJson =
      what === 'the chain'
        ? { insert: { rule: { family: 'ip', table: 'filter', chain: 'EDERA-FORWARD', expr: [count] } } }
        : { add: { set: { family: 'inet', table: 'edera', name: 'extra', type: 'ipv4_addr' } } };
    host.foreignNft([damage]);
    const settings = what === 'the chain' ? defaults : { ...defaults, mark: 1 };
    await converge(host, settings, all([known], false));
    expect(host.render()).toContain('vif55.0 . 10.75.5.5');
    expect(host.render()).toContain('vif55.0 . fdd4:1476:6c7e::55');
    expect(host.render().match(/iifname "vif55.0" counter accept/g)).toHaveLength(2);
    expect(await pending(host, settings, all([known], false))).toEqual([]);
  });

  it('mends a set of another type (its elements are put into the new set, which nft refuses)', async () => {
    const host = new FakeHost();
    await converge(host, defaults, all([known]));
    host.foreignNft([{ delete: { table: { family: 'inet', name: 'edera' } } }]);
    const at = { family: 'inet', table: 'edera' };
    host.foreignNft([
      { add: { table: { family: 'inet', name: 'edera' } } },
      { add: { set: { ...at, name: 'from4', type: 'ifname', elem: ['vif7.0'] } } },
    ]);
    await converge(host, defaults, all([known], false));
    expect(await pending(host, defaults, all([known], false))).toEqual([]);
  });

  it('opens what a setting no longer closes (input-guard stays until pruning is allowed)', async () => {
    const host = new FakeHost();
    await converge(host, { ...defaults, denyHost: true }, all([known]));
    await converge(host, defaults, all([known], false));
    expect(host.render()).not.toContain('chain input-guard');
  });
});

describe('a plan in words', () => {
  it('is what nft reads: "meta mark & BIT == BIT" needs its operator (describeMatch leaves == out)', async () => {
    const lines = (await pending(new FakeHost(), defaults, all([]))).map(describeCommand);
    expect(lines).toContain('add rule ip filter EDERA-FORWARD meta mark & 0x10000000 == 0x10000000 counter accept');
  });

  it('shows that sets count (describeCommand leaves "counter" out)', async () => {
    const lines = (await pending(new FakeHost(), defaults, all([]))).map(describeCommand);
    expect(lines).toContain('add set inet edera from4 { type ifname . ipv4_addr; counter; }');
  });

  it('names handles and neighbours', () => {
    const at = { family: 'ip', table: 'filter', chain: 'FORWARD' } as const;
    expect(describeCommand({ kind: 'insert-rule', ...at, before: 9, expr: [count, jumpTo('EDERA-FORWARD')] })).toMatch(
      /^insert rule ip filter FORWARD handle 9 .*jump EDERA-FORWARD$/,
    );
    expect(describeCommand({ kind: 'delete-rule', ...at, handle: 9 })).toBe('delete rule ip filter FORWARD handle 9');
  });
});

function of(zones: readonly ZonePair[], name: string) {
  return zones.filter((each) => each.link === name);
}

function manyZones(number: number): ZonePair[] {
  return Array.from({ length: number }, (_, index) => ({
    ...zone('vif1.0', `10.75.${1 + (index >> 8)}.${index & 255}`, `fdd4:1476:6c7e::${(index + 3).toString(16)}`),
    link: link(`vif${index + 1}.0`),
  }));
}

function elementsOf(command: NftCommand): readonly string[] {
  return command.kind === 'add-elements' ? command.keys : [];
}

/** Without what legitimately remembers the past: markers, emptied chains of others and the order of pairs. */
function comparable(host: FakeHost): string[] {
  return host
    .render()
    .split('\n')
    .filter((line) => !/chain (made-|EDERA-USER|FORWARD filter)|^table ip6? filter/.test(line))
    .sort();
}

function comparableRuleset(ruleset: Awaited<ReturnType<typeof observeRuleset>>): unknown {
  return [...ruleset].sort(byKey).map(([key, table]) => ({
    key,
    sets: [...table.sets].sort(byKey).map(([name, set]) => [name, set.text, [...set.elements].sort()]),
    chains: [...table.chains].sort(byKey).map(([name, chain]) => ({
      name,
      hook: chain.hook,
      rules: chain
        .rules()
        .map(({ text }) => text)
        // A rule that was named stands last: nothing is decided by the order of the pairs.
        .sort(),
    })),
  }));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function needsHandles(plan: () => unknown): boolean {
  try {
    plan();
    return false;
  } catch (error) {
    if (hasCode(error, 'conflict')) return true;
    throw error;
  }
}

type Read = Awaited<ReturnType<typeof observeRuleset>>;

/** The rules of pairs with their handles, which a transaction of the layout leaves untold. */
function pairHandles(ruleset: Read): [text: string, handle: number | undefined][][] {
  return ['ip filter', 'ip6 filter'].map((key) =>
    (ruleset.get(key)?.chains.get('EDERA-FORWARD')?.rules() ?? [])
      .filter(({ text }) => /[io]ifname.*vif\d/.test(text))
      .map(({ text, handle }): [string, number | undefined] => [text, handle])
      .sort(),
  );
}

/** What was read, but for those handles that `carried` does not know. */
function knownHandles(carried: Read, read: Read): unknown {
  const known = pairHandles(carried);
  return pairHandles(read).map((pairs, family) =>
    pairs.map(([text, handle], place) => [text, known[family]?.[place]?.[1] === undefined ? undefined : handle]),
  );
}
