/** What a zone says of itself, and what `explain --live` makes of it. */
import { describe, expect, it } from 'vitest';
import { type Expected, hearingTable, judgeHeard } from '../../../src/explain/judge-heard.ts';
import type { Heard } from '../../../src/host/hearing.ts';
import { address } from './support.ts';

const zone: Expected = {
  link: 'vif7.0',
  family: 'ipv4',
  addresses: [address('10.75.0.7')],
  gateway: address('10.75.0.1'),
  subnet: '10.75.0.0/16',
};
const zone6: Expected = {
  ...zone,
  family: 'ipv6',
  addresses: [address('fdd4:1476:6c7e::7')],
  gateway: address('fdd4:1476:6c7e::1'),
  subnet: 'fdd4:1476:6c7e::/48',
};
const asking = (...pairs: (readonly [string, string])[]): Heard => ({
  protocols: ['arp'],
  asked: pairs.map(([source, target]) => ({ source: address(source), target: address(target) })),
  sources: [],
});
const told = (heard: Heard, expected = zone) =>
  judgeHeard(heard, expected, 10).map(({ state, text }) => `${state}: ${text}`);

describe('a zone', () => {
  it.each<[string, Heard, Expected, RegExp[]]>([
    [
      'with its own address',
      asking(['10.75.0.7', '10.75.0.1']),
      zone,
      [/^good: vif7\.0 asks for its gateway as 10\.75\.0\.7, as it should$/],
    ],
    [
      'with another address',
      asking(['10.75.0.77', '10.75.0.1']),
      zone,
      [/^bad: vif7\.0 asks for its gateway as 10\.75\.0\.77, and its address is 10\.75\.0\.7$/],
    ],
    [
      'with another IPv6 address, which asks the group of its gateway',
      asking(['fdd4:1476:6c7e::77', 'ff02::1:ff00:1']),
      zone6,
      [/^bad: vif7\.0 asks for its gateway as fdd4:1476:6c7e::77, and its address is fdd4:1476:6c7e::7$/],
    ],
    ['that asks under its link-local address', asking(['fe80::1', 'ff02::1:ff00:1']), zone6, []],
    ['that announces its address', asking(['10.75.0.7', '10.75.0.7']), zone, []],
    ['that looks whether its address is free', asking(['0.0.0.0', '10.75.0.7']), zone, []],
    ['that asks for a sibling', asking(['10.75.0.7', '10.75.0.8']), zone, []],
    [
      'that has no default route but one to its link',
      asking(['10.75.0.7', '198.51.100.10']),
      zone,
      [/^note: vif7\.0 asks for 198\.51\.100\.10 on its own link: it has no default route by its gateway 10\.75\.0\.1/],
    ],
    [
      'that only sends',
      { protocols: ['ip'], asked: [], sources: [address('10.75.0.77')] },
      zone,
      [/^bad: vif7\.0 sends packets as 10\.75\.0\.77, and its address is 10\.75\.0\.7$/],
    ],
    [
      'that says nothing',
      { protocols: [], asked: [], sources: [] },
      zone,
      [/^note: nothing at all came .*the guest’s interface is down/],
    ],
  ])('%s', (_what, heard, expected, texts) =>
    expect(told(heard, expected)).toEqual(texts.map((text) => expect.stringMatching(text))),
  );

  it('that says much is told in few lines', () => {
    const many = Array.from({ length: 32 }, (_, index) => [`10.75.1.${index}`, '10.75.0.1'] as const);
    expect(told(asking(...many))).toHaveLength(3);
  });
});

it('the table decides about nothing', () => {
  for (const expected of [zone, zone6]) expect(hearingTable(expected)).not.toMatch(/accept|drop|reject|policy/);
});
