/** What lists of prefixes cover, as nft lists it again. */
import { expect, test } from 'vitest';
import { parsePrefix } from '../../../src/model/address.ts';
import { addressIsAmong } from '../../../src/nft/expressions.ts';

function covered(...texts: string[]): unknown {
  const prefixes = texts.flatMap((text) => parsePrefix(text) ?? []);
  const { match } = addressIsAmong(prefixes[0]?.family ?? 'ipv4', 'daddr', prefixes) as { match: { right: unknown } };
  return match.right;
}

const net = (addr: string, len: number) => ({ prefix: { addr, len } });

test.each<[string, string[], unknown]>([
  ['one address', ['192.0.2.1/32'], '192.0.2.1'],
  ['one prefix', ['10.0.0.0/8'], net('10.0.0.0', 8)],
  ['everything', ['0.0.0.0/0', '10.0.0.0/8'], net('0.0.0.0', 0)],
  ['a prefix in another, and one twice', ['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8'], net('10.0.0.0', 8)],
  ['halves', ['10.0.0.128/25', '10.0.0.0/25'], net('10.0.0.0', 24)],
  ['neighbours that are no prefix', ['10.0.1.0/24', '10.0.2.0/24'], { range: ['10.0.1.0', '10.0.2.255'] }],
  [
    'in ascending order',
    ['192.0.2.1/32', '9.9.9.9/32', '10.0.0.0/8'],
    { set: ['9.9.9.9', net('10.0.0.0', 8), '192.0.2.1'] },
  ],
  ['addresses that touch, alone', ['2001:db8::1/128', '2001:db8::2/128'], { set: ['2001:db8::1', '2001:db8::2'] }],
  [
    'addresses that touch, beside a prefix',
    ['2001:db8::1/128', '2001:db8::2/128', '2001:db8:1::/48'],
    { set: [{ range: ['2001:db8::1', '2001:db8::2'] }, net('2001:db8:1::', 48)] },
  ],
])('%s', (_what, prefixes, values) => {
  expect(covered(...prefixes)).toEqual(values);
});
