/** Which filter tables of iptables-legacy a zone's packets come through, from what iptables-legacy-save 1.8.9 writes. */
import { describe, expect, it } from 'vitest';
import { parsePrefix } from '../../../src/model/address.ts';
import { endOfZoneTraffic as endOf } from '../../../src/nft/legacy.ts';

const subnet = '10.75.0.0/16';
const passZones = ['-A FORWARD -i vif+ -j ACCEPT', '-A FORWARD -o vif+ -j ACCEPT'];
const reject = '-A FORWARD -j REJECT --reject-with icmp-port-unreachable';

type Case = readonly [name: string, rules: readonly string[], end: string | undefined];

describe('with policy ACCEPT', () => {
  it.each<Case>([
    ['nothing', [], undefined],
    ['a drop', ['-A FORWARD -j DROP'], '-A FORWARD -j DROP'],
    ['a reject', [reject], reject],
    ['a drop behind an accept of everything', ['-A FORWARD -j ACCEPT', '-A FORWARD -j DROP'], undefined],
    ['a drop behind an accept of zones', [...passZones, '-A FORWARD -j DROP'], undefined],
    ['a drop behind an accept of one direction', [passZones[0] ?? '', '-A FORWARD -j DROP'], '-A FORWARD -j DROP'],
    ['a drop of all zone links', ['-A FORWARD -o vif+ -j DROP'], '-A FORWARD -o vif+ -j DROP'],
    ['a drop of the whole subnet', [`-A FORWARD -s ${subnet} -j DROP`], `-A FORWARD -s ${subnet} -j DROP`],
    ['a drop of one zone: somebody’s intention', ['-A FORWARD -i vif7.0 -j DROP'], undefined],
    ['a drop of another net', ['-A FORWARD -s 192.0.2.0/24 -j DROP'], undefined],
    ['a drop of all links but one', ['-A FORWARD ! -i eth0 -j DROP'], '-A FORWARD ! -i eth0 -j DROP'],
    ['a drop of a wider net', ['-A FORWARD -s 10.0.0.0/8 -j DROP'], '-A FORWARD -s 10.0.0.0/8 -j DROP'],
    ['a drop of what is new', ['-A FORWARD -m state --state NEW -j DROP'], '-A FORWARD -m state --state NEW -j DROP'],
    ['a drop of what others open to zones', ['-A FORWARD -o vif+ -m state --state NEW -j DROP'], undefined],
    ['a drop of one port', ['-A FORWARD -p tcp -m tcp --dport 25 -j DROP'], undefined],
    ['a drop with a condition', ['-A FORWARD -m conntrack --ctstate INVALID -j DROP'], undefined],
    ['a rule without a target', ['-A FORWARD -i vif+'], undefined],
    ['a target that lets go on', ['-A FORWARD -j LOG --log-prefix "-j DROP "'], undefined],
    [
      'a comment with words of iptables in it',
      ['-A FORWARD -m comment --comment "x \\"y\\" -p tcp -j ACCEPT" -j DROP'],
      '-A FORWARD -m comment --comment "x \\"y\\" -p tcp -j ACCEPT" -j DROP',
    ],
    ['a drop in a chain of theirs', [':X - [0:0]', '-A FORWARD -j X', '-A X -j DROP'], '-A X -j DROP'],
    [
      'a return before it',
      [':X - [0:0]', '-A FORWARD -j X', '-A X -o vif+ -j RETURN', '-A X -i vif+ -j RETURN', '-A X -j DROP'],
      undefined,
    ],
    [
      'an accept in a chain before it',
      [':X - [0:0]', '-A FORWARD -j X', '-A FORWARD -j DROP', '-A X -j ACCEPT'],
      undefined,
    ],
    [
      'a goto: what stands behind it is not reached',
      [':X - [0:0]', '-A FORWARD -g X', '-A FORWARD -j DROP'],
      undefined,
    ],
    ['a chain that calls itself', [':X - [0:0]', '-A FORWARD -j X', '-A X -j X', '-A X -j DROP'], '-A X -j DROP'],
  ])('%s', (_name, rules, end) => {
    expect(endOfZoneTraffic(saved('ACCEPT', rules), subnet)).toBe(end);
  });
});

describe('with policy DROP', () => {
  it.each<Case>([
    ['nothing', [], '-P FORWARD DROP'],
    ['zones accepted by link', passZones, undefined],
    [
      'zones accepted by address',
      [`-A FORWARD -s ${subnet} -j ACCEPT`, `-A FORWARD -d ${subnet} -j ACCEPT`],
      undefined,
    ],
    ['one zone accepted', ['-A FORWARD -i vif7.0 -j ACCEPT', '-A FORWARD -o vif7.0 -j ACCEPT'], '-P FORWARD DROP'],
    [
      'zones accepted only towards one link',
      ['-A FORWARD -i vif+ -o eth0 -j ACCEPT', passZones[1] ?? ''],
      '-P FORWARD DROP',
    ],
    [
      'an accept of what is established',
      ['-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT'],
      '-P FORWARD DROP',
    ],
    [
      'zones’ connections accepted, and answers',
      ['-A FORWARD -i vif+ -j ACCEPT', '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'],
      undefined,
    ],
    ['a return at the top', ['-A FORWARD -j RETURN', '-A FORWARD -j ACCEPT'], '-P FORWARD DROP'],
    ['a goto that comes back', [':X - [0:0]', '-A FORWARD -g X', '-A FORWARD -j ACCEPT'], '-P FORWARD DROP'],
  ])('%s', (_name, rules, end) => {
    expect(endOfZoneTraffic(saved('DROP', rules), subnet)).toBe(end);
  });
});

it('a table that is cut off or garbled is no end', () => {
  expect(endOfZoneTraffic(['*filter', '-A FORWARD -j DROP', ':FORWARD'], subnet)).toBeUndefined();
});

it('many chains that call the next one twice each are looked at once each', () => {
  const chains = Array.from({ length: 200 }, (_, index) => `C${index}`);
  const rules = chains.flatMap((name, index) => [`-A ${name} -j C${index + 1}`, `-A ${name} -j C${index + 1}`]);
  const declared = [...chains, 'C200'].map((name) => `:${name} - [0:0]`);
  expect(endOfZoneTraffic(saved('ACCEPT', [...declared, '-A FORWARD -j C0', ...rules]), subnet)).toBeUndefined();
});

function endOfZoneTraffic(lines: readonly string[], text: string) {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(text);
  return endOf(lines, prefix);
}

function saved(policy: string, rules: readonly string[]): string[] {
  const chains = rules.filter((line) => line.startsWith(':'));
  const rest = rules.filter((line) => !line.startsWith(':'));
  return [
    '# Generated by iptables-save',
    '*filter',
    ':INPUT ACCEPT [0:0]',
    `:FORWARD ${policy} [3:252]`,
    ...chains,
    ...rest,
    'COMMIT',
    '',
  ];
}
