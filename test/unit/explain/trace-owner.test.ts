/** Whose the table of `explain --live` is. */
import { expect, test } from 'vitest';
import { ownerOf } from '../../../src/host/trace-table.ts';

const table = { table: { family: 'inet', name: 'edera-trace', handle: 1 } };
const chain = (name: string) => ({ chain: { family: 'inet', table: 'edera-trace', name, handle: 2 } });
const rule = (where: string, expr: readonly object[]) => ({ rule: { chain: where, handle: 3, expr } });
const tracing = { mangle: { key: { meta: { key: 'nftrace' } }, value: 1 } };
const ours = [table, chain('by-4711-99'), chain('request'), rule('request', [tracing])];
const alive = (pid: number) => (pid === 4711 ? '99' : undefined);

test.each([
  ['of a process that runs', ours, alive, 4711],
  ['of one that has ended', ours, () => undefined, 'abandoned'],
  ['of one whose id another process has now', ours, () => '100', 'abandoned'],
  ['without a process', [table, chain('request'), rule('request', [tracing])], alive, 'others'],
  ['empty', [table], alive, 'others'],
  ['of two processes', [...ours, chain('by-1-1')], alive, 'others'],
  ['with a chain more', [...ours, chain('mine')], alive, 'others'],
  ['with a rule that does something else', [...ours, rule('reply', [{ drop: null }])], alive, 'others'],
  ['with a rule where none belongs', [...ours, rule('by-4711-99', [tracing])], alive, 'others'],
  ['with a set', [...ours, { set: { name: 'x' } }], alive, 'others'],
  [
    'that hears a link',
    [
      table,
      chain('by-4711-99'),
      { set: { name: 'asked' } },
      chain('heard'),
      rule('heard', [{ set: { set: '@asked' } }]),
    ],
    alive,
    4711,
  ],
])('one %s', (_what, objects, start, owner) => {
  expect(ownerOf(objects, start)).toBe(owner);
});
