/** Maps of which only a part of the key is known, and numbers that chance chooses: what counts is where all entries lead. */
import { describe, expect, it } from 'vitest';
import type { NftObject } from '../../../src/host/port.ts';
import { accept, baseChain, drop, pass, payload, subChain } from './support.ts';

const chance = (mod: number): NftObject => ({ numgen: { mode: 'random', mod, offset: 0 } });
const map = (key: NftObject, ...entries: readonly (readonly [unknown, NftObject])[]): NftObject => ({
  vmap: { key, data: { set: entries } },
});
const by = (key: NftObject, ...entries: readonly (readonly [unknown, NftObject])[]) =>
  baseChain([[map(key, ...entries)]], { policy: 'drop' });

describe('a number that chance chooses', () => {
  it('has one entry after the other tried, the last without a doubt', () => {
    const ruleset = by(chance(2), [0, accept], [1, drop]);
    const first = 'request forward inet t base handle 1 {"accept":null}';
    expect(pass(ruleset)).toMatchObject({
      dropped: true,
      by: 'base 1',
      doubts: [expect.stringContaining('which entry')],
    });
    expect(pass(ruleset, undefined, { assumptions: new Map([[first, true]]) })).toMatchObject({
      dropped: false,
      doubts: [],
    });
  });
  it('leaves no doubt where all lead to the same', () => {
    expect(pass(by(chance(2), [0, accept], [1, accept]))).toMatchObject({ dropped: false, doubts: [] });
  });
  it('is known where there is one only', () => {
    expect(pass(by(chance(1), [0, accept], [1, drop]))).toMatchObject({ dropped: false, doubts: [] });
  });
  it('may be none of the entries', () => {
    expect(pass(by(chance(3), [0, accept], [1, accept]))).toMatchObject({ by: 'policy', doubts: [expect.anything()] });
  });
});

it('a chain behind an entry is walked', () => {
  const goto: NftObject = { goto: { target: 'closed' } };
  const ruleset = [...by(chance(2), [0, goto], [1, goto]), ...subChain('closed', [[drop]])];
  expect(pass(ruleset)).toMatchObject({ by: 'closed 1', doubts: [] });
});

it('a port that the sender chooses leaves the entries of others out', () => {
  const sport = payload('tcp', 'sport');
  expect(pass(by(sport, [22, drop], ['*', accept]))).toMatchObject({ dropped: false, doubts: [] });
});
