/** What a directory says, by link: as an array would say it, and at a cost that grows with what changed. Work is counted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryTable } from '../../../src/directories/entry-table.ts';
import type { AskedDirectory } from '../../../src/directories/zone-directory.ts';
import type { ZoneEntry } from '../../../src/directories/zone-entry.ts';
import { Claimants } from '../../../src/lifecycle/claimants.ts';
import type { Address } from '../../../src/model/address.ts';
import { address, link } from '../nft/support.ts';

const many = 5000;

describe('a table of entries', () => {
  it('holds what was put into it, and knows what differs, whatever was changed', () => {
    const change = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.option(fc.integer({ min: 3, max: 9 })));
    fc.assert(
      fc.property(fc.array(fc.array(change)), (steps) => {
        const model = new Map<string, ZoneEntry>();
        let table = EntryTable.empty;
        for (const changes of steps) {
          const [before, said] = [table, new Map(model)];
          table = table.with(
            changes.map(([domid, last]) => {
              const entry = last === null ? undefined : plainEntry(domid, last);
              if (entry === undefined) model.delete(`vif${domid}.0`);
              else model.set(entry.link, entry);
              return [link(`vif${domid}.0`), entry === undefined ? [] : [{ entry, place: 0 }]] as const;
            }),
          );
          const sorted = [...model.keys()].sort();
          expect(table.entries()).toEqual(sorted.map((name) => model.get(name)));
          expect(table.length).toBe(model.size);
          const isOther = (name: string) => said.get(name)?.addresses.join() !== model.get(name)?.addresses.join();
          const differing = [...new Set([...said.keys(), ...model.keys()])].filter(isOther).sort();
          expect(table.differing(before)).toEqual(differing);
        }
      }),
    );
  });

  it('keeps the order of a list, and more than one entry of a link', () => {
    const entries = [plainEntry(9, 3), plainEntry(2, 4), plainEntry(9, 5)];
    expect(EntryTable.of(entries).entries()).toEqual(entries);
    expect(EntryTable.of(entries).length).toBe(3);
  });
});

describe('a change of one entry among thousands', () => {
  it('makes the loop look at that one, not at all of them', () => {
    const looks = { count: 0 };
    const table = EntryTable.of(Array.from({ length: many }, (_, index) => countingEntry(index + 1, looks)));
    const claimants = new Claimants([asked(table)]);
    // The control: to take all of them in is counted.
    expect(looks.count).toBeGreaterThanOrEqual(many);
    looks.count = 0;
    const changed = link('vif77.0');
    const other = table.with([[changed, [{ entry: plainEntry(77, 9), place: 0 }]]]);
    expect([...claimants.take([asked(other)])]).toEqual([changed]);
    expect(looks.count).toBeLessThan(10);
  });
});

/** As a directory says it whose list of entries nobody needs. */
function asked(table: EntryTable): AskedDirectory {
  return { name: 'static', snapshot: { state: 'answered', entries: [], table, problems: [], detail: '', since: 0 } };
}

function plainEntry(domid: number, last: number): ZoneEntry {
  return { link: link(`vif${domid}.0`), addresses: [address(`10.75.0.${last}`)], name: undefined, origin: 'test' };
}

/** Each look at its addresses is counted. */
function countingEntry(domid: number, looks: { count: number }): ZoneEntry {
  const addresses: readonly Address[] = [address(`10.75.${domid >> 8}.${domid & 255}`)];
  return {
    link: link(`vif${domid}.0`),
    get addresses() {
      looks.count += 1;
      return addresses;
    },
    name: undefined,
    origin: 'test',
  };
}
