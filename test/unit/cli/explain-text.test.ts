/** What `explain` prints: whole, so that a change of words is seen. */
import { expect, it } from 'vitest';
import { explanationLines } from '../../../src/cli/explain-text.ts';
import { type Step, step } from '../../../src/explain/step.ts';
import type { Report } from '../../../src/explain/walk.ts';
import { outgoing } from '../explain/support.ts';

const plain = (_tone: string, text: string) => text;
const told = (reports: readonly Report[], length?: 'brief' | 'full') =>
  explanationLines(reports, length, plain).join('\n');

function report(more: Partial<Report>, ...steps: Step[]): Report {
  return {
    link: 'vif7.0',
    addresses: [outgoing.source],
    packet: 'TCP from 10.75.0.7 to 198.51.100.10 port 443',
    facts: outgoing,
    verdict: 'passes',
    because: 'nothing on this host stops it or its answer',
    cause: null,
    decisive: null,
    sections: [
      { title: 'what is known', steps: [step('directory', 'good', 'vif7.0 has 10.75.0.7'), ...steps] },
      {
        title: 'beyond',
        steps: [
          step('masquerade', 'good', 'leaves as 192.0.2.1', { details: ['by a rule'] }),
          step('beyond', 'note', 'the other side cannot be seen'),
        ],
      },
    ],
    ...more,
  };
}
const stopped = step('daemon', 'note', 'protect-network is not running');
const policy = step('policy', 'bad', 'forward: its policy is drop', { fix: ['nft add rule …'], details: ['a detail'] });

it('two packets that pass, in brief', () => {
  expect(told([report({}, stopped), report({ packet: 'TCP over IPv6' })])).toBe(`\
✓ TCP from 10.75.0.7 to 198.51.100.10 port 443: passes this host, and so does its answer
  · protect-network is not running
  ✓ leaves as 192.0.2.1
✓ TCP over IPv6: passes this host, and so does its answer
  ✓ leaves as 192.0.2.1

  If it still does not work, check inside the zone: \`ip address\` must show 10.75.0.7 and 10.75.0.7, and \`ip route\` a default route.
  This assumes a new connection; established ones may go on where a new one may not.
  The whole way: --full`);
});

it('one that passes and one that does not: only the second in full', () => {
  const blocked = report({
    verdict: 'blocked',
    because: policy.text,
    decisive: policy,
    sections: [{ title: 'there', steps: [policy] }],
  });
  expect(told([report({}), blocked])).toBe(`\
✓ TCP from 10.75.0.7 to 198.51.100.10 port 443: passes this host, and so does its answer
  ✓ leaves as 192.0.2.1

✗ TCP from 10.75.0.7 to 198.51.100.10 port 443: does not pass
  forward: its policy is drop
  fix: nft add rule …

  there
  ✗ forward: its policy is drop
      a detail
      fix: nft add rule …

  If it still does not work, check inside the zone: \`ip address\` must show 10.75.0.7, and \`ip route\` a default route.
  This assumes a new connection; established ones may go on where a new one may not.
  The whole way: --full`);
  expect(told([blocked], 'brief')).toBe(`\
✗ TCP from 10.75.0.7 to 198.51.100.10 port 443: does not pass
  forward: its policy is drop
  fix: nft add rule …

  This assumes a new connection; established ones may go on where a new one may not.
  The whole way: --full`);
});

it('where it is sent instead is told with the rule, also in brief', () => {
  const details = ['ip nat PREROUTING handle 4: tcp dport 8080 dnat to 10.75.0.8:80'];
  const redirected = step('redirection', 'good', 'prerouting: passes ip nat PREROUTING; from here on …', { details });
  expect(told([report({}, redirected)])).toContain(`\n  ✓ ${redirected.text}\n      ${details[0]}\n`);
});

it('what real packets showed is never left out', () => {
  const live = { title: 'live', steps: [step('probe', 'good', 'the zone answers')] };
  expect(told([report({ sections: [live] })])).toContain('\n  ✓ the zone answers\n');
});

it('text to add to a file keeps its lines', () => {
  const fix = 'at the end of /etc/edera/policy.d/a.toml, add:\n[[policy]]\negress.allow = ["198.51.100.7:443"]';
  const denied = step('egress', 'bad', 'no rule of the zone’s policies allows it', { fix: [fix] });
  const text = told([report({ verdict: 'blocked', because: denied.text, decisive: denied }, denied)]);
  expect(text).toContain(
    '\n  fix: at the end of /etc/edera/policy.d/a.toml, add:\n       [[policy]]\n       egress.allow = ["',
  );
  expect(text).toContain('\n      fix: at the end of /etc/edera/policy.d/a.toml, add:\n           [[policy]]\n');
});

it('the rule of a policy that allows a packet is told in brief', () => {
  const allowed = step('egress', 'good', 'allowed by /etc/edera/policy.d/a.toml:3:17: "198.51.100.7:443"');
  expect(told([report({}, allowed)])).toContain('\n  ✓ allowed by /etc/edera/policy.d/a.toml:3:17');
});
