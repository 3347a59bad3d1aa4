import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NftTransactions } from '../../../src/host/nft-lines.ts';
import { unnamedTable } from '../../../src/host/port.ts';

describe('a transaction', () => {
  it('is told at its generation, with its tables and its author', () => {
    expect(
      read(
        'add rule ip filter FORWARD ip saddr 1.2.3.4 counter packets 0 bytes 0 accept',
        'delete table inet edera',
        'add element ip6 nat zones { fdd4::3 }',
        '# new generation 3 by process 2807 (iptables)',
      ),
    ).toEqual([
      {
        kind: 'transaction',
        rules: [],
        tables: new Set(['ip filter', 'inet edera', 'ip6 nat']),
        culprit: { pid: 2807, process: 'iptables' },
      },
    ]);
  });

  it('names its new rules with their handles, and counts as they were asked for', () => {
    const pair = { family: 'ip', table: 'filter', chain: 'EDERA-FORWARD' };
    expect(
      read(
        'add rule ip filter EDERA-FORWARD oifname "vif7.0" counter packets 0 bytes 0 accept # handle 12',
        'insert rule ip filter EDERA-FORWARD iifname "vif7.0" counter packets 3 bytes 99 accept # handle 13',
        'add rule ip filter EDERA-FORWARD handle 13 oifname "vif8.0" counter packets 0 bytes 0 accept # handle 14',
        'delete rule ip filter EDERA-FORWARD handle 9',
        '# new generation 4 by process 1 (nft)',
        '# new generation 5 by process 1 (nft)',
      ),
    ).toMatchObject([
      {
        rules: [
          { ...pair, text: 'oifname "vif7.0" counter accept', handle: 12 },
          { ...pair, text: 'iifname "vif7.0" counter accept', handle: 13 },
          { ...pair, text: 'oifname "vif8.0" counter accept', handle: 14 },
        ],
      },
      { rules: [] },
    ]);
  });

  it('holds only what came since the one before', () => {
    expect(
      read('delete table ip filter', '# new generation 3 by process 1 (nft)', '# new generation 4 by process 1 (nft)'),
    ).toMatchObject([{ tables: new Set(['ip filter']) }, { tables: new Set([unnamedTable]) }]);
  });

  it('that flushes a set which nft monitor has forgotten may concern any table', () => {
    // As nft 1.0.6 prints it once a rule that looks into the set was reported.
    expect(
      read(
        'W: Received event for an unknown set.',
        'add element ip other hosts { 192.0.2.1 }',
        '# new generation 7 by process 250269 (nft)',
      ),
    ).toMatchObject([{ tables: new Set([unnamedTable, 'ip other']) }]);
  });

  it('may have no author, or one with a strange name', () => {
    expect(read('# new generation 5')).toMatchObject([{ culprit: undefined }]);
    expect(read('# new generation 5 by process 7 (a) b (c))')).toMatchObject([
      { culprit: { pid: 7, process: 'a) b (c)' } },
    ]);
    expect(read('# new generation 5 by process 7 (first line')).toMatchObject([
      { kind: 'transaction', culprit: undefined },
    ]);
  });

  it.each(['insert rule', 'replace rule', 'add chain', 'delete set', 'flush chain', 'destroy table'])(
    'knows %s',
    (verb) => {
      expect(read(`${verb} inet edera x`, '# new generation 1')).toMatchObject([{ tables: new Set(['inet edera']) }]);
    },
  );
});

describe('trouble', () => {
  it.each(['netlink: Error: Could not receive: No buffer space available', 'nft: events lost', '# ERROR: overrun'])(
    'takes %j for lost events',
    (line) => {
      expect(read(line)).toMatchObject([{ kind: 'trouble', words: expect.stringContaining(line) }]);
    },
  );

  it('is not what a rule says', () => {
    expect(read('add rule ip filter FORWARD log prefix "Error: lost" accept', '\tcomment "lost"', '}')).toEqual([]);
  });

  it('never throws', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('add rule', 'ip', 'inet edera', '# new generation', 'by process', '(nft)', '1', 'Error'),
    );
    fc.assert(
      fc.property(fc.array(fc.array(word)), (lines) => {
        read(...lines.map((words) => words.join(' ')));
      }),
      { numRuns: 2000 },
    );
  });
});

function read(...lines: string[]) {
  const transactions = new NftTransactions();
  return lines.flatMap((line) => transactions.push(line) ?? []);
}
